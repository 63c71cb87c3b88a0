"""Whether this installation computes what it must: ``ganbench.selftest.run``."""

from ganbench.selftest.result import SelfTest, Stage
from ganbench.selftest.running import run

__all__ = ["SelfTest", "Stage", "run"]
