"""All rules, applied to what was seen of a set: the findings, strongest first."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from ganbench.explanation import groups, words
from ganbench.explanation.chance import MISFIT, of_draws, threshold
from ganbench.explanation.distance import Distance
from ganbench.explanation.drawn import once
from ganbench.explanation.finding import Finding
from ganbench.explanation.kinds import REMEDIES
from ganbench.explanation.pursuit import pursue, usual_spread
from ganbench.looks import alterations as library
from ganbench.looks.kinds import COUNTS, kinds_of
from ganbench.looks.measures import NAMES
from ganbench.looks.real import RealLooks
from ganbench.metrics.intervals import Z95
from ganbench.references.reference import Reference
from ganbench.statistics.index import ImageIndex

LEAST = 20  # images: of fewer, nothing can be said of a set
_MOST_OUTLIERS = 0.5  # share of a set: more of them are no outliers
# Kinds whose trace fits to the end, and so hide no other look: of real faces in JPEG nothing else is found.
_FITS = ("jpeg",)


@dataclass(frozen=True, eq=False)
class Seen:
    """What was seen of a set, image by image.

    Attributes:
        positions: in the source, (n,) int64.
        measures: of the looks, (n, M).
        codes: (n, K) int8, by the reference's index; None without one.
        signatures: (n, L) uint8.
    """

    positions: np.ndarray
    measures: np.ndarray
    codes: np.ndarray | None
    signatures: np.ndarray


def find(reference: Reference, seen: Seen, distance: Callable[[], Distance | None], seed: int) -> list[Finding]:
    """Return what the rules find, strongest first.

    Args:
        reference: the real images.
        seen: the set.
        distance: takes the distance between both apart; asked only where no other rule finds anything.
        seed: of what real sets are drawn.
    """
    rng = np.random.default_rng(seed)
    least = threshold(rules_tried())
    found: list[Finding] = []
    real, index, codes, n = reference.looks, reference.index, seen.codes, len(seen.positions)
    kept = np.ones(n, bool)
    looks = None if real is None else real.standardised(seen.measures)
    if real is not None and looks is not None and index is not None and codes is not None:
        group, outliers = groups.outlying(real, looks, index, codes)
        found.append(words.of_group("outliers", group, n, ()))
        kept = ~outliers if outliers.mean() < _MOST_OUTLIERS else kept
    if index is not None and codes is not None:
        group, later = groups.repeated(index, codes, seen.signatures, rng)
        found.append(words.of_group("repeats", group, n, ()))
        kept &= ~later  # each picture once: what repeats is told once
    rows, strongest = np.flatnonzero(kept), 0.0
    if real is not None and looks is not None and len(rows) >= LEAST:
        more, strongest = _of_looks(real, looks[rows], least)
        found += [replace(one, images=tuple(int(rows[row]) for row in one.images)) for one in more]
    if index is not None and codes is not None and len(rows) >= LEAST:
        found += _of_codes(reference, index, codes, rows, rng, strongest)
    found = sorted((one for one in found if one.effect >= least), key=lambda one: -one.effect)
    if not found and (apart := distance()) is not None and apart.effect >= least:
        found.append(_unexplained(apart))
    return [replace(one, images=tuple(int(seen.positions[row]) for row in one.images)) for one in found]


def rules_tried() -> int:
    """Return how many rules there are: alterations, frequencies, and those over sets."""
    return len(library.alterations()) + len(_SPECTRUM) + sum(COUNTS) * 2 + 5


def _of_codes(
    reference: Reference, index: ImageIndex, codes: np.ndarray, rows: np.ndarray, rng: np.random.Generator, looks: float
) -> list[Finding]:
    """Return what the codes of some rows say of kinds and variety.

    What changes looks moves features too. So where looks differ more surely (``looks``) than kinds do, codes are first
    brought to the mean and the covariance of the real ones, and kinds are counted again.
    """
    found: list[Finding] = []
    levels = list(reference.kinds) or kinds_of(index.codes)
    bring = once(index, "alike", lambda: groups.alike(index.codes))
    for kind, missing in (("missing_kinds", True), ("excess_kinds", False)):
        group = groups.kinds(index, levels, codes[rows], missing=missing)
        if group is not None and group.effect < looks:
            group = groups.kinds(index, levels, bring(codes[rows]), missing=missing)
        if group is not None:
            members = tuple(index.names[int(row)] for row in group.members)
            found.append(words.of_group(kind, replace(group, rows=rows[group.rows]), len(rows), members))
    near = groups.variety(index, codes, rows, rng)
    if near.effect < looks:
        near = groups.variety(index, codes, rows, rng, bring)
    if of_draws(near.effect, groups.DRAWS) >= threshold(rules_tried()):
        found.append(words.of_group("low_variety", near, len(rows), ()))
    narrow = groups.narrowness(index, levels, codes, rows)
    if narrow is not None and narrow.effect >= max(looks, near.effect):
        found = [one for one in found if one.kind != "low_variety"]
        found.append(words.of_group("low_variety", narrow, len(rows), (), words.NARROW))
    return found


def _of_looks(real: RealLooks, looks: np.ndarray, least: float) -> tuple[list[Finding], float]:
    """Return what looks say, and how sure the surest of it is, in spreads."""
    known = library.alterations()
    explained, left = pursue(real, known, looks, least)
    found: dict[str, Finding] = {}
    weak: dict[str, float] = {}
    for one in explained:
        alteration = known[one.number]
        if one.effect >= max(least, MISFIT * _misfitting(found)) and alteration.kind not in found:
            found[alteration.kind] = words.of_alteration(one, alteration, real, looks)
        elif one.effect >= least:
            weak[alteration.kind] = max(one.effect, weak.get(alteration.kind, 0.0))
    noise = float(np.sqrt(1 / len(looks) + 1 / real.n))
    left = left * noise / usual_spread("spectrum", noise)
    column = _SPECTRUM[int(np.abs(left[_SPECTRUM]).argmax())]
    if abs(left[column]) >= max(least, MISFIT * _misfitting(found)):
        found["spectrum"] = words.of_spectrum(column, float(left[column]), real, looks)
    if weak := {kind: effect for kind, effect in weak.items() if kind not in found}:
        first = max(found.values(), key=lambda one: (one.kind not in _FITS, one.effect))
        found[first.kind] = replace(first, text=first.text + words.beside(weak, first.kind))
    return list(found.values()), max((one.certain for one in explained), default=0.0)


def _misfitting(found: Mapping[str, Finding]) -> float:
    """Return the strongest effect of what its trace does not fit to the end."""
    return max((one.effect for one in found.values() if one.kind not in _FITS), default=0.0)


def _unexplained(distance: Distance) -> Finding:
    assert distance.real is not None
    assert distance.real_spread is not None
    effect, error = distance.effect, (distance.high - distance.low) / (2 * Z95 * distance.real_spread)
    text = (
        f"The Frechet distance is {distance.value:.1f}, and that of as many real images {distance.real:.1f}; "
        "no rule says why."
    )
    return Finding(
        "unexplained", effect, effect - Z95 * error, effect + Z95 * error, text, REMEDIES["unexplained"],
        "Frechet distance", distance.value, distance.real, distance.real_spread,
    )  # fmt: skip


_SPECTRUM = [number for number, name in enumerate(NAMES) if name.startswith(("power", "colour power"))]
