"""Why two numbers differ: every difference of their protocols, and how much each of them moves the number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ganbench.errors import GanbenchError
from ganbench.protocols.computing import Computed, compute, possible
from ganbench.protocols.difference import Difference, Pairing, differences, paired
from ganbench.protocols.effects import Effect, Measured, Pooled
from ganbench.protocols.explained import Explained
from ganbench.protocols.facts import Side, canonical, side_of
from ganbench.protocols.public import public
from ganbench.protocols.setup import Material, Setup
from ganbench.protocols.switches import group_of, laid_over, setup_of, switched
from ganbench.references.reference import Reference
from ganbench.scoring.options import Images
from ganbench.scoring.scorecard import Scorecard
from ganbench.system.progress import track


def explain_protocol(
    a: Scorecard | str | Path,
    b: Scorecard | str | Path | None = None,
    *,
    against: str | None = None,
    images: Images | None = None,
    real: Images | None = None,
    references: Sequence[str | Path | Reference] = (),
    metrics: Sequence[str] | None = None,
    weights: Sequence[str | Path] = (),
    features: Sequence[str] = (),
    detectors: Sequence[str] = (),
    recursive: bool = False,
    device: str = "auto",
    cache: bool = True,
) -> Explained:
    """Name every difference between two scorecards, or one and a stated protocol; with images, measure each.

    A measurement switches one choice from the first side's to the other's and scores the images again; all else stays.
    So moves need not add up, and what all of them do together is measured too.

    Args:
        a: a scorecard, or its file.
        b: another one.
        against: instead of ``b``, a stated protocol: ``pytorch-fid``, ``clean-fid``, ``torch-fidelity``, ``stylegan``
            or ``course``.
        images: what to measure on; None: differences are named and not measured.
        real: real images, from which every real side is built; None: references that are installed or given.
        references: names or files of references.
        metrics: which numbers to measure, by name; None: the first that both sides have.
        weights: weights files, told by their hashes.
        features: extractors of your own that a card names, ``module:factory``: a card alone runs no code.
        detectors: detectors in files, ``yolo:PATH``, or of your own, ``module:Class``.
        recursive: look into subfolders of ``images`` and ``real`` too.
        device: ``auto``, ``cpu`` or ``cuda``.
        cache: keep and reuse features.

    Returns:
        The differences, and what each moves.

    Raises:
        GanbenchError: no scorecard, no such protocol, or the first side's number cannot be computed here.
    """
    if (b is None) == (against is None):
        raise GanbenchError("one other side is needed: a second scorecard, or a stated protocol (--against NAME)")
    mine = _side(a)
    theirs = public(against) if against is not None else _side(b)
    pairs = paired(mine, theirs)
    if not pairs.results:
        raise GanbenchError(f"{mine.label} and {theirs.label} have no result in common")
    found = differences(mine, theirs)
    explained = Explained(mine, theirs, pairs, tuple(found), _pooled(found, own_real=real is not None))
    if images is None:
        if real is not None or metrics is not None or weights or features or detectors or references:
            raise GanbenchError("nothing is measured without images to measure on: add --images SRC")
        return explained
    files = tuple(map(Path, weights))
    own = tuple(features), tuple(detectors)
    given = Material(images, real, tuple(references), files, *own, recursive, device, cache)
    measured = [_measure(explained, pair, given) for pair in _chosen(pairs, mine, theirs, metrics)]
    return replace(explained, measured=tuple(measured))


def _side(card: Scorecard | str | Path | None) -> Side:
    if isinstance(card, Scorecard):
        return side_of(card, str(card.source.get("label", "scorecard")))
    path = Path(card or "")
    return side_of(Scorecard.read(path), str(path))


def _pooled(found: Sequence[Difference], *, own_real: bool) -> tuple[Pooled, ...]:
    """Return the differences in groups that can only be switched together; what nothing switches stands alone."""
    pools: dict[tuple[str, int], list[Difference]] = {}
    for number, one in enumerate(found):
        group = group_of(one, found, own_real=own_real)
        pools.setdefault((group, 0 if group else number), []).append(one)
    return tuple(Pooled(group, tuple(members)) for (group, _), members in pools.items())


def _chosen(pairs: Pairing, a: Side, b: Side, metrics: Sequence[str] | None) -> list[tuple[str, str]]:
    """Return the results to measure, of both sides."""
    known = [(i, j) for i, j in pairs.results if a.values[i] is not None and (not b.whole or b.values[j] is not None)]
    if metrics is None:
        if not known:
            raise GanbenchError("no result has a value on both sides")
        return known[:1]
    chosen: dict[tuple[str, str], None] = {}
    for name in metrics:
        found = [pair for pair in known if name in (pair[0], canonical(pair[0]), pair[0].partition("[")[0])]
        if not found:
            raise GanbenchError(
                f"--metric {name}: no such result with a value on both sides. "
                f"There are: {', '.join(i for i, _ in known) or 'none'}"
            )
        chosen |= dict.fromkeys(found)
    return list(chosen)


def _measure(explained: Explained, pair: tuple[str, str], given: Material) -> Measured:
    """Switch one choice after the other, and all of them."""
    a, b = explained.a, explained.b
    notes: list[str] = []
    base = possible(replace(setup_of(a, pair[0]), device=given.device), given, notes.append)
    other = replace(setup_of(laid_over(a, b, *pair), pair[1]), device=given.device)
    try:
        first = compute(base, given)
    except GanbenchError as e:
        raise GanbenchError(f"{pair[0]} of {a.label} cannot be computed here: {e}") from e
    effects: list[Effect] = []
    together = base
    pools = [
        Pooled(pool.group, members)
        for pool in explained.pools
        if (members := tuple(one for one in pool.members if pair[0] in one.results))
    ]
    with track(f"switching, {pair[0]}", len(pools) + 1, unit="choices") as advance:
        for pool in pools:
            effect, with_real = _effect(base, other, pool, given)
            effects.append(effect)
            if effect.value is not None:
                together = switched(together, other, pool.group, pool.members, own_real=given.real is not None)
                together = replace(together, real=other.real) if with_real else together
            advance(1)
        everything = _all_of(together, effects, given)
        advance(1)
    digest = first.digest
    if digest != a.general.get("images.digest"):
        notes.append(f"{a.label} is of other images: its own value is another number")
    return Measured(
        pair[0],
        pair[1],
        first.row,
        a.values[pair[0]] if digest == a.general.get("images.digest") else None,
        b.values[pair[1]] if b.general.get("images.digest") in (digest, everything and everything.digest) else None,
        tuple(effects),
        None if everything is None else everything.value,
        tuple(notes),
    )


# What may need another reference: where it cannot be switched alone, it is switched with that.
_WITH_REFERENCE = ("extractor", "weights", "precision", "resize rule")


def _effect(base: Setup, other: Setup, pool: Pooled, given: Material) -> tuple[Effect, bool]:
    """Return what one choice moves, and whether the real side had to be switched with it."""
    if not pool.group:
        return Effect(pool, None, pool.members[0].choice.why), False
    own_real = given.real is not None
    try:
        setup = switched(base, other, pool.group, pool.members, own_real=own_real)
        return Effect(pool, compute(setup, given).value), False
    except GanbenchError as e:
        why = str(e)
    if pool.group in _WITH_REFERENCE and not own_real and other.real != base.real:
        try:
            setup = switched(base, other, pool.group, pool.members, own_real=own_real)
            value = compute(replace(setup, real=other.real), given).value
            return Effect(pool, value, "with the reference of the other side, as alone it cannot be"), True
        except GanbenchError as e:
            why = str(e)
    return Effect(pool, None, why), False


def _all_of(together: Setup, effects: Sequence[Effect], given: Material) -> Computed | None:
    """Return the number with everything switched that could be; None where that is one choice, or does not go."""
    if sum(effect.value is not None for effect in effects) < 2:
        return None
    try:
        return compute(together, given)
    except GanbenchError:
        return None
