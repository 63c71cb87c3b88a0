"""ONNX Runtime, opened in one way: silent, within a budget of memory, and on the device that is there."""

from __future__ import annotations

import logging
import os
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ganbench.errors import GanbenchError
from ganbench.system.cores import available_cores
from ganbench.system.memory import budget

if TYPE_CHECKING:
    import numpy as np
    import onnxruntime

_LOG = logging.getLogger(__name__)
_ONLY_FATAL = 4  # what goes wrong is raised; ONNX Runtime would print it as well
_CUDA, _CPU = "CUDAExecutionProvider", "CPUExecutionProvider"
_BOUNDING = threading.Lock()
_bounded = False


def load_onnx_runtime() -> Any:
    """Import ONNX Runtime; from version 1.29 on it reports to its makers, and keeps a database for it, unless told not.

    Whoever wants that sets ``ORT_DISABLE_TELEMETRY=0``.
    """
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # read once, when the library starts
    import onnxruntime

    return onnxruntime


def open_graph(graph: bytes) -> onnxruntime.InferenceSession:
    """Open a network of our own making, for calls from many threads, each of which computes alone."""
    runtime = load_onnx_runtime()
    options = runtime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = _ONLY_FATAL
    return runtime.InferenceSession(graph, options, providers=[_CPU])


def open_file(path: str, device: str) -> tuple[onnxruntime.InferenceSession, str]:
    """Open somebody's network: on CUDA where it is wanted and there, else on all cores, within the budget of memory.

    Args:
        path: the ONNX file.
        device: ``auto``, ``cpu`` or ``cuda``.

    Returns:
        The session, and what the user should know of where it runs; "" for nothing.

    Raises:
        Exception: whatever ONNX Runtime has to say of the file; it has no base class for its errors.
        GanbenchError: an unknown device.
    """
    if device not in ("auto", "cpu", "cuda"):
        raise GanbenchError(f"unknown device {device!r}. Known: auto, cpu, cuda.")
    runtime = load_onnx_runtime()
    _bound_memory(runtime)
    options = runtime.SessionOptions()
    options.intra_op_num_threads = available_cores()
    options.log_severity_level = _ONLY_FATAL
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.use_env_allocators", "1")
    with_cuda = device != "cpu" and _CUDA in runtime.get_available_providers()

    def session_on(*providers: str) -> onnxruntime.InferenceSession:
        # Its own way to fall back prints to standard output.
        return runtime.InferenceSession(path, options, providers=list(providers), enable_fallback=0)

    try:
        session = session_on(*[_CUDA] * with_cuda, _CPU)
    except Exception:  # it has no base class for its errors
        if not with_cuda:
            raise
        session = session_on(_CPU)
    on_cuda = _CUDA in session.get_providers()
    _LOG.info("%s runs on %s (asked for: %s)", path, "cuda" if on_cuda else "cpu", device)
    if device != "cuda" or on_cuda:
        return session, ""
    why = "its CUDA libraries do not load" if with_cuda else "the ONNX Runtime that is installed has no CUDA"
    return session, (
        f"--device cuda: the detector ran on the CPU, with the same result: {why}. "
        "For CUDA: pip uninstall onnxruntime, then pip install onnxruntime-gpu"
    )


def run_within(
    session: onnxruntime.InferenceSession, wanted: list[str], feed: dict[str, np.ndarray], seconds: float
) -> list[Any]:
    """Run a network, and end it after so many seconds: a graph may hold a loop that has no end.

    Args:
        session: of any thread.
        wanted: names of the outputs.
        feed: the inputs by name.
        seconds: after which the run is ended, between two of its nodes.

    Returns:
        The outputs: arrays, or lists of such.

    Raises:
        TimeoutError: it took longer.
        Exception: whatever else ONNX Runtime has to say; it has no base class for its errors.
    """
    options = load_onnx_runtime().RunOptions()
    ended = threading.Event()

    def end() -> None:
        ended.set()
        options.terminate = True

    watch = threading.Timer(seconds, end)
    watch.daemon = True
    watch.start()
    try:
        return list(session.run(wanted, feed, options))
    except Exception as e:
        if ended.is_set():
            raise TimeoutError(f"it took longer than {seconds:g} seconds") from e
        raise
    finally:
        watch.cancel()


def _bound_memory(runtime: Any) -> None:
    """Give the networks of files one pool of memory, which refuses to grow over the budget."""
    global _bounded
    with _BOUNDING:
        if _bounded:
            return
        info = runtime.OrtMemoryInfo("Cpu", runtime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, runtime.OrtMemType.DEFAULT)
        with suppress(Exception):  # a program around us has made its own pool, and bounded it as it likes
            runtime.create_and_register_allocator(info, runtime.OrtArenaCfg({"max_mem": budget()}))
        _bounded = True
