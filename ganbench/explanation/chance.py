"""What is believed: every rule has its share of one chance of a false alarm in a hundred honest sets."""

from __future__ import annotations

import numpy as np

ALARMS = 0.01  # honest sets in which anything at all is reported, if measures were normal
MISFIT = 0.2  # of the strongest effect: a trace is measured on other images, and never fits to the end


def threshold(rules: int) -> float:
    """Return the effect, in spreads, from which a finding is believed where so many rules are tried (Bonferroni)."""
    from scipy.special import ndtri  # scipy.stats takes a second to import

    return -float(ndtri(ALARMS / rules))


def of_draws(effect: float, draws: int) -> float:
    """Return the effect of as small a chance where the spread is known, of one whose spread was told from draws."""
    from scipy.special import ndtri, stdtr

    return -float(ndtri(stdtr(draws - 1, -effect)))


def of_counts(found: np.ndarray, n: float, share: np.ndarray, known: float) -> np.ndarray:
    """Return how unusual counts are, in spreads: the signed root of the likelihood ratio.

    Unlike a difference over its standard deviation it holds far out and for counts of a few.

    Args:
        found: how many of ``n`` images are of each kind, (k,).
        n: images; half of them where they come in pairs.
        share: of each kind among real images, (k,), above 0 and below 1.
        known: real images that the shares were counted in; their own error counts too.
    """
    expected = n * share
    with np.errstate(divide="ignore", invalid="ignore"):
        part = np.where(found > 0, found * np.log(found / expected), 0.0)
        rest = np.where(found < n, (n - found) * np.log((n - found) / (n - expected)), 0.0)
    root = np.sqrt(np.maximum(2 * (part + rest), 0) / (1 + n / known))
    return np.asarray(np.sign(found - expected) * root)
