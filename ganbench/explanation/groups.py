"""Rules over sets as wholes: kinds that are missing or too many, low variety, repeats, outliers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ganbench.explanation.chance import of_counts
from ganbench.explanation.drawn import drawn
from ganbench.looks.kinds import belong
from ganbench.looks.real import RealLooks, distances, oddness
from ganbench.metrics.intervals import Z95, wilson
from ganbench.metrics.near_duplicates import pairs_alike
from ganbench.statistics.index import ImageIndex
from ganbench.statistics.search import nearest_codes

Bring = Callable[[np.ndarray], np.ndarray]
DRAWS = 40  # real sets of the same size
REPEAT_DRAWS = 2  # of them in which repeats are counted
MOST = 1500  # images of a set whose neighbours are looked for
SHOWN = 12
_ROUNDS = 3
_LEAST_VARIANCE = 0.01  # of the mean one, along any axis
_REACH = 8.0  # times the step from the quarter to the median: two real images in a thousand are farther off


@dataclass(frozen=True, eq=False)
class Group:
    """What a rule over a set says.

    Attributes:
        effect: in spreads of real sets of the same size; above 0 where the fault is there.
        low: lower end of its 95 % interval.
        high: upper end.
        value: of the set.
        real: of real sets.
        spread: between real sets.
        rows: of the set, that show it.
        members: rows of the index that belong to it.
    """

    effect: float
    low: float
    high: float
    value: float
    real: float
    spread: float
    rows: np.ndarray
    members: np.ndarray


def kinds(index: ImageIndex, levels: list[np.ndarray], codes: np.ndarray, *, missing: bool) -> Group | None:
    """Return the kind of real images that is most unusually rare, or most unusually frequent; None without kinds."""
    best: Group | None = None
    n = len(codes)
    for centres in levels:
        real_kind, kind = belong(centres, index.codes), belong(centres, codes)
        known = np.bincount(real_kind, minlength=len(centres))
        share = np.clip(known / len(index), 0.5 / len(index), 1 - 0.5 / len(index))
        found = np.bincount(kind, minlength=len(centres))
        effects = of_counts(found, n, share, len(index)) * (-1 if missing else 1)
        one = int(effects.argmax())
        if best is not None and effects[one] <= best.effect:
            continue
        p, real = float(found[one] / n), float(share[one])
        spread = float(np.sqrt(real * (1 - real) / n))
        ends = sorted((-1 if missing else 1) * end for end in _ends(p, n, real, len(index)))
        rows = np.flatnonzero(kind == one)
        members = np.flatnonzero(real_kind == one)
        near = _central(index.codes[members], centres[one])
        best = Group(
            float(effects[one]), ends[0], ends[1], p, real, spread, rows[_central(codes[rows], centres[one])][:SHOWN],
            members[near][:SHOWN],
        )  # fmt: skip
    return best


def _central(codes: np.ndarray, centre: np.ndarray) -> np.ndarray:
    """Return rows, the nearest to a centre first."""
    away = codes.astype(np.float32) - centre.astype(np.float32)
    return np.argsort((away**2).sum(axis=1), kind="stable")


def as_they_are(codes: np.ndarray) -> np.ndarray:
    """Return codes as they are; see ``alike``."""
    return codes


def alike(real: np.ndarray) -> Bring:
    """Return what brings the codes of a set to the mean and the covariance of real ones.

    By the shortest way, the optimal transport of one Gaussian to the other. What is left is how images lie to each
    other: their kinds, and how near to one another they come.

    Args:
        real: codes of real images, (N, K).
    """
    wanted, root = real.mean(axis=0, dtype=np.float64), _power(np.cov(real.T.astype(np.float64)), 0.5)

    def bring(codes: np.ndarray) -> np.ndarray:
        floats = codes.astype(np.float64)
        own = np.cov(floats.T)
        own[np.diag_indices(len(own))] += _LEAST_VARIANCE * np.trace(own) / len(own) + 1e-9
        moved = (floats - floats.mean(axis=0)) @ (root @ _power(root @ own @ root, -0.5) @ root) + wanted
        return np.asarray(np.clip(np.rint(moved), -127, 127), np.int8)

    return bring


def _power(matrix: np.ndarray, exponent: float) -> np.ndarray:
    """Return a power of a symmetric matrix."""
    values, axes = np.linalg.eigh(matrix)
    return np.asarray((axes * np.maximum(values, 1e-9 * max(values[-1], 1e-9)) ** exponent) @ axes.T)


def variety(
    index: ImageIndex, codes: np.ndarray, kept: np.ndarray, rng: np.random.Generator, bring: Bring = as_they_are
) -> Group:
    """Compare how near images of a set come to each other with how near those of real sets do.

    Distances are to the nearest other image, over the typical distance of any two: what all images share, such as
    blur, makes both smaller.

    Args:
        index: of the real images.
        codes: of the set, (n, K).
        kept: rows of it that count: those that repeat others are another finding.
        rng: draws real sets.
        bring: what is done to the codes of every set first.
    """
    rows = _some(index, kept, rng)
    own, near = _closeness(bring(codes[rows]))

    def draw() -> np.ndarray:
        chosen = (rng.choice(len(index), len(rows), replace=False) for _ in range(DRAWS))
        return np.array([_closeness(bring(index.codes[some]))[0] for some in chosen])

    draws = drawn(index, ("closeness", bring), len(rows), rng, draw)
    real, spread = float(np.mean(draws)), float(np.std(draws, ddof=1))
    error = float(near.std(ddof=1) / np.sqrt(len(near)) / max(spread, 1e-9))
    effect = float((real - own) / max(spread, 1e-9) / np.sqrt(1 + 1 / DRAWS))
    order = rows[np.argsort(near, kind="stable")][:SHOWN]
    half = Z95 * error
    return Group(
        effect, effect - half, effect + half, float(np.exp(own)), float(np.exp(real)), float(np.exp(real) * spread),
        order, np.empty(0, np.int64),
    )  # fmt: skip


def _some(index: ImageIndex, kept: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return rows that count, so few that real sets of as many are different ones."""
    most = min(MOST, len(index) // 2)
    return kept if len(kept) <= most else np.sort(rng.choice(kept, most, replace=False))


def _closeness(codes: np.ndarray) -> tuple[float, np.ndarray]:
    """Return the mean logarithm of distances to the nearest other one, over that of any two; and each one's."""
    squared, floats = nearest_codes(codes, codes, 2)[0][:, 1], codes.astype(np.float64)
    typical = 2 * ((floats - floats.mean(axis=0)) ** 2).sum(axis=1).mean()
    near = 0.5 * np.log((squared + 1) / (typical + 1))
    # A few images of any kind may be nearly equal: they must not decide.
    return float(np.mean(np.clip(near, *np.quantile(near, (0.02, 1))))), near


def narrowness(index: ImageIndex, levels: list[np.ndarray], codes: np.ndarray, kept: np.ndarray) -> Group | None:
    """Compare how far images are from the middle of their kind with how far real ones of that kind are.

    Images of kinds that are less varied count against real ones of those: what kinds there are has no part in it.

    Args:
        index: of the real images.
        levels: centres of their kinds, coarse to fine; what they do not all say is not said.
        codes: of the set, (n, K).
        kept: rows of it that count.

    Returns:
        None where there are no kinds.
    """
    least: Group | None = None
    for centres in levels:
        real_kind, real_away = _away(centres, index.codes)
        counts = np.maximum(np.bincount(real_kind, minlength=len(centres)), 1)
        mean = np.bincount(real_kind, real_away, len(centres)) / counts
        variance = np.bincount(real_kind, (real_away - mean[real_kind]) ** 2, len(centres)) / counts
        kind, away = _away(centres, codes[kept])
        nearer = mean[kind] - away
        spreads = nearer / np.sqrt(np.maximum(variance[kind], 1e-6))
        root = float(np.sqrt(len(kept) / (1 + len(kept) / len(index))))
        effect, half = float(spreads.mean()) * root, Z95 * float(spreads.std(ddof=1)) * root / float(np.sqrt(len(kept)))
        if least is not None and effect >= least.effect:
            continue
        ratio = float(np.exp(-nearer.mean()))
        rows = kept[np.argsort(-spreads, kind="stable")][:SHOWN]
        spread = ratio * float(np.sqrt(variance[kind].mean())) / root
        least = Group(effect, effect - half, effect + half, ratio, 1.0, spread, rows, np.empty(0, np.int64))
    return least


def _away(centres: np.ndarray, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the kind of each image and the logarithm of its distance from the middle of it, (n,) each."""
    kind = belong(centres, codes)
    squared = ((codes.astype(np.float32) - centres[kind].astype(np.float32)) ** 2).sum(axis=1)
    return kind, 0.5 * np.log(squared.astype(np.float64) + 1)


def repeated(index: ImageIndex, codes: np.ndarray, signatures: np.ndarray, rng: np.random.Generator) -> tuple[
    Group, np.ndarray
]:  # fmt: skip
    """Count the images that repeat another one, and compare with real sets of the same size."""
    n = len(codes)
    pairs = pairs_alike(codes, signatures)
    mask = np.zeros(n, bool)
    mask[pairs] = True

    def draw() -> np.ndarray:
        chosen = (rng.choice(len(index), min(n, len(index)), replace=False) for _ in range(REPEAT_DRAWS))
        return np.array([len(np.unique(pairs_alike(index.codes[some], index.signatures[some]))) for some in chosen])

    real, looked_at = int(drawn(index, "repeats", n, rng, draw).sum()), REPEAT_DRAWS * min(n, len(index))
    share = (real + 1) / (looked_at + 2)
    # Repeats come at least in pairs, so that half as many images are independent.
    effect = float(of_counts(np.array([mask.sum() / 2]), n / 2, np.array([share]), looked_at / 2)[0])
    p = float(mask.mean())
    spread = float(np.sqrt(share * (1 - share) / (n / 2)))
    low, high = _ends(p, n / 2, share, looked_at / 2)
    alike = pairs[np.argsort(pairs[:, 0], kind="stable")][: SHOWN // 2].ravel()
    # Of every group one image stays: it repeats nothing any more.
    later = np.zeros(n, bool)
    later[pairs.max(axis=1)] = True
    return Group(effect, low, high, p, share, spread, alike, np.empty(0, np.int64)), later


def outlying(real: RealLooks, looks: np.ndarray, index: ImageIndex, codes: np.ndarray) -> tuple[Group, np.ndarray]:
    """Count the images that are far off all others of their set, and from real ones, by looks or by features."""
    n = len(looks)
    spread = np.sqrt(np.diagonal(real.cov))
    by_looks = distances(looks, spread, np.ones(n, bool))
    for _ in range(_ROUNDS):  # so that many outliers do not hide each other
        by_looks = distances(looks, spread, by_looks <= real.tail)
    odd = oddness(looks, real.cov)
    away = np.sqrt(nearest_codes(index.codes, codes, 1)[0][:, 0]) * index.projection.step
    usual = index.nearest[np.isfinite(index.nearest)]
    # A set that is far off as a whole has no outliers for that: distances are over its own middle one.
    reach = float(np.quantile(usual, 0.999) / np.median(usual)) if len(usual) else np.inf
    mask = (odd > _end_of(odd)) | (by_looks > max(real.tail, _end_of(by_looks)))
    mask |= away / max(float(np.median(away)), 1e-9) > 1.15 * reach
    share = 0.003
    found = int(mask.sum())
    effect = float(of_counts(np.array([found]), n, np.array([share]), len(index))[0])
    p = found / n
    low, high = _ends(p, n, share, len(index))
    rows = np.flatnonzero(mask)
    rows = rows[np.argsort(-odd[rows], kind="stable")][:SHOWN]
    spread_of = float(np.sqrt(share * (1 - share) / n))
    return Group(effect, low, high, p, share, spread_of, rows, np.empty(0, np.int64)), mask


def _end_of(distances: np.ndarray) -> float:
    """Return the distance that images of one sort hardly exceed, told from the nearer half of a set."""
    quarter, half = np.quantile(distances, (0.25, 0.5))
    return float(half + _REACH * (half - quarter))


def _ends(p: float, n: float, share: float, known: float) -> tuple[float, float]:
    """Return the effects of the ends of the interval of a share ``p`` of ``n`` images."""
    ends = of_counts(n * np.array(wilson(p, n)), n, np.array([share, share]), known)
    return float(ends[0]), float(ends[1])
