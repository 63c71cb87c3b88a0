"""What recorded gradient norms say: the shape over depth, and signs of trouble. Every verdict is a stated rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ganbench.system.frames import parts_of
from ganbench.system.text import markdown

if TYPE_CHECKING:
    import pandas as pd

LEVEL = 0.2  # a slope below this per layer (a factor of 1.22) counts as level ...
UNEVEN = 1.5  # ... unless weakest and strongest layer are further apart than this (a factor of 4.5)
WINDOW = 50  # recorded steps that a sign of trouble is judged over
EXPLODING = 100.0  # the latest norm against the median of the window before
VANISHING = 1e-3  # the weakest layer's median norm against the strongest layer's
SATURATED = 0.5  # share of a layer's weights at the clipping bound
TOO_SMALL = "too small to tell"  # in place of a verdict; ``too_small`` has the rule
DEAD = 20  # steps in a row with a gradient of exactly zero, or none


@dataclass(frozen=True)
class Profile:
    """A curve over depth: median, 10 % and 90 % quantile of ln norm per layer, from layer 1 (input) on.

    Attributes:
        names: layer names.
        median: float (layers,); NaN for a layer that never had a finite gradient other than zero.
        low: float (layers,).
        high: float (layers,).
    """

    names: list[str]
    median: np.ndarray
    low: np.ndarray
    high: np.ndarray

    @property
    def slope(self) -> float:
        """Least-squares slope of the medians, ln units per layer, positive when norms grow towards the input."""
        (depth,) = np.nonzero(np.isfinite(self.median))
        return -float(np.polyfit(depth, self.median[depth], 1)[0]) if len(depth) > 1 else 0.0

    @property
    def span(self) -> float:
        """Largest minus smallest median, ln units."""
        finite = self.median[np.isfinite(self.median)]
        return float(np.ptp(finite)) if len(finite) else 0.0

    @property
    def verdict(self) -> str:
        """``level``, ``uneven``, or which way the norms grow."""
        if not np.isfinite(self.median).any():
            return "no gradient"
        if abs(self.slope) < LEVEL:
            return "level" if self.span < UNEVEN else "uneven"
        return "grows towards the input" if self.slope > 0 else "grows towards the output"

    @property
    def against(self) -> list[tuple[int, int]]:
        """Neighbouring layers, the deeper first, between which the medians go against the slope."""
        (depth,) = np.nonzero(np.isfinite(self.median))
        steps = np.diff(self.median[depth])  # from each layer to the next deeper one
        return [(int(depth[i + 1]) + 1, int(depth[i]) + 1) for i in np.nonzero(steps * self.slope > 0)[0][::-1]]


def profile(frame: pd.DataFrame) -> Profile:
    """Summarise one curve's records (columns ``layer``, ``name``, ``log_norm``) over its steps.

    Where a column ``seed`` tells repetitions apart, each line is the mean of theirs, so that the slope is the mean of
    their slopes.
    """
    names = frame.drop_duplicates("layer").set_index("layer")["name"].sort_index()
    low, median, high = quantiles(frame, "log_norm")
    return Profile(list(names), median, low, high)


def quantiles(frame: pd.DataFrame, column: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return 10 % quantile, median and 90 % quantile over the steps of one curve's column, per layer: (layers,) each.

    Of several seeds each is the mean of theirs; NaN for a layer without a finite value.
    """
    layers = sorted(frame["layer"].unique())
    finite = frame[np.isfinite(frame[column])]
    groups = finite.groupby(["layer", "seed"] if "seed" in frame else ["layer"])[column]
    low, median, high = (groups.quantile(q).groupby("layer").mean().reindex(layers).to_numpy() for q in (0.1, 0.5, 0.9))
    return low, median, high


@dataclass(frozen=True)
class Trouble:
    """A sign of trouble: which rule, where, when, and what usually helps."""

    kind: str
    layer: str
    step: int
    text: str


