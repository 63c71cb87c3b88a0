"""The course of losses: they swing, explode, or nothing moves any more."""

from __future__ import annotations

import numpy as np

from ganbench.doctor.finding import BOTH, DISCRIMINATOR, GENERATOR, Finding, beyond
from ganbench.doctor.records import Records, Series
from ganbench.doctor.rules_layers import relative_steps
from ganbench.doctor.windows import WARM_UP, after, held_for, lines_for

SWINGS = 6  # times that one network is far ahead and then the other
_AHEAD, _BEHIND = 0.9, 0.1
EXPLODED = 1e4  # a loss over what it was at first
WILD = 100.0  # a mean score before the Sigmoid; healthy: up to 12
SHORT_STEP = 2e-5  # a step as a share of the weights; healthy: 2e-4 and more
_LINES, _STEPS = 10, 100


def oscillation(records: Records) -> list[Finding]:
    """The lead changes again and again: the networks go round each other instead of forward."""
    told = records.get("told_apart")
    if not len(told):
        steps, real, fake = records.together("real_score", "fake_score")
        told = Series(steps, np.where(real > fake, 1.0, 0.0))
    told = after(told, WARM_UP)
    states = np.where(told.values >= _AHEAD, 1, np.where(told.values <= _BEHIND, -1, 0))
    clear = np.nonzero(states)[0]
    turns = clear[1:][np.diff(states[clear]) != 0]
    if len(turns) < 2 * SWINGS:
        return []
    since, at = int(told.steps[turns[0]]), int(told.steps[turns[2 * SWINGS - 1]])
    return [
        Finding(
            "oscillation", BOTH, at, since, beyond(len(turns) / 2, SWINGS),
            f"the discriminator told nearly all pairs apart, then put nearly all in the wrong order, and back: "
            f"{len(turns) // 2} times since step {since}",
            "A smaller learning rate, less momentum (the first of optimizer.betas at 0 or 0.5), a gradient penalty or "
            "an averaged generator (training.average) calm it",
            evidence={"swings": len(turns) / 2},
        )
    ]  # fmt: skip


def exploding_losses(records: Records) -> list[Finding]:
    """A loss has grown by a factor that no healthy run knows."""
    for name in ("discriminator_loss", "generator_loss"):
        series = records.get(name)
        values = np.abs(series.values)
        if len(series) < 3 * _LINES or not np.isfinite(values).all():
            continue
        first = max(float(np.median(values[:_LINES])), 1.0)
        run = held_for(values > EXPLODED * first, _LINES)
        if run is not None:
            since, at = int(series.steps[run[0]]), int(series.steps[run[1]])
            factor = float(np.median(values[run[0] :])) / first
            return [
                Finding(
                    "exploding", name.partition("_")[0], at, since, beyond(factor, EXPLODED),
                    f"{name.replace('_', ' ')} is {factor:.1e} times what it was at first (from step {since})",
                    "A smaller optimizer.lr, training.clip_grad_norm=1, or a gradient penalty keeps it in bounds",
                    evidence={"factor": factor},
                )
            ]  # fmt: skip
    return []


def wild_scores(records: Records) -> list[Finding]:
    """Scores that a Sigmoid reads, and that are far beyond what it tells apart: steps were far too long."""
    if records.facts.probability is not True:
        return []
    steps, real, fake = records.together("real_score", "fake_score")
    size = np.maximum(np.abs(real), np.abs(fake))
    run = held_for(size > WILD, 2)
    if run is None:
        return []
    since, at = int(steps[run[0]]), int(steps[run[1]])
    value = float(size[run[0] : run[1] + 1].max())
    return [
        Finding(
            "learning rate too high", DISCRIMINATOR, at, since, beyond(value, WILD),
            f"the discriminator's mean scores reach {value:.0f} (step {since}), of which a Sigmoid tells apart those "
            "up to about 10: its steps were far too long",
            "Divide the learning rate (optimizer.lr) by 10, and begin again: what such steps did is hardly undone",
            evidence={"score": value},
        )
    ]  # fmt: skip


def no_normalisation(records: Records) -> list[Finding]:
    """Nothing keeps the discriminator in bounds: neither normalisation nor a penalty."""
    loss = after(records.get("discriminator_loss"), WARM_UP)
    if records.facts.norm != "none" or records.facts.penalised is not False or not len(loss):
        return []
    return [
        Finding(
            "no normalisation", DISCRIMINATOR, int(loss.steps[0]), 0, 1.0,
            "the recipe normalises nothing in the discriminator, and its loss has no gradient penalty",
            "model.norm=batch, as Radford et al. 2016 found that a DCGAN needs; with a gradient penalty none is fine",
            grave=False,
        )
    ]  # fmt: skip


def stalled(records: Records) -> list[Finding]:
    """Weights hardly move, so nothing is learnt any more."""
    found = []
    for network in (DISCRIMINATOR, GENERATOR):
        if network not in records.layers:
            continue
        series = after(Series(*relative_steps(records.layers[network])), WARM_UP)
        run = held_for((series.values <= SHORT_STEP) & (series.values > 1e-7), lines_for(series, _LINES, _STEPS))
        if run is None:
            continue
        since, at = int(series.steps[run[0]]), int(series.steps[run[1]])
        value = float(np.median(series.values[run[0] : run[1] + 1]))
        found.append(
            Finding(
                "stalled", network, at, since, beyond(SHORT_STEP, max(value, 1e-12)),
                f"a step changes the {network}'s weights by {value:.1e} of their length (from step {since}); healthy "
                "runs by a thousandth",
                "A larger learning rate; if gradients are next to nothing too, see what stops them",
                evidence={"ratio": value},
            )
        )  # fmt: skip
    return found
