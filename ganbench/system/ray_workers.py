"""Tasks on a Ray cluster, as ``Workers`` runs them on this machine."""

from __future__ import annotations

import importlib.util
import pickle
import socket
import time
import uuid
from collections.abc import Iterable, Iterator
from typing import Any

from ganbench.errors import ClusterError, GanbenchError
from ganbench.system.notes import Note, log_note
from ganbench.system.ray_driver import serve
from ganbench.system.ray_node import Setting
from ganbench.system.tasks import Died, Feed, Function, Hear, Needs, Raised, ignore
from ganbench.system.wall import reason
from ganbench.system.workers import CONTEXT

_START = 120.0  # seconds that a cluster may take to answer
_ROOM = (
    600.0  # seconds for which a cluster may have no node that is large enough: machines that are asked for take minutes
)
_POLL = 0.2  # seconds until a request to stop is seen
_PATIENCE = 5.0  # seconds that the driver is given to end by itself
_PER_SLOT = 2  # tasks out for each that can run: no node waits for the next one, and a cluster that can grow sees why

_AGAIN = "What was finished and kept is not done again: start the cluster, and give the same command once more"


class RayWorkers:
    """Processes on the nodes of a Ray cluster that apply one function to tasks."""

    def __init__(
        self, function: Function, address: str, needs: Needs, *, ahead: int | None = None, note: Note = log_note
    ) -> None:
        """Set up; the cluster is joined when there are tasks.

        Args:
            function: called with a task and ``tell``; it must come from a module that the nodes can import.
            address: of the cluster.
            needs: what one task takes.
            ahead: as ``Feed`` takes it.
            note: is told in one line what a person should know.

        Raises:
            GanbenchError: Ray is not installed, or nothing listens at the address.
        """
        if importlib.util.find_spec("ray") is None:
            raise GanbenchError('--cluster needs Ray, which is not installed: pip install "ganbench[ray]"')
        _refuse_silent_address(address)
        self._function, self._address, self._needs = function, address, needs
        self._ahead, self._note = ahead, note
        self.slots = 1
        self._largest = ""
        self._without_room: float | None = None
        self.stopping = False
        self._driver: Any = None
        self._connection: Any = None

    def __enter__(self) -> RayWorkers:
        return self

    def __exit__(self, *reason: object) -> None:
        self._end()

    def _end(self) -> None:
        if self._driver is None:
            return
        self._connection.close()
        self._driver.join(_PATIENCE)
        if self._driver.is_alive():
            self._driver.kill()
            self._driver.join()
        self._driver = None

    def run(self, tasks: Iterable[Any], hear: Hear = ignore) -> Iterator[tuple[int, Any]]:
        """Yield ``(number of the task, its result or Died)``, as they come; see ``Executor.run``."""
        self._end()
        self._start(listens=hear is not ignore)
        feed, out, asked = Feed(tasks, self._ahead), 0, False
        while True:
            while not self.stopping and out < _PER_SLOT * max(1, self.slots) and (found := feed.take()) is not None:
                self._send(("task", found[0], pickle.dumps(found[1])))
                out += 1
            if self.stopping and not asked:
                self._send(("stop",))
                asked = True
            if not out:
                return
            if not self._connection.poll(_POLL):
                self._check_room()
                continue
            kind, *content = self._receive()
            if kind == "slots":
                self.slots, self._largest = content
            elif kind == "message":
                hear(content[0], pickle.loads(content[1]))
            elif kind == "failed":
                raise ClusterError(content[0])
            else:
                out -= 1
                feed.finish(content[0])
                if kind != "dropped":
                    yield content[0], self._result(kind, content[1])

    def stop(self) -> None:
        """Hand out nothing more, and ask what runs to end; ``run`` then comes to its end."""
        self.stopping = True  # no more than that: this may be called by a signal, in the midst of a message

    def _result(self, kind: str, content: Any) -> Any:
        if kind == "died":
            return Died(content)
        result = pickle.loads(content)
        if isinstance(result, Raised):
            raise result.error
        return result

    def _start(self, listens: bool) -> None:
        try:
            function = pickle.dumps(self._function)
        except (pickle.PicklingError, AttributeError, TypeError) as e:
            raise GanbenchError(f"this function cannot be sent to a cluster: {reason(e)}") from e
        setting = Setting.of_this_process(uuid.uuid4().hex, self._needs)
        self._connection, theirs = CONTEXT.Pipe()
        self._driver = CONTEXT.Process(
            target=serve, args=(theirs, self._address, setting, function, listens), daemon=True
        )
        self._driver.start()
        theirs.close()  # with ours closed, the end of the process is seen as an end of the file
        end = time.monotonic() + _START
        while not self._connection.poll(_POLL):
            if time.monotonic() > end:
                raise ClusterError(
                    f"the Ray cluster at {self._address} does not answer: it is lost, or was never there. {_AGAIN}"
                )
        kind, *content = self._receive()
        if kind == "failed":
            raise ClusterError(content[0])
        self.slots, self._largest = content

    def _send(self, message: tuple[object, ...]) -> None:
        try:
            self._connection.send(message)
        except OSError as e:
            raise self._lost() from e

    def _receive(self) -> Any:
        try:
            return self._connection.recv()
        except (EOFError, OSError) as e:
            raise self._lost() from e

    def _lost(self) -> ClusterError:
        return ClusterError(
            f"the Ray cluster at {self._address} is lost: its head, or the node on this machine, is gone. {_AGAIN}"
        )

    def _check_room(self) -> None:
        """Say that no node is large enough, and give up when none comes.

        Raises:
            GanbenchError: it has been so for long.
        """
        if self.slots:
            self._without_room = None
            return
        needs = self._needs
        text = (
            f"no node of the cluster is large enough: a task needs {needs.cores:g} cores"
            + (f", {needs.memory >> 20:,} MB" if needs.memory else "")
            + (f", {needs.gpus:g} GPUs" if needs.gpus else "")
            + f", and the largest has {self._largest}"
        )
        if self._without_room is None:
            self._without_room = time.monotonic()
            self._note(f"{text}. Waiting for one, for {_ROOM / 60:.0f} minutes")
        elif time.monotonic() - self._without_room > _ROOM:
            raise ClusterError(f"{text}. Add such a node (ray start on it, with the address of the head)")


def _refuse_silent_address(address: str) -> None:
    """Try the address before Ray does, which may take minutes to say that nobody is there.

    Raises:
        GanbenchError: nothing listens there.
    """
    if address == "auto":
        return
    host, _, port = address.removeprefix("ray://").rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=10).close()
    except (OSError, OverflowError) as e:
        raise ClusterError(f"no Ray cluster answers at {address}: {reason(e)}") from e