def troubles(frame: pd.DataFrame, saturated_for: int = WINDOW) -> list[Trouble]:
    """Apply every rule to one curve's records; returns what fires, the first step of each (rule, layer) only.

    Args:
        frame: records, one row per step and layer.
        saturated_for: recorded steps that weights must stay at their bound; fewer where not every step is recorded.
    """
    found = []
    for _, layer in frame.groupby("layer", sort=True):
        found += _of_layer(layer.sort_values("step"), saturated_for)
    return found + _vanishing(frame)


def _of_layer(layer: pd.DataFrame, saturated_for: int) -> list[Trouble]:
    name = layer["name"].iloc[0]
    steps, norms, bound = (layer[column].to_numpy() for column in ("step", "norm", "at_bound"))
    found = []
    before = layer["norm"].rolling(WINDOW, min_periods=1).median().shift().to_numpy(copy=True)
    before[:WINDOW] = np.nan
    broken, grown = np.isinf(norms), (before > 0) & (norms > EXPLODING * before)
    if (broken | grown).any():
        first = int(np.argmax(broken | grown))
        at = int(steps[first])
        grew = f"grew more than {EXPLODING:g}-fold over its median of {WINDOW} steps"
        text = (
            f"{name}: the gradient {'is not finite' if broken[first] else grew} (step {at}). "
            "training.clip_grad_norm=1 or a smaller optimizer.lr usually helps"
        )
        found.append(Trouble("exploding", name, at, text))
    dead = _first_run((norms == 0) | np.isnan(norms), DEAD)
    if dead is not None:
        text = (
            f"{name}: no gradient for {DEAD} steps in a row (from step {steps[dead]}). Its outputs may all be cut off "
            "by an activation, or nothing connects it to the loss; a smaller optimizer.lr or a leaky activation helps"
        )
        found.append(Trouble("dead layer", name, int(steps[dead]), text))
    saturated = _first_run(np.nan_to_num(bound) > SATURATED, saturated_for)
    if saturated is not None:
        text = (
            f"{name}: more than {SATURATED:.0%} of the weights stayed at the clipping bound for {saturated_for} steps "
            f"(from step {steps[saturated]}): the layer has become two numbers. "
            "A larger clip, or a gradient penalty, helps"
        )
        found.append(Trouble("saturated clipping", name, int(steps[saturated]), text))
    return found


def _vanishing(frame: pd.DataFrame) -> list[Trouble]:
    late = frame[frame["step"].isin(np.unique(frame["step"])[-WINDOW:])]
    medians = late[np.isfinite(late["norm"])].groupby("layer")["norm"].median()
    if medians.empty:
        return []
    weakest, strongest = medians.idxmin(), medians.max()
    if not (0 < medians[weakest] < VANISHING * strongest):
        return []
    name = late[late["layer"] == weakest]["name"].iloc[0]
    at = int(late["step"].min())
    text = (
        f"{name}: its gradient is {medians[weakest] / strongest:.1e} of the strongest layer's over the last {WINDOW} "
        f"recorded steps (from step {at}): it hardly learns. Normalisation layers, or a gradient penalty in place of "
        "clipping, usually help"
    )
    return [Trouble("vanishing", name, at, text)]


def _first_run(flags: np.ndarray, length: int) -> int | None:
    """Return where the first run of so many true values starts."""
    run = 0
    for i, flag in enumerate(flags):
        run = run + 1 if flag else 0
        if run == length:
            return i - length + 1
    return None


def to_dict(frame: pd.DataFrame, small: Mapping[str, str] | None = None) -> dict[str, dict[str, object]]:
    """Return the findings of all curves as plain data: per curve, slope, span and verdict, and those of each seed.

    A curve that is too small to tell has the reason as well, under ``why``.

    Args:
        frame: as for ``to_markdown``.
        small: as for ``to_markdown``.
    """
    findings: dict[str, dict[str, object]] = {}
    for name, curve in parts_of(frame, "curve"):
        why = (small or {}).get(name)
        seeds = {int(seed): _plain(profile(part), why) for seed, part in curve.groupby("seed")}
        findings[name] = _plain(profile(curve), why) | {"seeds": seeds} | ({"why": why} if why else {})
    return findings


