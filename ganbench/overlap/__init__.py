"""What sources of images share: ``ganbench.overlap.find``."""

from ganbench.overlap.finding import find
from ganbench.overlap.result import Compared, Overlap, Pair, Shared

__all__ = ["Compared", "Overlap", "Pair", "Shared", "find"]
