"""Scores taken during a training: they no longer improve, or were better before."""

from __future__ import annotations

import numpy as np

from ganbench.doctor.finding import GENERATOR, Finding, beyond
from ganbench.doctor.records import Records, Scores
from ganbench.doctor.stopping import PATIENCE, Improvement, improvement
from ganbench.metrics.registry import heading, metric_of

_PASSED = 3  # looks in a row that are worse than the best
_BY = 1.25  # times as bad, where a log has no intervals


def scores(records: Records) -> list[Finding]:
    """Tell by the result that heads a board, or else the first that has a direction: best passed, or stalled."""
    directed = {name: metric.better for name in records.scores if (metric := metric_of(name))}
    directed = {name: better for name, better in directed.items() if better != "none"}
    if not directed:
        return []
    name = heading(directed) or next(iter(directed))
    looks, better = records.scores[name], directed[name]
    judged = improvement(looks, better)
    return _with_intervals(name, judged, better) if len(judged.steps) else _without(name, looks, better)


def _with_intervals(name: str, looks: Improvement, better: str) -> list[Finding]:
    if looks.best < 0:
        return []
    sign = 1 if better == "lower" else -1
    lower, upper = (looks.low, looks.high) if sign > 0 else (-looks.high, -looks.low)
    best = int(np.argmin(sign * looks.value))
    worse = lower > upper[best]
    at = best + _PASSED
    if at < len(worse) and worse[best + 1 :].sum() >= _PASSED and worse[-_PASSED:].all():
        first = best + 1 + int(np.argmax(np.cumsum(worse[best + 1 :]) >= _PASSED))
        return [_passed(name, looks.steps, looks.value, best, first)]
    if looks.since < PATIENCE:
        return []
    told = int(looks.steps[looks.best + PATIENCE])
    return [
        Finding(
            "stalled", GENERATOR, told, int(looks.steps[looks.best]), beyond(looks.since, PATIENCE),
            f"{name} has not improved beyond its interval since step {looks.steps[looks.best]}, at {looks.since} looks",
            "Stop here (--stop-when board does), or change something: more images, a wider network, another recipe",
            grave=False, evidence={"looks": float(looks.since)},
        )
    ]  # fmt: skip


def _without(name: str, looks: Scores, better: str) -> list[Finding]:
    """Judge scores of a log that has no intervals: by a factor."""
    whole = np.isfinite(looks.value)
    steps, value = looks.steps[whole], looks.value[whole]
    if len(value) <= _PASSED or (value <= 0).any():
        return []
    best = int(np.argmin(value) if better == "lower" else np.argmax(value))
    factor = value / value[best] if better == "lower" else value[best] / value
    worse = factor >= _BY
    if best + _PASSED >= len(value) or not worse[-_PASSED:].all():
        return []
    first = best + 1 + int(np.argmax(np.cumsum(worse[best + 1 :]) >= _PASSED))
    return [_passed(name, steps, value, best, first)]


def _passed(name: str, steps: np.ndarray, value: np.ndarray, best: int, told: int) -> Finding:
    return Finding(
        "best checkpoint passed", GENERATOR, int(steps[told]), int(steps[best]),
        beyond(max(value[-1], value[best]), max(min(value[-1], value[best]), 1e-9)),
        f"{name} was best at step {steps[best]} ({value[best]:.4g}), and is {value[-1]:.4g} at step {steps[-1]}",
        f"Take the checkpoint of step {steps[best]}; from there on a smaller learning rate, an average or augmentation",
        grave=False, evidence={"best": float(value[best]), "now": float(value[-1])},
    )  # fmt: skip
