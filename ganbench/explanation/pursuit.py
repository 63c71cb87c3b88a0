"""Which alterations of real images explain how the looks of a set differ from those of real ones.

Every alteration of the library leaves a known trace in the means of the measures. What differs between two sets is
taken apart by matching pursuit (Mallat and Zhang 1993): the trace that explains most of it is taken away, then the
next. So what follows from a fault, such as less contrast from blur, is counted with its cause. Differences are seen
against the covariance of the measures among real images: what varies much among these says little.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from ganbench.looks.alterations import Alteration
from ganbench.looks.real import RealLooks

RIDGE = 1.0  # added to every variance of 1: combinations that hardly vary among real images are not believed too much
MOST = 1.2  # times a trace: a little more than the whole set altered so
ROUNDS = 12
# A smaller share of a trace counts by as much less, where weaker ones of its sort are known: those would fit better.
SMALL = 0.2
# Real sets that were resized and saved in other ways differ in texture, however many images they have: by so many
# standard deviations of single images.
WAYS = {"sharpness": 0.1, "noise": 0.3, "spectrum": 0.1}


@dataclass(frozen=True, eq=False)
class Explained:
    """One alteration that explains a part of the difference.

    Attributes:
        number: of the alteration in the library.
        share: how much of its trace was found: 1 where all images look altered so.
        effect: how far the mean lies along the trace, in spreads of means of real sets of the same size; no farther
            than the share of the trace goes: what lies along it beyond that is of another cause; see also ``SMALL``.
        certain: how sure it is, in spreads along what tells it best from chance.
        error: standard error of ``effect``, over sets of such images.
        scores: how far each image has moved along the trace, (n,).
    """

    number: int
    share: float
    effect: float
    certain: float
    error: float
    scores: np.ndarray


def pursue(
    real: RealLooks, library: list[Alteration], looks: np.ndarray, least: float
) -> tuple[list[Explained], np.ndarray]:
    """Return what explains the difference of a set, in the order in which it was found, and what is left.

    Args:
        real: the looks of real images.
        library: the alterations that its traces are of.
        looks: of a set, standardised, (n, M).
        least: significance, in spreads, below which nothing is believed.

    Returns:
        The alterations, and of each measure by how many spreads of real sets its mean still differs, (M,).
    """
    spread = np.sqrt(np.diagonal(real.cov))
    together = real.cov / np.outer(spread, spread)
    weights = np.linalg.inv(together + RIDGE * np.eye(len(spread)))
    noise = np.sqrt(1 / len(looks) + 1 / real.n)
    traces, numbers = _between(real.traces / spread, library)
    filters = traces @ weights
    sizes = np.einsum("am,am->a", traces, filters)
    # Spreads of real sets: through the filter, which decides what is believed, and along the trace as it is.
    believed = np.sqrt(np.einsum("am,mk,ak->a", filters, together, filters)) * noise
    usual = np.array([usual_spread(library[number].kind, noise) for number in numbers])
    units = np.sqrt(np.einsum("am,mk,ak->a", traces, together, traces)) * usual
    lengths = np.einsum("am,am->a", traces, traces) / units
    least_share = np.where(_graded(library), SMALL, 0.0)[numbers]
    offsets = (looks - real.mean) / spread
    left = offsets.mean(axis=0)
    found: list[Explained] = []
    for _ in range(ROUNDS):
        along = filters @ left
        share = np.clip(along / sizes, 0, MOST)
        best = int(np.argmax(2 * share * along - share**2 * sizes))
        if along[best] < least * believed[best]:
            break
        effect = float(min(traces[best] @ left / units[best], share[best] * lengths[best]))
        if share[best] < least_share[best]:
            effect *= float(share[best] / least_share[best])
        scores = offsets @ traces[best] / units[best]
        error = float(scores.std(ddof=1) / np.sqrt(len(looks)))
        certain = float(along[best] / believed[best])
        found.append(Explained(int(numbers[best]), float(share[best]), effect, certain, error, scores))
        left = left - share[best] * traces[best]
    return found, left / noise


def usual_spread(kind: str, noise: float) -> float:
    """Return the spread of a mean between real sets, of single images 1.

    Args:
        kind: of the finding.
        noise: that between sets which were made in one way.
    """
    return float(np.hypot(noise, WAYS.get(kind, 0.0)))


def _graded(library: list[Alteration]) -> np.ndarray:
    """Tell which alterations are known at several strengths, (A,)."""
    follows = np.array([one.follows(other) for one, other in itertools.pairwise(library)], bool)
    return np.concatenate([follows, [False]]) | np.concatenate([[False], follows])


def _between(traces: np.ndarray, library: list[Alteration]) -> tuple[np.ndarray, np.ndarray]:
    """Return traces with those between two strengths of one alteration, and the number of the nearest to each."""
    found, numbers = [traces], [np.arange(len(traces))]
    for number in range(len(traces) - 1):
        if library[number].follows(library[number + 1]):
            found.append((traces[number : number + 1] + traces[number + 1 : number + 2]) / 2)
            numbers.append(np.array([number]))
    return np.concatenate(found), np.concatenate(numbers)
