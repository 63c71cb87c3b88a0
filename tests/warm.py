"""The command ``ganbench`` that starts at once, also for scripts: copies of a process that has the imports done.

The process that is copied serves a socket; what stands for the command hands it the words, the folder, the environment
and the three streams, passes signals on, and ends with its exit code. Started as a script this is the latter, and needs
the standard library alone::

    python -SE tests/warm.py SOCKET score images
"""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import socket
import sys
from collections.abc import Sequence
from multiprocessing.connection import wait
from multiprocessing.context import ForkContext
from pathlib import Path
from typing import Any


def serve(place: str) -> None:
    """Start a copy of this process for every command that is asked for; goes on until its parent is gone.

    Args:
        place: the socket, which is made. Whoever connects sends a byte with the three streams, and then a line of JSON:
            the words, the current folder, the environment. There come a line with the number of the process, and one
            with its exit code.
    """
    context = multiprocessing.get_context("fork")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"{place}-")
        listener.listen()
        Path(f"{place}-").rename(place)  # whoever sees it may connect
        parent = multiprocessing.parent_process()
        assert parent is not None
        while parent.sentinel not in wait([listener, parent.sentinel]):
            connection, _ = listener.accept()
            multiprocessing.active_children()  # those that have ended are taken leave of
            context.Process(target=_be, args=(connection,)).start()
            connection.close()


def start(place: str, words: Sequence[str]) -> int:
    """Stand for the command; returns its exit code."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(place)
        socket.send_fds(connection, [b"-"], [0, 1, 2])
        told = json.dumps([list(words), str(Path.cwd()), dict(os.environ)])
        connection.sendall(f"{told}\n".encode())
        answers = connection.makefile("r")
        number = int(answers.readline())
        for which in (signal.SIGINT, signal.SIGTERM):
            signal.signal(which, lambda n, frame: os.kill(number, n))
        return int(answers.readline() or 128 + signal.SIGKILL)


def _be(connection: socket.socket) -> None:
    from ganbench.cli.app import main
    from ganbench.system import ray_workers, workers

    _, streams, *_ = socket.recv_fds(connection, 1, 3)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    sys.stdin, sys.stdout = os.fdopen(0, closefd=False), os.fdopen(1, "w", closefd=False)
    sys.stderr = os.fdopen(2, "w", 1, errors="backslashreplace", closefd=False)
    words, folder, environment = json.loads(connection.makefile("r").readline())
    before = _of_ray()
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.argv = ["ganbench", *words]
    workers.CONTEXT = _Copies()
    if _of_ray() == before:  # which are read when Ray is imported
        ray_workers.CONTEXT = workers.CONTEXT
    connection.sendall(f"{os.getpid()}\n".encode())
    code: Any = 1
    try:
        main()
    except SystemExit as e:
        code = e.code if isinstance(e.code, int) else int(e.code is not None)
        raise
    finally:
        sys.stdout.flush()
        connection.sendall(f"{code}\n".encode())


class _Copies(ForkContext):
    """Copies this process where it has one thread alone: a copy inherits the locks of others without the threads."""

    def Process(self, *arguments: Any, **named: Any) -> Any:
        assert len(list(Path("/proc/self/task").iterdir())) == 1
        return super().Process(*arguments, **named)


def _of_ray() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.startswith("RAY_")}


if __name__ == "__main__":
    sys.exit(start(sys.argv[1], sys.argv[2:]))
