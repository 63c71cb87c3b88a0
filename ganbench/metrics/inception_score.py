"""Inception Score (Salimans et al. 2016), by torch-fidelity's protocol."""

from __future__ import annotations

import math

import numpy as np

from ganbench.errors import MetricError
from ganbench.metrics.base import Estimate, metric
from ganbench.metrics.intervals import student
from ganbench.metrics.kernel import TORCH_FIDELITY_SEED
from ganbench.statistics.features import FeatureSet

SPLITS = 10


@metric(
    "inception_score", title="Inception Score", better="higher", unit="classes", needs="logits", inception_name="is"
)
def inception_score(*, real: FeatureSet | None = None, fake: FeatureSet, seed: int = 0) -> Estimate:
    """Return ``exp(mean KL(p(class | image) || p(class)))``, the mean over 10 splits of the shuffled fake images.

    The shuffle is torch-fidelity's own for seed 0 and a complete sample. Interval: Student's t over the 10 splits; it
    does not cover the bias, which is downward and depends on the number of images.

    Args:
        real: Not used.
        fake: Its logits, (m, K), are used.
        seed: Seed of the shuffle.

    Raises:
        MetricError: no logits, or fewer than 20 images.
    """
    if fake.logits is None:
        raise MetricError("the Inception Score needs class logits, and this extractor gives none: use inception.")
    n = len(fake.logits)
    if n < 2 * SPLITS:
        raise MetricError(f"{SPLITS} splits need at least {2 * SPLITS} images, got {n}.")
    draw = np.random.RandomState(TORCH_FIDELITY_SEED + seed)
    order = draw.permutation(n)
    scores = np.empty(SPLITS)
    for i in range(SPLITS):
        logits = fake.logits[order[i * n // SPLITS : (i + 1) * n // SPLITS]].astype(np.float64)
        shifted = logits - logits.max(axis=1, keepdims=True)
        log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        p = np.exp(log_p)
        log_q = np.log(np.maximum(p.mean(axis=0), np.finfo(np.float64).tiny))
        scores[i] = math.exp(float(np.sum(p * (log_p - log_q), axis=1).mean()))
    value = float(scores.mean())
    half = student(SPLITS - 1) * float(scores.std(ddof=1)) / math.sqrt(SPLITS)
    warnings: tuple[str, ...] = ()
    if n < 5000:
        warnings = (f"{n} images: the score is biased downward; compare it only at the same number of images",)
    interval = f"Student t over {SPLITS} splits"
    return Estimate(value, max(1.0, value - half), value + half, interval, n, seed, f"{SPLITS} splits", warnings)
