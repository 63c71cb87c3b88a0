"""Processes that work through a list of tasks: one that dies costs its task alone, and none outlives its parent."""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from typing import Any

from ganbench.system import gpus
from ganbench.system.cores import available_cores, keep_to_cores
from ganbench.system.log import log_to_stderr, log_warnings, shown_level
from ganbench.system.memory import VARIABLE, share_out
from ganbench.system.progress import set_quiet
from ganbench.system.tasks import Died, Feed, Function, Hear, Needs, Raised, attempt, ignore

if sys.platform == "win32":
    from multiprocessing.connection import PipeConnection as Connection
else:
    from multiprocessing.connection import Connection

# Not fork: a copy of a process that has threads inherits their locks without the threads that would release them.
CONTEXT = multiprocessing.get_context("spawn")
_LOG = logging.getLogger(__name__)
_STARTING = threading.Lock()  # the environment, which a new process gets, is that of all threads
_PATIENCE = 5.0  # seconds that an idle process is given to end by itself


@dataclass
class _Worker:
    process: BaseProcess
    connection: Connection
    task: int | None = None
    work: Any = None  # the task itself


class Workers:
    """A number of processes, each on its own share of the cores, that apply one function to tasks."""

    def __init__(
        self,
        function: Function,
        jobs: int,
        needs: Needs | None = None,
        *,
        ahead: int | None = None,
        again: bool = False,
    ) -> None:
        """Set up; processes start when there is work for them.

        Args:
            function: called with a task and ``tell``, which sends a message to the parent. It, the tasks and the
                results go through pickle.
            jobs: processes at a time.
            needs: what one task takes; None: its share of the cores.
            ahead: as ``Feed`` takes it.
            again: whether a task whose process died is given to another one, once.
        """
        self._function = function
        self._again = again
        self._died: set[int] = set()  # tasks whose process died once
        self._share = needs.threads if needs else max(1, available_cores() // jobs)
        self._memory = str((needs or Needs()).budget(share_out(jobs)))
        self._ahead = ahead
        self._gpus = gpus.visible_gpus() if needs and needs.gpus else []
        self.slots = jobs
        self._workers: list[_Worker | None] = [None] * jobs
        self.stopping = False

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *reason: object) -> None:
        for worker in filter(None, self._workers):
            if worker.task is None:
                self._send(worker, None)
            else:
                worker.process.kill()
        for worker in filter(None, self._workers):
            worker.process.join(_PATIENCE)
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join()
            worker.connection.close()

    def run(self, tasks: Iterable[Any], hear: Hear = ignore) -> Iterator[tuple[int, Any]]:
        """Yield ``(number of the task, its result or Died)``, as they come.

        Args:
            tasks: what to work on, handed out in order; may be lazy.
            hear: is called with the task's number and every message that it told.

        Raises:
            Exception: what the function raised.
        """
        feed = Feed(tasks, self._ahead)
        while True:
            self._hand_out(feed)
            busy = [(slot, w, w.task) for slot, w in enumerate(self._workers) if w is not None and w.task is not None]
            if not busy:
                return
            ready = wait([worker.connection for _, worker, _ in busy])
            for slot, worker, number in busy:
                if worker.connection not in ready:
                    continue
                try:
                    kind, content = worker.connection.recv()
                except (EOFError, OSError):
                    self._workers[slot] = None
                    kind, content = "result", _bury(worker)
                    if self._goes_on(slot, number, worker.work, content):
                        continue
                    if number in self._died:
                        content = Died(f"{content.why}, twice")
                if kind == "message":
                    hear(number, content)
                    continue
                worker.task = worker.work = None
                feed.finish(number)
                if isinstance(content, Raised):
                    raise content.error
                yield number, content

    def stop(self) -> None:
        """Hand out nothing more, and ask the processes at work to end (SIGTERM); ``run`` then comes to its end."""
        self.stopping = True
        for worker in filter(None, self._workers):
            if worker.task is not None:
                worker.process.terminate()

    def _hand_out(self, feed: Feed) -> None:
        """Give every idle process a task, as long as there are any."""
        for slot, worker in enumerate(self._workers):
            if worker is not None and worker.task is not None:
                continue
            if self.stopping or (found := feed.take()) is None:
                return
            self._give(slot, *found)

    def _give(self, slot: int, number: int, task: Any) -> None:
        worker = self._workers[slot] = self._workers[slot] or self._start(slot)
        worker.task, worker.work = number, task
        self._send(worker, (task,))

    def _goes_on(self, slot: int, number: int, task: Any, died: Died) -> bool:
        """Give a task whose process died to another one, once where that is wanted; tells whether it was."""
        if not self._again or self.stopping or number in self._died:
            return False
        self._died.add(number)
        _LOG.warning("a task is done once more: %s", died.why)
        self._give(slot, number, task)
        return True

    def _start(self, slot: int) -> _Worker:
        ours, theirs = CONTEXT.Pipe()
        process = CONTEXT.Process(
            target=_serve,
            args=(theirs, slot, self._share, self._memory, gpus.gpu_of(slot, self._gpus), shown_level()),
            daemon=True,
        )
        with _threads(self._share):
            process.start()
        _LOG.debug("worker %d is process %s, on %d cores", slot, process.pid, self._share)
        theirs.close()  # the process has its own copy; with ours closed, its end is seen as an end of the file
        worker = _Worker(process, ours)
        self._send(worker, self._function)
        return worker

    def _send(self, worker: _Worker, message: object) -> None:
        with contextlib.suppress(OSError):  # it died in the meantime: ``run`` finds the closed connection and says so
            worker.connection.send(message)


@contextlib.contextmanager
def _threads(count: int) -> Iterator[None]:
    """Have the processes that start meanwhile use so many threads, unless the user said how many.

    A new process imports the user's script first. If that imports NumPy, its threads are counted before the process is
    kept to its cores: two threads that wait for each other on one core take three times as long as one.
    """
    with _STARTING:
        if "OMP_NUM_THREADS" in os.environ:
            yield
            return
        os.environ["OMP_NUM_THREADS"] = str(count)
        try:
            yield
        finally:
            del os.environ["OMP_NUM_THREADS"]


def _bury(worker: _Worker) -> Died:
    """Take leave of a process whose connection is closed, and say how it ended."""
    worker.connection.close()
    worker.process.join()
    code = worker.process.exitcode
    if code is None or code >= 0:
        return Died(f"its process ended with exit code {code}")
    name = signal.Signals(-code).name
    return Died(f"its process was ended by {name}" + (" (out of memory?)" if name == "SIGKILL" else ""))


def _serve(connection: Connection, slot: int, share: int, memory: str, gpu: str | None, log_level: int | None) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes; what it means is the parent's business
    threading.Thread(target=_end_with_the_parent, daemon=True).start()
    keep_to_cores(slot, share)
    os.environ[VARIABLE] = memory
    if gpu is not None:  # before anything is imported that looks for GPUs
        os.environ[gpus.VARIABLE] = gpu
    set_quiet(True)
    log_warnings()
    log = contextlib.nullcontext() if log_level is None else log_to_stderr(log_level)
    try:
        function = connection.recv()  # which imports what it needs: that counts the cores, so not before
        with log:
            while (order := connection.recv()) is not None:
                result = attempt(function, order[0], lambda message: connection.send(("message", message)))
                connection.send(("result", result))
    except (EOFError, BrokenPipeError):
        return  # the parent is gone


def _end_with_the_parent() -> None:
    if (parent := multiprocessing.parent_process()) is not None:
        parent.join()
    os._exit(1)  # it was killed: end as it did, or a later run of the same work would find this one in its way
