"""What a sum of square roots of eigenvalues loses without each one of the images: the delete-one jackknife of FD.

The infinitesimal jackknife gives an image more weight, and that is not to have it twice: with fewer images than
features each image is a direction of its own, and its weight enters under a root. Deleting it is what happens.

Without image i a scatter A loses the rank-one term ``c d_i d_i'``, c = n / (n - 1). With ``R = (A + t)^-1``,

    tr A^1/2 - tr (A - c d d')^1/2 = 1/pi int_0^inf t^1/2 c d'R^2 d / (1 - c d'R d) dt

(Sherman-Morrison under the integral of the square root). In the eigenvectors of A both forms are sums, so that one
decomposition does for all images.
"""

from __future__ import annotations

import numpy as np

_STEP = 0.75  # of log t: the trapezoidal rule is off by 1e-11 then
_NOTHING = 1e-12  # eigenvalues below this share of the largest are none
_BEYOND = 1e8  # how far beyond the eigenvalues t goes before the ends are known in closed form


def lost_roots(values: np.ndarray, squares: np.ndarray, n: int) -> np.ndarray:
    """Return ``tr A^1/2 - tr (A - n / (n - 1) d_i d_i')^1/2`` for each image, (m,).

    Args:
        values: Eigenvalues of A, (K,); those that are 0 may be among them.
        squares: Square of each ``d_i`` along each eigenvector, (m, K).
        n: Images that A is the scatter of, about their mean.
    """
    used = values > _NOTHING * values.max(initial=0.0)
    if not used.any():
        return np.zeros(len(squares))
    values, squares = values[used], squares[:, used]
    factor = n / (n - 1)
    # What 1 - c d'R d is at t = 0: nothing where A has as many directions as it has images, but one.
    least = np.maximum(1 - factor * squares @ (1 / values), 0.0)
    least[least < 1e-9] = 0.0
    first, last = np.log(values.min() / _BEYOND), np.log(values.max() * _BEYOND)
    points = np.exp(np.linspace(first, last, 2 + int((last - first) / _STEP)))
    step = np.log(points[1] / points[0])
    with_t = 1 / (values[:, None] + points)
    above = factor * squares @ with_t**2
    below = least[:, None] + factor * (squares / values) @ (points * with_t)
    heights = points**1.5 * above / np.maximum(below, np.finfo(float).tiny)
    # Both ends go on like t^1/2 and like t^-1/2, and the trapezoidal rule gives the end points half a step.
    ends = 2 * (heights[:, 0] + heights[:, -1])
    total: np.ndarray = (step * (heights.sum(axis=1) - (heights[:, 0] + heights[:, -1]) / 2) + ends) / np.pi
    return total
