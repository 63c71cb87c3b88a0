"""Too little memory at the start: said in one line, where the libraries below would end the process without a word.

NumPy, OpenCV, ONNX Runtime and PyTorch reserve address space for every core when they are loaded. Under a limit
(``ulimit -v``, as job schedulers and graders set it) some of them do not look whether they got it.
"""

from __future__ import annotations

import sys

from ganbench.errors import GanbenchError
from ganbench.system.cores import available_cores
from ganbench.system.memory import address_space
from ganbench.system.wall import reason

# Measured: detect reserves 250 MB and 254 for each core, score 460 and 290, what needs PyTorch 3,150 in all.
_BASE, _PER_CORE = 500 << 20, 300 << 20
_WITH_TORCH = 4 << 30
_SIGNS = ("failed to map segment", "cannot allocate memory", "can't start new thread", "not enough memory")


def check_headroom() -> None:
    """Refuse to start where the libraries could not be loaded.

    Raises:
        GanbenchError: the limit on the address space is too low.
    """
    limit, need = address_space(), _BASE + _PER_CORE * available_cores()
    if limit is not None and limit < need:
        raise GanbenchError(
            f"this process may use {limit >> 20:,} MB of address space, and {need >> 20:,} MB is the least on "
            f"{available_cores()} cores ({_WITH_TORCH >> 20:,} MB where PyTorch is needed). Raise the limit "
            f"(ulimit -v {_WITH_TORCH >> 10}), or use fewer cores (taskset -c 0)"
        )


def out_of_memory(error: BaseException) -> str:
    """Return one line for an error that says that memory has run out; "" for any other.

    Under a limit that PyTorch does not fit into, whatever ends a run with it is taken for one: half-loaded libraries
    fail in ways of their own.
    """
    limit = address_space()
    told = isinstance(error, MemoryError) or any(sign in str(error).lower() for sign in _SIGNS)
    if not told and not (limit is not None and limit < _WITH_TORCH and "torch" in sys.modules):
        return ""
    what = f"out of memory ({reason(error)})" if isinstance(error, Exception) else "out of memory"
    if limit is None:
        return f"{what}. Free some, or use a larger machine"
    return (
        f"{what}: this process may use {limit >> 20:,} MB of address space. Raise the limit: ulimit -v "
        f"{max(_WITH_TORCH, 2 * limit) >> 10}"
    )
