"""Perceptual path length: how far images move where the latent moves a little (Karras et al. 2019)."""

from __future__ import annotations

import math

import numpy as np

from ganbench.errors import MetricError
from ganbench.metrics.base import Estimate, metric
from ganbench.metrics.intervals import student
from ganbench.statistics.paths import PathSet

TRIMMED = 0.01  # of the paths, at either end: the paper's share
_FEW = 100  # paths below which nothing is trimmed


@metric("ppl", title="Perceptual path length", better="lower", needs="paths", least=0, default=False)
def ppl(*, real: None = None, fake: PathSet, seed: int = 0) -> Estimate:
    """Return the mean of the lengths between their 1st and their 99th percentile.

    Percentiles are those of StyleGAN's code: the lower one is the next value below, the upper one the next above, and
    both are kept. Interval: Student's t with the standard error of a trimmed mean, that of the values where those
    beyond the percentiles are pulled to them, over 0.98 (Tukey and McLaughlin 1963); paths are independent.

    Args:
        real: Not used: the length is the generator's own.
        fake: Lengths of its paths.
        seed: Not used; nothing is random here.

    Raises:
        MetricError: fewer than two paths.
    """
    del real, seed
    if fake.n < 2:
        raise MetricError(f"the path length needs at least 2 paths, got {fake.n}.")
    low = float(np.percentile(fake.lengths, 100 * TRIMMED, method="lower"))
    high = float(np.percentile(fake.lengths, 100 * (1 - TRIMMED), method="higher"))
    kept = fake.lengths[(fake.lengths >= low) & (fake.lengths <= high)]
    value = float(kept.mean())
    pulled = np.clip(fake.lengths, low, high)
    error = float(pulled.std(ddof=1)) / ((1 - 2 * TRIMMED) * math.sqrt(fake.n))
    half = student(len(kept) - 1) * error
    warnings = (f"only {fake.n} paths: too few to trim any",) if fake.n < _FEW else ()
    return Estimate(
        value, max(0.0, value - half), value + half, "Student t of a trimmed mean", fake.n, None,
        f"mean of the {100 * TRIMMED:g} to {100 * (1 - TRIMMED):g} % of paths", warnings,
    )  # fmt: skip
