"""Steps along paths through the latent space of a generator: how far the images moved."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ganbench.errors import MetricError


@dataclass(frozen=True, eq=False)
class PathSet:
    """What small steps along random paths did to the images.

    Attributes:
        lengths: Squared distance between the features of the two images of a step, over its squared length, (n,)
            float64.

    Raises:
        MetricError: another shape, or values that are no squared distances.
    """

    lengths: np.ndarray

    def __post_init__(self) -> None:
        if self.lengths.ndim != 1 or not (np.isfinite(self.lengths).all() and (self.lengths >= 0).all()):
            raise MetricError("the lengths of paths must be finite numbers from 0 up, one a path.")

    @property
    def n(self) -> int:
        """Number of paths."""
        return len(self.lengths)
