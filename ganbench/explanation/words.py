"""What findings say, and the number that stands beside each."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ganbench.explanation.called import called
from ganbench.explanation.finding import Finding
from ganbench.explanation.groups import Group
from ganbench.explanation.kinds import REMEDIES
from ganbench.explanation.pursuit import Explained, usual_spread
from ganbench.looks.alterations import Alteration
from ganbench.looks.measures import NAMES
from ganbench.looks.real import RealLooks
from ganbench.metrics.intervals import Z95

_MEASURES = {
    "brightness": ("light", "dark end", "light end"), "contrast": ("spread", "dark end", "light end"),
    "saturation": ("chroma", "saturation"), "hue": tuple(name for name in NAMES if name.startswith(("hue", "middle"))),
    "sharpness": ("roughness", "power 8", "power 11"), "noise": ("grain", "colour grain", "single pixels"),
    "jpeg": ("blocks across", "blocks along", "blocks of colour", "empty colour"),
    "checkerboard": tuple(name for name in NAMES if name.startswith(("peak", "about"))),
    "banding": ("levels", "colours", "equal neighbours"),
    "borders": tuple(name for name in NAMES if name.startswith(("edge", "step"))),
    "symmetry": ("mirror", "mirror detail", "mirror exact"),
}  # fmt: skip
_NAMESAKE = {"brightness": "light", "contrast": "spread", "saturation": "chroma"}  # the mean that people take it for
_LAYOUT = tuple(name for name in NAMES if name.startswith(("cell", "detail")))
SHOWN = 12
NARROW = (
    "Images of one kind resemble each other more than real ones do: they are {value:.2f} times as far from the middle "
    "of their kind as real ones are",
    "distance from the middle of its kind, of that of real images",
)
_PLURAL = {
    "missing_kinds": "A kind of real images is missing or rare: {value:.1%} of the images are of it, and {real:.1%} of "
    "the real ones",
    "excess_kinds": "One kind of images is far too frequent: {value:.1%} of the images are of it, and {real:.1%} of "
    "the real ones",
    "low_variety": "Images resemble their nearest neighbours more than real ones do: at {value:.2f} of the typical "
    "distance, and real ones at {real:.2f}",
    "repeats": "{value:.1%} of the images show a picture that another one shows too; of as many real ones, {real:.1%}",
    "outliers": "{value:.1%} of the images are far off all others; of real ones, {real:.1%}",
}
_NUMBERS = {
    "missing_kinds": "share of the kind", "excess_kinds": "share of the kind",
    "low_variety": "distance to the nearest image, of the typical one", "repeats": "share of repeats",
    "outliers": "share of outliers",
}  # fmt: skip


def of_group(kind: str, group: Group, n: int, members: tuple[str, ...], told: tuple[str, str] | None = None) -> Finding:
    """Return the finding of a rule over a set; ``told`` is its sentence and its number where a kind has several."""
    sentence, number = told or (_PLURAL[kind], _NUMBERS[kind])
    text = sentence.format(value=group.value, real=group.real)
    return Finding(
        kind, group.effect, min(group.low, group.effect), max(group.high, group.effect),
        f"{text} ({_spreads(group.effect, n)}).", REMEDIES[kind], number, group.value, group.real, group.spread,
        tuple(int(row) for row in group.rows), members,
    )  # fmt: skip


def of_alteration(one: Explained, alteration: Alteration, real: RealLooks, looks: np.ndarray) -> Finding:
    """Return the finding of an alteration, with the measure of its kind that has moved most."""
    names = _MEASURES.get(alteration.kind, _LAYOUT)
    columns = np.array([NAMES.index(name) for name in names])
    noise = np.sqrt(np.diagonal(real.cov)[columns])
    noise = noise * usual_spread(alteration.kind, float(np.sqrt(1 / len(looks) + 1 / real.n)))
    moved = (looks[:, columns].mean(axis=0) - real.mean[columns]) / noise
    trace = real.traces[one.number, columns]
    best = int(np.argmax(np.where(moved * trace > 0, np.abs(moved), 0)))
    column = int(columns[best])
    value, usual, spread = _in_units(real, column, float(looks[:, column].mean()), float(noise[best]))
    part = "" if one.share > 0.6 else f", at {one.share:.0%} of that (all of them a little, or some of them fully)"
    text = (
        f"The images look like real ones that are {alteration.what}{part} ({_spreads(one.effect, len(looks))}): "
        f"{called(NAMES[column])} {value:.3g}, of real ones {usual:.3g}."
    )
    if alteration.kind in _NAMESAKE:
        mean = names.index(_NAMESAKE[alteration.kind])
        if moved[mean] * np.sign(trace[mean]) < Z95:  # the light parts may be lighter, and the images not
            whole = float(looks[:, columns[mean]].mean())
            is_now, was, _ = _in_units(real, int(columns[mean]), whole, 0.0)
            text += f" Parts of them are, not the whole: {called(names[mean])} {is_now:.3g}, of real ones {was:.3g}."
    order = np.argsort(-one.scores, kind="stable")[:SHOWN]
    return Finding(
        alteration.kind, one.effect, one.effect - Z95 * one.error, one.effect + Z95 * one.error, text,
        REMEDIES[alteration.kind], NAMES[column], value, usual, spread, tuple(int(row) for row in order),
    )  # fmt: skip


def of_spectrum(column: int, effect: float, real: RealLooks, looks: np.ndarray) -> Finding:
    """Return the finding that some frequencies have another power than in real images, and no alteration says why."""
    noise = usual_spread("spectrum", float(np.sqrt(1 / len(looks) + 1 / real.n)))
    noise *= float(np.sqrt(real.cov[column, column]))
    mean = float(looks[:, column].mean())
    value, usual, spread = _in_units(real, column, mean, noise)
    expected = _in_units(real, column, mean - effect * noise, noise)[0]
    error = float(looks[:, column].std(ddof=1) / np.sqrt(len(looks)) / noise)
    size = abs(effect)
    # Noise, say, has a part in every frequency: what is left of it may be too little, though there is more than usual.
    text = (
        f"There is {'more' if effect > 0 else 'less'} {called(NAMES[column])} than in real images with the faults "
        f"found here ({_spreads(size, len(looks))}): {value:.3g}, expected {expected:.3g}, of real ones {usual:.3g}."
    )
    order = np.argsort(-np.sign(effect) * looks[:, column], kind="stable")[:SHOWN]
    return Finding(
        "spectrum", size, size - Z95 * error, size + Z95 * error, text, REMEDIES["spectrum"], NAMES[column], value,
        usual, spread, tuple(int(row) for row in order),
    )  # fmt: skip


def beside(kinds: Mapping[str, float], strongest: str) -> str:
    """Return the sentence on what is too weak beside the strongest finding to be told as one.

    Args:
        kinds: of what may be such findings, with their effects.
        strongest: kind of the strongest finding.
    """
    listed = ", ".join(f"{kind} ({effect:.3g})" for kind, effect in sorted(kinds.items(), key=lambda one: -one[1]))
    return f" Weaker signs, which may come from it: {listed}. Mend the {strongest} first, and look again."


def _in_units(real: RealLooks, column: int, value: float, noise: float) -> tuple[float, float, float]:
    """Return a mean of a set, that of real images and the spread between real sets in the unit of the measure."""
    centre, scale = float(real.centre[column]), float(real.scale[column])

    def back(standard: float) -> float:
        return centre + 2 * scale * float(np.sinh(standard / 2))

    usual = back(float(real.mean[column]))
    return back(value), usual, abs(back(float(real.mean[column]) + noise) - usual)


def _spreads(effect: float, n: int) -> str:
    return f"{effect:.3g} times the spread between real sets of {n:,} images"
