"""Layers: exploding, vanishing, dead and saturated ones, and steps that are too long or do not happen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ganbench.diagnostics.findings import DEAD, WINDOW, Trouble, troubles
from ganbench.doctor.finding import DISCRIMINATOR, GENERATOR, Finding, beyond
from ganbench.doctor.records import PROBED, Records
from ganbench.doctor.windows import WARM_UP, held_for, rolling

if TYPE_CHECKING:
    import pandas as pd

_NETWORKS = (DISCRIMINATOR, GENERATOR)
# Clipping saturates the last layer of many a good critic, and starves it of gradient: no emergency by itself.
_GRAVE = ("exploding", "dead layer")
_LINES = 10  # logged steps in a row that must show the same
_FEW = 5
_STRETCH = 20  # logged lines over which a vanishing gradient is judged
LONG_STEP = 0.08  # a step's length as a share of the weights', median over layers; healthy: three in a row 0.022
LONG_STEPS = 0.03  # the same as the median of ten logged steps behind the start; healthy: up to 0.019
NO_STEP = 1e-7  # as a share: of single precision not one bit is left of it
SILENT = 0.5  # share of a layer's units without any gradient; healthy: 0
_SETTLED = 20  # steps after which RMSprop's first long ones are over
_EXPLODED = 5  # logged steps that an exploded gradient must stay so: a Wasserstein critic's jumps now and then


def layer_signs(records: Records) -> list[Finding]:
    """The rules of the gradient probe, see ``ganbench gradnorm``: exploding, vanishing, dead, saturated layers."""
    found = []
    for network, frame in records.layers.items():
        if not len(frame):
            continue
        later = frame[frame["step"] > WARM_UP]
        every, steps = np.unique(frame["step"]), np.unique(later["step"])
        if len(steps) < _LINES:
            continue
        saturated = WINDOW if network == PROBED else _LINES  # the probe records every step
        signs = [*_lasting(frame, saturated), *_vanishing(later, steps)]
        share = sum(trouble.kind == "saturated clipping" for trouble, _ in signs) / later["layer"].nunique()
        for trouble, lines in signs:
            text, _, remedy = trouble.text.partition(". ")
            told = every[min(int(np.searchsorted(every, trouble.step)) + lines - 1, len(every) - 1)]
            found.append(
                Finding(
                    trouble.kind, f"{network}, {trouble.layer}", int(told), trouble.step, 2.0, text, remedy,
                    grave=trouble.kind in _GRAVE or (trouble.kind == "saturated clipping" and share >= 0.5),
                )
            )  # fmt: skip
    return found


def _lasting(frame: pd.DataFrame, saturated: int) -> list[tuple[Trouble, int]]:
    """Return what the probe's rules find, but for what is over at once, and over how many lines it is seen."""
    lines = {"exploding": _EXPLODED, "dead layer": DEAD, "saturated clipping": saturated}
    if frame["silent"].notna().any():  # where units were looked at, ``dead_units`` tells it sooner
        del lines["dead layer"]
    found = [trouble for trouble in troubles(frame, saturated) if trouble.kind in lines]
    return [
        (trouble, lines[trouble.kind])
        for trouble in found
        if trouble.kind != "exploding" or _stays(frame, trouble.layer, trouble.step)
    ]


def _vanishing(frame: pd.DataFrame, steps: np.ndarray) -> list[tuple[Trouble, int]]:
    """Return the first stretch of lines over which the probe's rule of vanishing gradients holds.

    The rule itself looks at the end of what it is given, so what it says would change with every line.
    """
    for start in range(0, len(steps) - _STRETCH + 1, _STRETCH):
        stretch = steps[start : start + _STRETCH]
        found = troubles(frame[(frame["step"] >= stretch[0]) & (frame["step"] <= stretch[-1])])
        if vanishing := [trouble for trouble in found if trouble.kind == "vanishing"]:
            return [(vanishing[0], _STRETCH)]
    return []


def _stays(frame: pd.DataFrame, layer: str, step: int) -> bool:
    """Tell whether a gradient that grew stays that large: the median of the steps after is."""
    rows = frame[frame["name"] == layer].sort_values("step")
    norms, steps = rows["norm"].to_numpy(), rows["step"].to_numpy()
    at = int(np.searchsorted(steps, step))
    before, behind = norms[max(0, at - WINDOW) : at], norms[at : at + _EXPLODED]
    return len(behind) == _EXPLODED and bool(np.median(behind) > 100 * np.median(before))


