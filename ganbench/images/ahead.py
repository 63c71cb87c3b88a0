"""Work in threads that stays a little ahead of whoever takes the results."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

S = TypeVar("S")
T = TypeVar("T")


def work_ahead(function: Callable[[S], T], tasks: Iterable[S], *, threads: int, most: int) -> Generator[T, None, None]:
    """Yield the results of a function in the order of its arguments.

    Args:
        function: safe to call from threads.
        tasks: its arguments, taken as they are needed.
        threads: how many work.
        most: results that may be begun and not taken yet.
    """
    waiting = iter(tasks)
    pending: deque[Future[T]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        try:
            while True:
                while len(pending) < most and (task := next(waiting, None)) is not None:
                    pending.append(pool.submit(function, task))
                if not pending:
                    return
                yield pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()
