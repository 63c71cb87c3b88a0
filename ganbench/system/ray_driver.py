"""The process that speaks with a Ray cluster for ganbench.

It is a process of its own, because Ray ends its driver's process when the head of the cluster is lost, writes to its
standard error, and takes its signal handlers. What is in tasks and results is of no interest here: bytes come through a
pipe and go to the nodes, and the other way round.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from ganbench.errors import GanbenchError
from ganbench.system import ray_node
from ganbench.system.wall import reason
from ganbench.system.workers import Connection

CRASHES = 2  # of the process of one task; the next one is taken for the task's own fault
LOSSES = 20  # of the node of one task: machines that are lent for a while go at any time
_PATIENCE = 3.0  # seconds for taking leave
_LOOK = 5.0  # seconds between looks at how large the cluster is


@dataclass
class _Task:
    number: int
    payload: bytes
    crashes: int = 0
    losses: int = 0
    ref: Any = None
    mailbox: Any = None  # where this attempt tells its messages
    heard: int = 0  # messages of this attempt that were passed on
    early: dict[int, bytes] = field(default_factory=dict)  # messages that overtook others
    outcome: tuple[bytes, int] | None = None  # the result, and how many messages come before it

    @property
    def attempt(self) -> int:
        return self.crashes + self.losses

    def begin_again(self) -> None:
        self.heard, self.early = 0, {}


def serve(connection: Connection, address: str, setting: ray_node.Setting, function: bytes, listens: bool) -> None:
    """Hand tasks to the cluster until the parent closes the pipe or is gone.

    Args:
        connection: to the parent. From there come ``("task", number, bytes)`` and ``("stop",)``; there go
            ``("slots", count, largest)``, ``("message", number, bytes)``, ``("result", number, bytes)``,
            ``("died", number, why)``, ``("dropped", number)`` and ``("failed", why)``.
        address: of the cluster.
        setting: what all tasks share.
        function: pickled.
        listens: whether somebody hears what tasks tell.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # what Ctrl-C means is the parent's business
    if setting.log_level is None:
        silence = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silence, 1)
        os.dup2(silence, 2)
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        driver = _Driver(connection, address, setting, function, listens)
    except BaseException as e:  # Ray ends the process in some cases
        connection.send(("failed", _why_no_start(address, e)))
        return
    threading.Thread(target=driver.receive, daemon=True).start()
    driver.send()


