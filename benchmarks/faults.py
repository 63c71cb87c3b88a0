"""Hostile, odd and unlucky input, made from a seed: does anything go wrong in silence, crash, hang or take all memory?

    python benchmarks/faults.py                                # every campaign at its default count
    python benchmarks/faults.py images containers --count 15000 --seed 1
    python benchmarks/faults.py references --only 217          # one case of a seed again

Each campaign prints a line such as ``images: 1500 tried, 0 failed``, and what failed on standard error; the exit code
is 1 if anything did. A failure is: any exception but ganbench's own errors, a traceback, a process that dies, more than
10 s or 512 MiB for one case, an image lost or changed without a word, a number changed without a word, markup,
formulas or control characters let through to a page, a spreadsheet or a terminal, and files that a killed process
left behind. docs/faults.md describes the campaigns.

Everything happens in temporary folders; the caches in use are those of the folder --home, or of a temporary one.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from importlib import import_module
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from campaigns.base import Found
from campaigns.registry import COMMANDS, SWEEPS, load
from campaigns.watch import sweep


def campaign(name: str, count: int | None, seed: int, home: Path, *, only: int | None = None) -> Found:
    """Run one campaign.

    Args:
        name: of ``SWEEPS`` or ``COMMANDS``.
        count: cases to try; None: as many as is usual.
        seed: of everything random.
        home: folder for what ganbench keeps (exported networks above all), shared between campaigns.
        only: try this case alone.
    """
    if name in SWEEPS:
        if only is not None:
            return sweep(name, 1, seed, home, start=only)
        return sweep(name, count or load(name).count, seed, home)
    module, _, function = COMMANDS[name].partition(":")
    found: Found = getattr(import_module(module), function)(count, seed, home)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = [*SWEEPS, *COMMANDS]
    parser.add_argument("names", nargs="*", metavar="CAMPAIGN", help=f"{', '.join(names)}; all of them without any")
    parser.add_argument("--count", type=int, metavar="N", help="cases of each campaign [default: its own]")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="of everything random [default: 0]")
    parser.add_argument("--only", type=int, metavar="I", help="try case I alone (campaigns of small cases)")
    parser.add_argument("--home", type=Path, metavar="DIR", help="keep exported networks there [default: temporary]")
    arguments = parser.parse_args()
    if unknown := [name for name in arguments.names if name not in names]:
        parser.error(f"no campaign {', '.join(unknown)}; there are {', '.join(names)}")
    failed = False
    with tempfile.TemporaryDirectory(prefix="ganbench-faults-") as folder:
        home = (arguments.home or Path(folder)).resolve()
        for name in arguments.names or names:
            found = campaign(name, arguments.count, arguments.seed, home, only=arguments.only)
            for fault in found.faults:
                print(f"FAULT {name}: {fault}", file=sys.stderr)
            print(found.line(name), flush=True)
            failed = failed or bool(found.faults) or not found.tried
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
