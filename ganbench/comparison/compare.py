"""Comparing: every pair of sides in every result that both have."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations
from pathlib import Path, PurePosixPath
from typing import Literal, NamedTuple

import numpy as np

from ganbench.comparison.difference import Difference, of_intervals, of_seeds, of_sets
from ganbench.comparison.holm import holm
from ganbench.comparison.power import detectable, images_needed, seeds_needed
from ganbench.comparison.result import LEVEL, Compared, Comparison, Refused, Standing
from ganbench.comparison.sides import Given, Side, gather
from ganbench.comparison.unlike import why_not
from ganbench.errors import GanbenchError
from ganbench.images.resize import Resize
from ganbench.images.source import Source
from ganbench.leaderboard.choice import direction
from ganbench.leaderboard.conditions import conditions_of
from ganbench.metrics.variation import Variation
from ganbench.scoring.options import DEFAULT_DETECTOR, DEFAULT_FEATURES, Images, Real, ScoreOptions, several
from ganbench.scoring.plan import Plan
from ganbench.scoring.row import Row
from ganbench.scoring.scorecard import Scorecard
from ganbench.system.cluster import Site

Pairing = Literal["names", "positions"]


class _Two(NamedTuple):
    """A result of two sides, before it is adjusted for the other pairs."""

    a: Side
    b: Side
    row_a: Row
    row_b: Row
    values: tuple[list[float], list[float]]
    found: Difference


def compare(
    *sources: Given,
    labels: Sequence[str] | None = None,
    paired: Pairing | None = None,
    reference: Real | Sequence[Real] | None = None,
    features: Sequence[str] | str = DEFAULT_FEATURES,
    metrics: Sequence[str] | str | None = None,
    detector: str | None = DEFAULT_DETECTOR,
    weights: str | Path | None = None,
    precision: str = "fp32",
    device: str = "auto",
    resize: str | Resize | None = None,
    recursive: bool = False,
    limit: int | None = None,
    skip_bad: int = 0,
    seed: int = 0,
    cache: bool = True,
    jobs: int = 1,
    cluster: str | None = None,
) -> Comparison:
    """Compare sets of images, scorecards, or trainings over their seeds.

    Args:
        sources: two or more: images as ``ganbench.score`` takes them; scorecards, or their JSON files; or run folders
            and folders of them, whose trainings are compared variant by variant, over their seeds.
        labels: what to call them [default: the last part of their paths; trainings by their variant].
        paired: whether images correspond: ``names`` (equal names but for folder and ending, else an error) or
            ``positions`` (the first with the first). None: the sets are independent.
        reference: as ``ganbench.score`` takes it, and all that follow, for what has to be scored.
        features: extractors.
        metrics: names to compute; default: all that are on by default.
        detector: for AFD; None leaves it out.
        weights: weights file for the extractor, where it needs one.
        precision: ``fp32`` or ``bf16``.
        device: ``auto``, ``cpu`` or ``cuda``.
        resize: rule applied to every image that is of another size.
        recursive: look into subfolders too.
        limit: use the first so many images of each only.
        skip_bad: how many unreadable images of each may be left out.
        seed: seed of every random choice.
        cache: keep and reuse features.
        jobs: processes at a time that look at a large source.
        cluster: address of a Ray cluster that looks at such a source instead.

    Returns:
        Differences with intervals and p-values, for every result of every pair that compares.

    Raises:
        GanbenchError: fewer than two sides, something that cannot be read or scored, pairs that are none, or nothing
            that compares.
    """
    options = ScoreOptions(
        features=(features,) if isinstance(features, str) else tuple(features),
        metrics=None if metrics is None else (metrics,) if isinstance(metrics, str) else tuple(metrics),
        references=several(reference),
        detector=detector,
        weights=weights,
        precision=precision,
        device=device,
        resize=resize,
        recursive=recursive,
        limit=limit,
        skip_bad=skip_bad,
        seed=seed,
        cache=cache,
    )
    return compare_sides(sources, options, labels=labels, paired=paired, site=Site(jobs, cluster))


def compare_sides(
    given: Sequence[Given],
    options: ScoreOptions,
    *,
    labels: Sequence[str] | None = None,
    paired: Pairing | None = None,
    opened: Callable[[Images], Source] | None = None,
    site: Site | None = None,
) -> Comparison:
    """Compare what was given; see ``compare``.

    Args:
        given: two or more sides, or folders of trainings.
        options: how to score what has to be scored.
        labels: what to call them.
        paired: whether, and how, images correspond.
        opened: opens images [default: as the options say].
        site: where images are looked at; None: in this process.

    Raises:
        GanbenchError: as ``compare``.
    """
    if paired not in (None, "names", "positions"):
        raise GanbenchError(f"paired {paired!r}: images correspond by names or by positions")
    site, notes = site or Site(), list[str]()
    sides = gather(
        given, labels, opened or options.open, lambda some: Plan.of(options, *some, site=site), site, notes.append
    )
    if len(sides) < 2:
        raise GanbenchError(
            f"trainings of one kind alone, {sides[0].label}: give those of another one, too"
            if sides
            else "no training could be scored: nothing to compare"
        )
    if paired is not None:
        for a, b in combinations(sides, 2):
            _check_pairs(a, b, paired)
    ids = list(dict.fromkeys(row.id for side in sides for cards in side.cards for card in cards for row in card.rows))
    compared: list[Compared] = []
    refused: list[Refused] = []
    for result_id in ids:
        compared += _of_result(result_id, sides, paired is not None, refused)
    if not compared:
        first = refused[0] if refused else Refused("", sides[0].label, sides[1].label, "neither has any result")
        raise GanbenchError(f"{first.a} and {first.b} cannot be compared: {first.id} {first.reason}".replace("  ", " "))
    notes += _said_of(sides)
    return Comparison(tuple(_standing(side) for side in sides), tuple(compared), tuple(refused), tuple(notes))


def _said_of(sides: Sequence[Side]) -> list[str]:
    """Return what scorecards flag and warn of, each once, with all sides that it is said of."""
    said: dict[str, dict[str, None]] = {}
    for side in sides:
        for card in (card for cards in side.cards for card in cards):
            for text in (*(f"flagged: {flag}" for flag in card.flags), *card.warnings):
                said.setdefault(text, {})[side.label] = None
    return [f"{', '.join(labels)}: {text}" for text, labels in said.items()]


def _standing(side: Side) -> Standing:
    values: dict[str, float] = {}
    deviations: dict[str, float] = {}
    for row in side.card.rows:
        known, _ = _values(side, row.id)
        if known:
            values[row.id] = float(np.mean(known))
        if side.kind == "trainings" and len(known) > 1:
            deviations[row.id] = float(np.std(known, ddof=1))
    return Standing(side.label, side.kind, side.count, values, deviations)


def _check_pairs(a: Side, b: Side, how: Pairing) -> None:
    for side in (a, b):
        if side.kind != "images":
            raise GanbenchError(f"{side.label} is {side.kind}, and pairs are of images: give the images themselves")
        if not side.whole:
            raise GanbenchError(f"{side.label}: an image could not be read, so that no other one corresponds to it")
    if len(a.names) != len(b.names):
        raise GanbenchError(f"{a.label} has {len(a.names)} images and {b.label} {len(b.names)}: they are no pairs")
    if how == "names":
        for one, other in zip(a.names, b.names, strict=True):
            if PurePosixPath(one).stem != PurePosixPath(other).stem:
                raise GanbenchError(
                    f"{one} of {a.label} stands where {other} of {b.label} does: names differ. If they correspond by "
                    "their order all the same, say so: --paired positions"
                )


def _of_result(result_id: str, sides: Sequence[Side], paired: bool, refused: list[Refused]) -> list[Compared]:
    """Return one result of all pairs that compare in it, adjusted for each other."""
    found: list[_Two] = []
    for a, b in combinations(sides, 2):
        try:
            found.append(_of_two(result_id, a, b, paired))
        except GanbenchError as e:
            refused.append(Refused(result_id, a.label, b.label, str(e).removeprefix(f"{result_id}: ")))
    adjusted = holm([two.found.p for two in found])
    level = LEVEL / max(1, len(found))  # what Holm asks of the smallest p-value
    return [_compared(two, p, level) for two, p in zip(found, adjusted, strict=True)]


def _of_two(result_id: str, a: Side, b: Side, paired: bool) -> _Two:
    """Return one result of two sides.

    Raises:
        GanbenchError: they do not compare in it, with the reason.
    """
    (first, rows_a), (second, rows_b) = _values(a, result_id), _values(b, result_id)
    for side, rows in ((a, rows_a), (b, rows_b)):
        if not rows:
            raise GanbenchError(_missing(side, result_id))
    conditions = [conditions_of(card, card[result_id]) for side in (a, b) for card in _cards_with(side, result_id)]
    if reason := next((why for other in conditions[1:] if (why := why_not(conditions[0], other))), ""):
        raise GanbenchError(reason)
    if a.kind == "trainings":
        return _Two(a, b, rows_a[0], rows_b[0], (first, second), of_seeds(first, second))
    if a.kind == b.kind == "images":
        variations = [side.variations[result_id] for side in (a, b)]
        known = [one for one in variations if isinstance(one, Variation)]
        if len(known) < 2:
            raise GanbenchError(next(f"how it varies: {one}" for one in variations if isinstance(one, str)))
        found = of_sets(known[0].at(first[0]), known[1].at(second[0]), paired=paired)
    else:
        found = of_intervals(rows_a[0], rows_b[0])
    return _Two(a, b, rows_a[0], rows_b[0], (first, second), found)


def _cards_with(side: Side, result_id: str) -> list[Scorecard]:
    return [card for cards in side.cards for card in cards if result_id in card and card[result_id].value is not None]


def _values(side: Side, result_id: str) -> tuple[list[float], list[Row]]:
    """Return a side's values of a result, one for each training seed (copies by their mean), and all rows of it."""
    values, rows = [], []
    for cards in side.cards:
        known = [card[result_id] for card in cards if result_id in card and card[result_id].value is not None]
        rows += known
        if known:
            values.append(float(np.mean([row.value for row in known if row.value is not None])))
    return values, rows


def _missing(side: Side, result_id: str) -> str:
    reason = side.card[result_id].reason if result_id in side.card else "it is not in its scorecard"
    return f"{side.label} has no value: {reason}"


def _compared(two: _Two, p_adjusted: float, level: float) -> Compared:
    found, n = two.found, two.row_a.n or 0
    needed = None
    if p_adjusted >= LEVEL:
        by_seeds = two.a.kind == "trainings"
        needed = (
            seeds_needed(*two.values, level) if by_seeds else images_needed(n, found.difference, found.error, level)
        )
    value_a, value_b = (float(np.mean(values)) for values in two.values)
    return Compared(
        two.row_a.id,
        two.a.label,
        two.b.label,
        value_a,
        value_b,
        found,
        p_adjusted,
        direction(two.row_a),
        n,
        needed,
        detectable(found.error, found.degrees, level),
    )