class _Driver:
    def __init__(
        self, connection: Connection, address: str, setting: ray_node.Setting, function: bytes, listens: bool
    ) -> None:
        import ray
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        self._ray, self._connection, self._setting = ray, connection, setting
        ray.init(address=address, log_to_driver=setting.log_level is not None, logging_level=logging.ERROR)
        self._function = [ray.put(function)]
        self._shared = ray.put(setting)
        needs = setting.needs
        self._work = ray.remote(ray_node.work).options(
            num_cpus=needs.cores,
            num_gpus=needs.gpus or None,
            memory=needs.memory or None,
            max_retries=0,  # done here, where it is known how often
            name="ganbench",
        )
        # Not soft: Ray then puts it on any node, and with the loss of that one all that tasks tell is lost.
        here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
        actor = ray.remote(ray_node.Mailbox)
        self._new_mailbox: Callable[[], Any] = lambda: actor.options(num_cpus=0, scheduling_strategy=here).remote()
        self._mailbox: Any = None
        self._out: dict[int, _Task] = {}
        self._lock = threading.Lock()  # around it: two threads use it
        self._events: SimpleQueue[tuple[str, Any, Any]] = SimpleQueue()
        self._slots: tuple[int, str] | None = None
        self._stopping = False
        if listens:
            self._listen()

    def receive(self) -> None:
        """Take in what the parent says; runs in a thread."""
        while True:
            try:
                kind, *content = self._connection.recv()
            except (EOFError, OSError):
                self._events.put(("end", None, None))
                return
            if kind == "stop":
                self._events.put(("stop", None, None))
            else:
                task = _Task(*content)
                with self._lock:
                    self._out[task.number] = task
                self._submit(task)

    def send(self) -> None:
        """Tell the parent what comes from the cluster, until the parent is gone."""
        looked = -_LOOK
        while True:
            if time.monotonic() - looked > _LOOK:
                self._look()
                looked = time.monotonic()
            try:
                kind, one, two = self._events.get(timeout=_LOOK)
            except Empty:
                continue
            if kind == "end":
                break
            try:
                {"done": self._done, "heard": self._hear, "stop": self._stop}[kind](one, two)
            except (BrokenPipeError, ConnectionResetError):
                break
            except BaseException as e:
                self._connection.send(("failed", str(e) if isinstance(e, GanbenchError) else reason(e)))
                break
        good_bye = threading.Timer(_PATIENCE, os._exit, [0])  # a lost head never answers to it
        good_bye.daemon = True
        good_bye.start()
        self._ray.shutdown()  # ends the job, and with it what still runs
        os._exit(0)

    def _submit(self, task: _Task) -> None:
        if self._stopping:
            self._events.put(("done", task, self._ray.exceptions.TaskCancelledError()))
            return
        of, task.mailbox = (task.number, task.attempt), self._mailbox
        task.ref = self._work.remote(self._shared, self._function, task.payload, of, task.mailbox)
        task.ref.future().add_done_callback(lambda future: self._events.put(("done", task, future)))

    def _done(self, task: _Task, future: Any) -> None:
        e = future if isinstance(future, BaseException) else future.exception()
        if e is None:
            task.outcome = future.result()
            if task.outcome is None:  # that process has set up CUDA for another GPU
                self._submit(task)
            else:
                self._finish(task)
            return
        errors = self._ray.exceptions
        e = getattr(e, "cause", None) or e
        why = "its process ended without a word: out of memory, killed, or a fault in a library"
        if isinstance(e, errors.TaskCancelledError):
            self._close(task, ("dropped", task.number))
        elif isinstance(e, (errors.WorkerCrashedError, errors.OutOfMemoryError)):
            if isinstance(e, errors.OutOfMemoryError):
                why = "its process was ended by Ray, as the node ran out of memory"
            task.crashes += 1
            self._once_more(task, task.crashes <= CRASHES, f"{why}, {task.crashes} times")
        elif isinstance(e, (errors.NodeDiedError, errors.ObjectLostError, errors.LocalRayletDiedError)):
            task.losses += 1
            self._once_more(task, task.losses <= LOSSES, f"its node was lost {task.losses} times")
        elif self._stopping:  # it was interrupted before it had begun
            self._close(task, ("dropped", task.number))
        else:
            raise GanbenchError(_why_no_task(e))

    def _once_more(self, task: _Task, may: bool, why: str) -> None:
        if self._stopping:
            self._close(task, ("died", task.number, ray_node.STOPPED))
        elif may:
            task.begin_again()
            self._submit(task)
        else:
            self._close(task, ("died", task.number, why))

    def _finish(self, task: _Task) -> None:
        """Pass on a result, when the messages that were told before it have come."""
        if task.outcome is not None and (task.heard >= task.outcome[1] or task.mailbox is not self._mailbox):
            self._close(task, ("result", task.number, task.outcome[0]))

    def _close(self, task: _Task, message: tuple[object, ...]) -> None:
        with self._lock:
            del self._out[task.number]
        self._connection.send(message)

    def _listen(self) -> None:
        if self._mailbox is None:
            self._mailbox = self._new_mailbox()
        letters = self._mailbox.take.remote().future()
        letters.add_done_callback(lambda future: self._events.put(("heard", future, None)))

    def _hear(self, future: Any, _: object) -> None:
        if future.exception() is not None:  # the node of the mailbox is lost, with the messages in it
            self._mailbox = None
            for task in list(self._out.values()):
                self._finish(task)
        else:
            for (number, attempt), turn, message in future.result():
                found = self._out.get(number)
                if found is not None and found.attempt == attempt:
                    self._pass_on(found, turn, message)
        self._listen()

    def _pass_on(self, task: _Task, turn: int, message: bytes) -> None:
        """Pass on the messages of a task in the order in which they were told."""
        task.early[turn] = message
        while task.heard in task.early:
            self._connection.send(("message", task.number, task.early.pop(task.heard)))
            task.heard += 1
        self._finish(task)

    def _stop(self, *_: object) -> None:
        """Ask the tasks to end: those that run see what Ctrl-C sends, the others never begin."""
        self._stopping = True
        with self._lock:
            out = [task.ref for task in self._out.values() if task.ref is not None]
        for ref in out:
            self._ray.cancel(ref, force=False, recursive=False)

    def _look(self) -> None:
        """Tell how many tasks the cluster can run at a time, when that has changed."""
        needs, slots, largest = self._setting.needs, 0, (0.0, 0.0, 0.0)
        for node in self._ray.nodes():
            if not node["Alive"]:
                continue
            has = node["Resources"]
            offers = (has.get("CPU", 0.0), has.get("memory", 0.0), has.get("GPU", 0.0))
            wanted = (needs.cores, needs.memory, needs.gpus)
            slots += int(min(offer / want for offer, want in zip(offers, wanted, strict=True) if want))
            largest = max(largest, offers)
        text = f"{largest[0]:g} cores, {int(largest[1]) >> 20:,} MB and {largest[2]:g} GPUs"
        if self._slots != (slots, text):
            self._slots = (slots, text)
            self._connection.send(("slots", slots, text))


def _why_no_start(address: str, e: BaseException) -> str:
    text = reason(e)
    hint = ""
    if "Version mismatch" in str(e):
        hint = ". Install the same Ray and Python here as there"
    elif not address.startswith("ray://"):
        hint = ". Is it running (ray status)? From a machine outside of it, its address is ray://HOST:10001"
    return f"cannot join the Ray cluster at {address}: {text}{hint}"


def _why_no_task(e: BaseException) -> str:
    text = str(e)
    if "No module named 'ganbench" in text:
        return (
            "the nodes of the cluster cannot import ganbench. Install the same version there, or start the nodes with "
            f"PYTHONPATH set to a folder that holds it (here it is {Path(__file__).parents[2]})"
        )
    last = [line for line in text.splitlines() if line.strip()][-1:]
    return f"the cluster could not begin a task: {reason(RuntimeError(last[0] if last else text))}"
