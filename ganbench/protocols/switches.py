"""From what a card says to a setup that computes its number, and from one choice to the other side's."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from ganbench.errors import GanbenchError
from ganbench.protocols.difference import UNSAID, Difference, shown
from ganbench.protocols.facts import Facts, Side, canonical
from ganbench.protocols.setup import RealSide, Setup, rule_of
from ganbench.scoring.plan import SAMPLE_CAP


def setup_of(side: Side, result_id: str) -> Setup:
    """Return what the number of a result was made by.

    Raises:
        GanbenchError: the card says something that is none of our choices.
    """
    general, facts = side.general, side.results[result_id]
    name = result_id.partition("[")[2].removesuffix("]")
    instrument = side.instruments[name]
    kind = instrument["kind"]
    extractor = str(instrument.get("extractor.asked") or instrument.get("extractor.name", ""))
    if kind == "extractor" and not extractor:
        raise GanbenchError(f"{side.label} does not say which extractor {result_id} is from: score the images again")
    seed = _whole(general.get("images.sample.seed", facts.get("result.seed")), 0)
    formula = {key.removeprefix("formula."): value for key, value in facts.items() if key.startswith("formula.")}
    return Setup(
        metric=canonical(result_id),
        formula=formula,
        extractor=extractor,
        weights=str(instrument.get("extractor.weights_sha256", "")),
        precision=str(instrument.get("extractor.precision", "fp32")),
        detector=str(instrument.get("detector.name", name)) if kind == "detector" else "",
        settings=_settings(instrument),
        count=general.get("images.count"),
        skipped=len(skipped) if isinstance(skipped := general.get("images.skipped"), list) else 0,
        resize=rule_of(general.get("images.resize")),
        decoding=str(general.get("images.decoding.rules", "")),
        value_range=_range(general.get("images.value_range")),
        seed=seed,
        real=_real(instrument),
    )


def laid_over(a: Side, b: Side, result_a: str, result_b: str) -> Side:
    """Return the first side with what the second one says in its place, for one result.

    Of an instrument of another name nothing of the first one's is left, but its real images.
    """
    name_a, name_b = (one.partition("[")[2].removesuffix("]") for one in (result_a, result_b))
    mine, theirs = a.instruments[name_a], b.instruments[name_b]
    if b.whole:
        kept: Facts = {}
    elif mine.get("extractor.name") != theirs.get("extractor.name") or name_a != name_b:
        kept = {key: value for key, value in mine.items() if key.startswith("reference.")}
    else:
        kept = mine
    results = {result_b: {**({} if b.whole else a.results[result_a]), **b.results[result_b]}}
    general = {**({} if b.whole else a.general), **b.general}
    return Side(b.label, general, {name_b: {**kept, **theirs}}, results, {result_b: None})


def _settings(instrument: Facts) -> dict[str, Any]:
    """Return the settings of a detector; a text that is left empty is none."""
    start = "detector.settings."
    return {k.removeprefix(start): v for k, v in instrument.items() if k.startswith(start) and v != ""}


def _range(value: Any) -> tuple[float, float] | None:
    numbers = isinstance(value, list) and len(value) == 2 and all(isinstance(one, int | float) for one in value)
    return (float(value[0]), float(value[1])) if numbers else None


def _real(instrument: Facts) -> RealSide:
    return RealSide(
        name=str(instrument.get("reference.name") or ""),
        digest=str(instrument.get("reference.data.digest") or ""),
        count=instrument.get("reference.data.count"),
        resize=rule_of(instrument.get("reference.image_resize")),
        sample=(
            _whole(instrument.get("reference.sample.size"), SAMPLE_CAP),
            _whole(instrument.get("reference.sample.seed"), 0),
        ),
    )


def _whole(value: Any, default: int) -> int:
    """Return a whole number that a card states.

    Raises:
        GanbenchError: it is none.
    """
    if value is None:
        return default
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**63:
        raise GanbenchError(f"{shown(value)[:40]} is no whole number from 0 on")
    return value


def group_of(difference: Difference, everything: Iterable[Difference], *, own_real: bool) -> str:
    """Return what a difference is switched with; "" where nothing switches it.

    All of another extractor or detector is one choice; and so is all of another reference, unless there are real images
    to build one from.
    """
    group = difference.choice.group
    renamed = {one.name for one in everything if one.of == difference.of}
    names = [(str(one.a), str(one.b)) for one in everything if one.of == difference.of and one.name == "extractor.name"]
    if group == "weights" and any(_network(a) != _network(b) for a, b in names):
        return "extractor"  # of one network in two forms the weights are a choice of their own
    if difference.name.startswith(_BY_EXTRACTOR) and names:
        return "extractor"
    if group in _OF_THE_REAL and not own_real:
        return "reference"
    return "detector" if group.startswith("detector") and "detector.name" in renamed else group


def switched(a: Setup, b: Setup, group: str, members: Iterable[Difference], *, own_real: bool) -> Setup:
    """Return the first side's setup with one choice as the second one has it.

    Args:
        a: the first side's.
        b: the second side's.
        group: what is switched.
        members: the differences that belong to it.
        own_real: whether the user gave real images, from which any real side can be built.

    Raises:
        GanbenchError: nothing here can switch it; the reason.
    """
    told = {one.name: one.b for one in members}
    if UNSAID in (one.b if isinstance(one.b, str) else "" for one in members):
        raise GanbenchError("the other side does not say which it has")
    if group.startswith("detector: "):
        names = [name.removeprefix("detector.settings.") for name in told]
        return replace(a, settings={**a.settings, **{name: b.settings[name] for name in names if name in b.settings}})
    if group.startswith("formula: "):
        names = [name.removeprefix("formula.") for name in told]
        return replace(a, formula={**a.formula, **{name: b.formula.get(name, "") for name in names}})
    return _SWITCHES[group](a, b, own_real)


def _extractor(a: Setup, b: Setup, own_real: bool) -> Setup:
    if a.extractor == b.extractor:
        raise GanbenchError("it is the same extractor in another version: install the ganbench that has it")
    same = _network(a.extractor) == _network(b.extractor)
    return replace(a, extractor=b.extractor, weights=a.weights if same else b.weights)


def _network(name: str) -> str:
    """Return the name of an extractor without its form: ``inception`` of ``inception:clean``."""
    return name.partition(":")[0]


def _detector(a: Setup, b: Setup, own_real: bool) -> Setup:
    if a.detector == b.detector:
        raise GanbenchError("it is the same detector in another version, or with other weights: install the other one")
    return replace(a, detector=b.detector, settings=b.settings)


def _resize(a: Setup, b: Setup, own_real: bool) -> Setup:
    if a.resize == b.resize:
        raise GanbenchError("the images are of another size as they are stored: they would be other images")
    if not own_real or (a.real.resize and b.resize and _size(a.real.resize) == _size(b.resize)):
        return replace(a, resize=b.resize)  # of the same size, the real side stays as it is
    return replace(a, resize=b.resize, real=replace(a.real, resize=b.resize))


def _size(rule: str) -> str:
    return rule.rpartition("-")[2]


def _reference(a: Setup, b: Setup, own_real: bool) -> Setup:
    if own_real:
        raise GanbenchError("the real side is what --real gives, on both sides")
    return replace(a, real=b.real)


def _runtime(a: Setup, b: Setup, own_real: bool) -> Setup:
    raise GanbenchError("the same arithmetic on another device: --device says where it runs; it moves the last digits")


Switch = Callable[[Setup, Setup, bool], Setup]
_BY_EXTRACTOR = ("reference.index.", "reference.held_out.")  # which no two extractors have the same
_OF_THE_REAL = ("number of real images", "resize rule of the real images", "real sample")
_SWITCHES: dict[str, Switch] = {
    "extractor": _extractor,
    "weights": lambda a, b, _: replace(a, weights=b.weights),
    "precision": lambda a, b, _: replace(a, precision=b.precision),
    "runtime": _runtime,
    "number of images": lambda a, b, _: replace(a, count=b.count, skipped=b.skipped),
    "resize rule": _resize,
    "decoding": lambda a, b, _: replace(a, decoding=b.decoding),
    "value range": lambda a, b, _: replace(a, value_range=b.value_range),
    "seed": lambda a, b, _: replace(a, seed=b.seed),
    "number of real images": lambda a, b, _: replace(a, real=replace(a.real, count=b.real.count)),
    "resize rule of the real images": lambda a, b, _: replace(a, real=replace(a.real, resize=b.real.resize)),
    "real sample": lambda a, b, _: replace(a, real=replace(a.real, sample=b.real.sample)),
    "reference": _reference,
    "detector": _detector,
}
