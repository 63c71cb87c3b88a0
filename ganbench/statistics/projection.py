"""The projection of features to codes: the axes along which images differ most, in steps of one size.

One step for all axes: the square of a distance between codes is then a whole number below 2**24, which float32 holds
exactly. So the nearest images are the same on every machine, in whatever blocks they are looked for.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

from ganbench.errors import MetricError
from ganbench.statistics.moments import Moments

AXES = 128  # most axes; (2 * LARGEST)**2 * AXES must stay below 2**24
LARGEST = 127  # of a code, in size
_REACH = 4.0  # standard deviations along the first axis that codes reach to
_FLAT = 1e-9  # of the largest variance: an axis with less says nothing
_ROWS = 4096  # projected at once


@dataclass(frozen=True, eq=False)
class Projection:
    """How features become codes.

    Attributes:
        mean: Of the features that it was made from, (D,) float32.
        axes: Columns, the first with the largest variance, (D, K) float32, orthonormal but for the rounding to float16,
            in which files keep them; K is at most 128.
        step: Length of one step of a code along every axis, in units of the features.
    """

    mean: np.ndarray
    axes: np.ndarray
    step: float

    @classmethod
    def of(cls, moments: Moments) -> Projection:
        """Return the principal axes of a covariance.

        Raises:
            MetricError: fewer than two images.
        """
        from scipy.linalg import eigh

        cov = moments.cov
        size = len(cov)
        most = min(AXES, size)
        variances, axes = eigh(cov, subset_by_index=(size - most, size - 1))
        variances, axes = variances[::-1], axes[:, ::-1]
        count = max(1, int((variances > _FLAT * max(variances[0], 0.0)).sum()))
        axes = axes[:, :count]
        # An axis has no direction of its own: let its largest part point up.
        largest = np.take_along_axis(axes, np.abs(axes).argmax(axis=0)[None], axis=0)
        step = _REACH * float(np.sqrt(max(variances[0], 0.0))) / LARGEST
        return cls(
            moments.mean.astype(np.float32),
            np.ascontiguousarray(axes * np.where(largest < 0, -1.0, 1.0), np.float16).astype(np.float32),
            float(np.float32(step)) or 1.0,
        )

    def encode(self, features: np.ndarray) -> np.ndarray:
        """Return the codes of features.

        Args:
            features: (B, D).

        Returns:
            (B, K) int8, -127 to 127; what lies beyond is cut off.

        Raises:
            MetricError: features of another length.
        """
        if features.ndim != 2 or features.shape[1] != len(self.mean):
            raise MetricError(f"features of shape {features.shape} do not fit an index of {len(self.mean)} features.")
        codes = np.empty((len(features), self.axes.shape[1]), np.int8)
        axes = self.axes.astype(np.float64)  # so that no code turns on the order in which a machine adds
        for start in range(0, len(features), _ROWS):
            part = features[start : start + _ROWS].astype(np.float64) - self.mean
            np.clip(np.rint(part @ axes / self.step), -LARGEST, LARGEST, out=part[:, : axes.shape[1]])
            codes[start : start + _ROWS] = part[:, : axes.shape[1]]
        return codes

    def identity(self) -> str:
        """Return a hash of everything in it, 64 hex digits."""
        digest = hashlib.sha256(f"{self.axes.shape} {self.step!r}".encode())
        digest.update(np.ascontiguousarray(self.mean).data)
        digest.update(np.ascontiguousarray(self.axes).data)
        return digest.hexdigest()
