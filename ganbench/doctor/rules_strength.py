"""A discriminator that is too strong: the generator cannot follow it.

That it tells all images apart is no sign of it: a good critic does, from the first hundred steps to the last. Neither
is a short spell of certainty: where it is sure of all, its own gradient is gone, and the generator, whose loss is not
the saturating one, catches up. What is looked at is whether its weights run away from the generator's, whether it
stays sure, and whether it takes nearly all steps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ganbench.doctor.finding import DISCRIMINATOR, GENERATOR, Finding, beyond
from ganbench.doctor.records import Records, Series
from ganbench.doctor.windows import WARM_UP, after, held_for, lines_for, rolling

if TYPE_CHECKING:
    import pandas as pd

_LINES = 10  # logged steps, and ...
_STEPS = 100  # ... steps, that a condition must hold
SURE = 1e-5  # median loss, where a Sigmoid reads the answer, of a discriminator that is sure; healthy: above 1.9e-5
FASTER = 4.0  # way of its weights, as a share of those at the start, over the generator's; healthy: 0.3 to 3.3
OUTGROWN = 1.4  # and growth of its weights over the generator's; healthy: up to 1.1, after 7,000 steps 1.16
RUNAWAY = 7.0  # so many times the way by itself: where weights are rescaled they need not grow; healthy: up to 3.3
TELLS = 0.75  # share of pairs in the right order, below which it is not strong whatever it does
MANY_STEPS = 15  # of the discriminator for one of the generator; the WGAN paper has 5


def too_strong(records: Records) -> list[Finding]:
    """The discriminator has left the generator behind."""
    return [*_too_sure(records), *_too_fast(records), *_too_often(records)]


def _finding(at: int, since: int, size: float, text: str, remedy: str, **evidence: float) -> Finding:
    return Finding("discriminator too strong", DISCRIMINATOR, at, since, size, text, remedy, evidence=evidence)


_HELP = (
    "A smaller learning rate or width of the discriminator, fewer of its steps for each of the generator's "
    "(training.n_critic), or a gradient penalty brings them together"
)


def _too_sure(records: Records) -> list[Finding]:
    """Where a Sigmoid reads the answer: a loss of next to nothing, that stays."""
    loss = after(records.get("discriminator_loss"), WARM_UP)
    if records.facts.probability is not True:
        return []
    length = lines_for(loss, 2 * _LINES, 2 * _STEPS)
    medians = rolling(loss.values, length)
    below = np.nonzero(medians <= SURE)[0]
    if not len(below):
        return []
    value = float(medians[below[0]])
    since, at = int(loss.steps[below[0]]), int(loss.steps[below[0] + length - 1])
    return [
        _finding(
            at, since, beyond(SURE, max(value, 1e-12)),
            f"the discriminator's loss is {value:.1e} between steps {since} and {at}: it is sure of every image, and "
            "the generator does not shake it",
            _HELP, loss=value,
        )
    ]  # fmt: skip


def _too_fast(records: Records) -> list[Finding]:
    """Its weights go so much farther than the generator's that these cannot follow."""
    ways = [_way(records.layers[name]) for name in (DISCRIMINATOR, GENERATOR) if name in records.layers]
    if len(ways) < 2:
        return []
    steps = np.intersect1d(ways[0].index, ways[1].index)
    steps = steps[steps > WARM_UP // 5]  # RMSprop's first steps are long
    d, g = (way.loc[steps] for way in ways)
    length = lines_for(Series(steps, d["way"].to_numpy()), _LINES, _STEPS)
    far, near = (rolling(way["way"].to_numpy(), length, np.sum) for way in (d, g))
    if not len(far):
        return []
    ratio = np.divide(far, near, out=np.zeros(len(far)), where=near > 0)  # one that is frozen has rules of its own
    grown = (d["grown"] / g["grown"]).to_numpy()[length - 1 :]
    fast = (ratio >= RUNAWAY) | ((ratio >= FASTER) & (grown >= OUTGROWN))
    told = records.get("told_apart")
    for first in np.nonzero(fast)[0]:
        since, at = int(steps[first]), int(steps[first + length - 1])
        inside = told.values[(told.steps >= since) & (told.steps <= at)]
        if len(inside) and np.median(inside) < TELLS:
            continue
        value = float(ratio[first])
        return [
            _finding(
                at, since, beyond(value, FASTER),
                f"the discriminator's weights went {value:.1f} times as far, relative to where they started, as the "
                f"generator's (steps {since} to {at}), and grew {grown[first]:.2f} times as much",
                _HELP, ratio=value, grown=float(grown[first]),
            )
        ]  # fmt: skip
    return []


def _way(frame: pd.DataFrame) -> pd.DataFrame:
    """Return, by step, medians over layers: ``way``, the length of the step, and ``grown``, that of the weights, both
    as shares of what the weights were at the first line.

    Of the weights as they are a fast discriminator's steps are small again, since its weights grow with them.
    """
    first = frame.groupby("name")["weight_norm"].transform("first")
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = frame.assign(way=frame["update"] / first, grown=frame["weight_norm"] / first)
    return shares.replace([np.inf, -np.inf], np.nan).groupby("step")[["way", "grown"]].median().dropna()


def _too_often(records: Records) -> list[Finding]:
    """It takes so many steps for each of the generator's, and tells all apart."""
    count = records.facts.n_critic
    told = records.get("told_apart")
    run = held_for(told.values >= 0.99, lines_for(told, _LINES, _STEPS))
    if count is None or count < MANY_STEPS or run is None:
        return []
    since, at = int(told.steps[run[0]]), int(told.steps[run[1]])
    return [
        _finding(
            at, since, beyond(count, MANY_STEPS),
            f"the discriminator takes {count} steps for each of the generator's, and tells every pair apart between "
            f"steps {since} and {at}: the generator hardly trains",
            "training.n_critic=5 is what the WGAN paper takes, 1 or 2 is usual with other losses",
            n_critic=float(count),
        )
    ]  # fmt: skip
