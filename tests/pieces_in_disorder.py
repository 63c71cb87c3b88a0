"""An executor that works through its tasks in any order, in this process, and hands everything on by pickle."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ganbench.system.tasks import Died


class Disorder:
    """Does the work of ``ganbench.system.cluster.executor``.

    Attributes:
        done: tasks that were finished, by their numbers, in the order in which they were.
        dies: numbers of tasks whose process ends; of all others the results come.
        interrupted_after: results after which the whole is interrupted, as by Ctrl-C; None: never.
    """

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        self.done: list[int] = []
        self.dies: set[int] = set()
        self.interrupted_after: int | None = None

    def __call__(self, function: Callable[..., Any], *args: object, **kwargs: object) -> Disorder:
        del args, kwargs
        self._function = pickle.dumps(function)
        return self

    def __enter__(self) -> Disorder:
        return self

    def __exit__(self, *reason: object) -> None:
        pass

    def run(self, tasks: list[Any], hear: Callable[[int, object], None]) -> Iterator[tuple[int, Any]]:
        """Yield the results in disorder."""
        sent = [pickle.dumps(task) for task in tasks]
        for number in self._rng.permutation(len(sent)).tolist():
            if self.interrupted_after == len(self.done):
                raise KeyboardInterrupt
            if number in self.dies:
                yield number, Died("its process was ended by SIGKILL (out of memory?)")
                continue

            def tell(message: object, number: int = number) -> None:
                hear(number, message)

            function, task = pickle.loads(self._function), pickle.loads(sent[number])
            result = pickle.loads(pickle.dumps(function(task, tell)))
            self.done.append(number)
            yield number, result