def _plain(curve: Profile, why: str | None) -> dict[str, object]:
    medians = [float(value) if np.isfinite(value) else None for value in curve.median]  # JSON has no NaN
    verdict = TOO_SMALL if why else curve.verdict
    return {"slope": curve.slope, "span": curve.span, "verdict": verdict, "log_norm": medians}


def to_markdown(frame: pd.DataFrame, small: Mapping[str, str] | None = None) -> str:
    """Return the findings of all curves as Markdown: a table, an answer in words, and the signs of trouble.

    Args:
        frame: records with the columns ``curve`` and ``seed``.
        small: by curve, why it is too small to tell anything, where it is (see ``too_small``): said in place of a
            verdict.
    """
    lines = [
        "| curve | slope per layer, towards the input | span | verdict | ln norm, deepest layer to first |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name, curve in parts_of(frame, "curve"):
        whole = profile(curve)
        seeds = [profile(part) for _, part in curve.groupby("seed")]
        spans = [p.span for p in seeds]
        values = ", ".join("-" if np.isnan(value) else f"{value:.2f}" for value in whole.median[::-1])
        lines.append(
            f"| {markdown(name)} | {whole.slope:+.2f}{_spread([p.slope for p in seeds], '+.2f')} | "
            f"{float(np.mean(spans)):.2f}{_spread(spans, '.2f')} | "
            f"{TOO_SMALL if name in (small or {}) else whole.verdict} | {values} |"
        )
    lines += ["", markdown(" ".join(answers(frame, small))), ""]
    lines += [f"- {markdown(sign)}" for sign in signs(frame)]
    return "\n".join(lines).rstrip() + "\n"


def answers(frame: pd.DataFrame, small: Mapping[str, str] | None = None) -> list[str]:
    """Return what every curve shows, in a sentence; the arguments are those of ``to_markdown``."""
    sentences = []
    for name, curve in parts_of(frame, "curve"):
        why = (small or {}).get(name)
        span = float(np.mean([profile(part).span for _, part in curve.groupby("seed")]))
        sentences.append(f"{name} is {TOO_SMALL}: {why}." if why else _sentence(name, profile(curve), span))
    return sentences


def signs(frame: pd.DataFrame) -> list[str]:
    """Return the signs of trouble of every curve and seed, each in a sentence; the columns are those of its records."""
    return [
        f"{name}, seed {seed}, {trouble.kind}: {trouble.text}."
        for name, curve in parts_of(frame, "curve")
        for seed, part in curve.groupby("seed")
        for trouble in troubles(part)
    ]


def _spread(values: list[float], form: str) -> str:
    """Return the range over seeds in brackets, when there is more than one."""
    return f" ({min(values):{form}} … {max(values):{form}})" if len(values) > 1 else ""


def _sentence(name: str, curve: Profile, span: float) -> str:
    if curve.verdict == "no gradient":
        return f"Under {name} no layer had a finite gradient other than zero."
    if curve.verdict in ("level", "uneven"):
        shape = "stays level" if curve.verdict == "level" else "is uneven, without a trend,"
        return (
            f"Under {name} the gradient norm {shape} over depth: {curve.slope:+.2f} per layer in ln units, "
            f"{span:.2f} between the weakest and the strongest layer."
        )
    factor = float(np.exp(abs(curve.slope)))
    against = " and ".join(f"from layer {deep} to {shallow}" for deep, shallow in curve.against)
    return (
        f"Under {name} the gradient norm {curve.verdict}, by a factor of {factor:.2f} per layer "
        f"(ln slope {curve.slope:+.2f}), {span:.2f} between the weakest and the strongest layer"
        + (f"; not {against}." if against else ".")
    )
