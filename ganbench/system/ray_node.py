"""A task on a node of a Ray cluster: in the surroundings that a worker of the driver's own machine would give it."""

from __future__ import annotations

import functools
import os
import pickle
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ganbench.errors import GanbenchError
from ganbench.system.code import own_code
from ganbench.system.cores import all_cores, own_cores
from ganbench.system.gpus import VARIABLE as VISIBLE
from ganbench.system.log import log_to_stderr, log_warnings, shown_level
from ganbench.system.memory import VARIABLE, share_out
from ganbench.system.tasks import Died, Function, Needs, Raised, attempt, on_node
from ganbench.system.versions import library_versions

_LEAVING = 0.1  # seconds in which an answer still leaves the process
_DELIVERY = 60.0  # seconds in which what a task told has to reach the mailbox, if that lives
_AWAITED = 1000  # messages of a task that may be on their way at a time
STOPPED = "its process was ended by SIGTERM"  # as a process of this machine says it


@dataclass(frozen=True)
class Setting:
    """What all tasks of one executor share.

    Attributes:
        token: names the executor.
        needs: what one task takes.
        folder: the driver's current folder, from which paths are looked for.
        path: where the driver finds modules.
        environment: variables that the driver's user has stated.
        versions: of the driver.
        code: of the driver, see ``own_code``.
        log_level: as ``shown_level`` gives it.
    """

    token: str
    needs: Needs
    folder: str
    path: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    code: str = ""
    log_level: int | None = None

    @classmethod
    def of_this_process(cls, token: str, needs: Needs) -> Setting:
        """Return the setting that makes a node do as this process would."""
        stated = ("GANBENCH_HOME", "OMP_NUM_THREADS")
        environment = {name: os.environ[name] for name in stated if os.environ.get(name)}
        path = tuple(str(Path(one).absolute()) for one in sys.path)
        return cls(token, needs, str(Path.cwd()), path, environment, library_versions(), own_code(), shown_level())


def work(
    setting: Setting, function: list[Any], task: bytes, of: tuple[int, int], mailbox: Any
) -> tuple[bytes, int] | None:
    """Do one task; runs in a worker process of Ray.

    Args:
        setting: what all tasks share.
        function: a list with the reference to the pickled function, which is fetched once per process.
        task: pickled.
        of: the number of the task, and of the attempt at it.
        mailbox: the actor that takes messages; None: nobody listens.

    Returns:
        The pickled result, Raised or Died, and how many messages were told. None: another process has to do it.
    """
    if not _keeps_its_gpus(setting.needs):
        leave = threading.Timer(_LEAVING, os._exit, [0])
        leave.daemon = True
        leave.start()
        return None
    _heed_stops()
    told, on_their_way = 0, []

    def tell(message: object) -> None:
        nonlocal told
        if mailbox is not None:
            on_their_way.append(mailbox.put.remote(of, told, pickle.dumps(message)))
            told += 1
            if len(on_their_way) == _AWAITED:
                _await(on_their_way)

    result: object
    try:
        with own_cores(setting.needs.threads), _surroundings(setting):
            result = attempt(_fetch(setting.token, function), pickle.loads(task), tell)
    except GanbenchError as e:
        result = Raised.of(e)
    except KeyboardInterrupt:  # asked to stop, in the midst of what does not care for signals
        result = Died(STOPPED)
    _await(on_their_way)  # the driver waits for all of them, and a process that has answered may be ended
    return pickle.dumps(result), told


def _await(letters: list[Any]) -> None:
    """Wait until messages have arrived, or will never arrive; forgets them."""
    import ray

    if letters:
        ray.wait(letters, num_returns=len(letters), timeout=_DELIVERY)
        letters.clear()


def _heed_stops() -> None:
    """Let Ray interrupt this process: one of a cluster that a script started in the background ignores SIGINT."""
    if threading.current_thread() is threading.main_thread() and not callable(signal.getsignal(signal.SIGINT)):
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _keeps_its_gpus(needs: Needs) -> bool:
    """Tell whether Ray lets this process use the GPUs of its first task: CUDA looks once which ones it may see."""
    if not needs.gpus:
        os.environ[VISIBLE] = ""  # a network on "auto" must not take a GPU on some of the nodes
    return _first_gpus() == os.environ.get(VISIBLE)


@functools.cache
def _first_gpus() -> str | None:
    return os.environ.get(VISIBLE)


_functions: dict[str, Function] = {}  # the last one alone: a process works for one executor


def _fetch(token: str, function: list[Any]) -> Function:
    import ray

    if token not in _functions:
        _functions.clear()
        try:
            _functions[token] = pickle.loads(ray.get(function[0]))
        except (ImportError, AttributeError) as e:
            raise GanbenchError(
                f"node {on_node()} cannot import what the task needs ({e}). Install it there, or put it into a "
                "folder that the nodes share and start from there"
            ) from e
    return _functions[token]


@contextmanager
def _surroundings(setting: Setting) -> Iterator[None]:
    _prepare(setting.needs, setting.folder, setting.path, tuple(sorted(setting.environment.items())))
    _refuse_others(tuple(sorted(setting.versions.items())), setting.code)
    with nullcontext() if setting.log_level is None else log_to_stderr(setting.log_level):
        yield


@functools.lru_cache(maxsize=1)
def _prepare(needs: Needs, folder: str, path: tuple[str, ...], environment: tuple[tuple[str, str], ...]) -> None:
    """Make this process like a worker of the driver's machine; once, and before numpy counts the threads."""
    from ganbench.system.progress import set_quiet

    os.environ["OMP_NUM_THREADS"] = str(needs.threads)  # Ray has set it, to what it takes for right
    os.environ.update(environment)
    at_a_time = max(1, len(all_cores()) // needs.threads)
    os.environ[VARIABLE] = str(needs.budget(share_out(at_a_time)))
    with suppress(OSError):  # a machine that lacks the folder may have all that the task names by a whole path
        os.chdir(folder)
    sys.path += [one for one in path if one not in sys.path and Path(one).exists()]  # modules of the user's own
    on_node(socket.gethostname() or "without a name")
    set_quiet(True)
    log_warnings()


@functools.lru_cache(maxsize=1)
def _refuse_others(versions: tuple[tuple[str, str], ...], code: str) -> None:
    """Refuse to compute with other versions than the driver's: the numbers would depend on where they were made.

    Raises:
        GanbenchError: something is of another version here.
    """
    here = library_versions()
    other = [f"{name} {here.get(name)} instead of {theirs}" for name, theirs in versions if here.get(name) != theirs]
    if not other and own_code() != code:
        other = ["another ganbench of the same version"]
    if other:
        raise GanbenchError(
            f"node {on_node()} has {', '.join(other)}: its numbers would not be those of this machine. Install the "
            "same versions on every node (the same image, or one environment on a shared disk)"
        )


Letter = tuple[tuple[int, int], int, bytes]  # the task and the attempt, which of its messages, the message


class Mailbox:
    """Takes messages from the tasks until the driver fetches them; an asynchronous actor of Ray."""

    def __init__(self) -> None:
        import asyncio

        self._letters: list[Letter] = []
        self._arrived = asyncio.Event()

    async def put(self, *letter: Any) -> None:
        """Take a message of a task."""
        self._letters.append(letter)
        self._arrived.set()

    async def take(self) -> list[Letter]:
        """Wait until there are messages, and return them; those of one task may come in any order."""
        await self._arrived.wait()
        self._arrived.clear()
        taken, self._letters = self._letters, []
        return taken
