"""Running the self-test."""

from __future__ import annotations

import time
from collections.abc import Callable

from ganbench.selftest.data import expected
from ganbench.selftest.result import SelfTest, Stage
from ganbench.selftest.stages import STAGES


def run(tell: Callable[[Stage], None] = lambda stage: None) -> SelfTest:
    """Hold this installation against the values that it must give.

    Args:
        tell: called with each stage once it is done.

    Returns:
        What was found; wrong values are no error here.

    Raises:
        AssetError: what ships to be held against is not there, or damaged.
    """
    must = expected()
    stages = []
    for part in STAGES:
        started = time.perf_counter()
        checks = tuple(part.run(must))
        stages.append(Stage(part.name, checks, part.needs, time.perf_counter() - started))
        tell(stages[-1])
    return SelfTest(tuple(stages), must.digest)