def dead_units(records: Records) -> list[Finding]:
    """Units that an activation cuts off: in one layer, half of them get no gradient at all, and stay so."""
    found = []
    for network, frame in records.layers.items():
        for name, rows in frame.groupby("name", sort=False):
            silent = rows["silent"].to_numpy() >= SILENT
            run = held_for(silent, _LINES)
            if run is None:
                continue
            since, at = (int(rows["step"].iloc[i]) for i in run)
            share = float(rows["silent"].iloc[run[1]])
            kind = "dead layer" if share == 1 else "dead units"
            found.append(
                Finding(
                    kind, f"{network}, {name}", at, since, beyond(share, SILENT),
                    f"{share:.0%} of the units of the {network}'s {name} got no gradient at {_LINES} logged steps in a "
                    f"row (from step {since}): their activation is cut off for every image",
                    "A leaky activation, normalisation before it, or a smaller optimizer.lr keeps units alive; those "
                    "that are dead stay so, and only a new start brings them back",
                    evidence={"share": share},
                )
            )  # fmt: skip
    return found[:2]


def relative_steps(frame: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Return the steps at which a network was measured, and the median over layers of update over weight norm."""
    if not len(frame):
        return np.zeros(0, np.int64), np.zeros(0)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = (frame["update"] / frame["weight_norm"]).replace([np.inf], np.nan)
    median = ratio.groupby(frame["step"]).median()
    return median.index.to_numpy(), median.to_numpy()


def long_steps(records: Records) -> list[Finding]:
    """Learning rate too high: a single step changes the weights by a large share of themselves."""
    found = []
    for network in _NETWORKS:
        steps, ratio = relative_steps(records.layers.get(network, _none()))
        late = steps > _SETTLED
        steps, ratio = steps[late], ratio[late]
        run = _long(steps, ratio)
        if run is None:
            continue
        typical = float(np.median(ratio[run[0] : run[1] + 1]))
        since, at = int(steps[run[0]]), int(steps[run[1]])
        found.append(
            Finding(
                "learning rate too high", network, at, since, max(1.0, beyond(typical, LONG_STEP)),
                f"one step changes the {network}'s weights by {typical:.0%} of their length (steps {since} to {at}); "
                "healthy runs stay below 3 %",
                f"Divide the {network}'s learning rate (optimizer.lr) by about {max(3, typical / 0.01):.0f}",
                evidence={"ratio": typical},
            )
        )  # fmt: skip
    return found


def _long(steps: np.ndarray, ratio: np.ndarray) -> tuple[int, int] | None:
    """Return where steps are far too long for three lines or, later, too long for ten: weights grow with them."""
    run = held_for(ratio >= LONG_STEP, 3)
    if run is not None:
        return run
    first = int(np.searchsorted(steps, WARM_UP, side="right"))
    above = np.nonzero(rolling(ratio[first:], _LINES) >= LONG_STEPS)[0]
    return (first + int(above[0]), first + int(above[0]) + _LINES - 1) if len(above) else None


def no_steps(records: Records) -> list[Finding]:
    """A network that does not change: its optimizer does nothing, or is not there."""
    found = []
    others = {network: len(relative_steps(records.layers.get(network, _none()))[0]) for network in _NETWORKS}
    for network in _NETWORKS:
        steps, ratio = relative_steps(records.layers.get(network, _none()))
        other = _NETWORKS[1 - _NETWORKS.index(network)]
        run = held_for(ratio <= NO_STEP, _FEW)
        if run is not None:
            since, at, times = int(steps[run[0]]), int(steps[run[1]]), f"at {_FEW} logged steps in a row"
        elif not len(steps) and others[other] >= 2 * _LINES:
            behind = records.layers[other]["step"].unique()
            since, at, times = int(behind[0]), int(behind[2 * _LINES - 1]), f"while the {other} trained"
        else:
            continue
        found.append(
            Finding(
                f"{network} frozen", network, at, since, 1000.0,
                f"the {network}'s weights did not change {times} (from step {since})",
                "Look whether its parameters are those that its optimizer has, whether they take gradients, and "
                "whether its learning rate is above 0",
            )
        )  # fmt: skip
    return found


def _none() -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame({"step": [], "update": [], "weight_norm": []})
