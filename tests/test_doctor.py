"""The doctor's rules on records that are made up: each fires on what it is for, and on nothing that is healthy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from ganbench.doctor.finding import Finding
from ganbench.doctor.records import Facts, Records, Scores, Series, Sheet
from ganbench.doctor.rules import examine
from ganbench.doctor.rules_samples import twins
from ganbench.doctor.stopping import ALPHA, improvement, widening

STEPS = np.arange(10, 1010, 10)
HEALTHY = {
    "discriminator_loss": 0.4, "generator_loss": 1.5, "real_score": 1.0, "fake_score": -1.0, "told_apart": 0.85,
    "gain": 0.3, "made_score": -1.0, "made_variety": 0.1, "real_variety": 0.2, "seen_score": 1.0, "seen_spread": 0.5,
    "held_out_score": 0.95, "seen_first": 0.5,
}  # fmt: skip
LAYER = {"norm": 1.0, "weight_norm": 10.0, "update": 0.03, "silent": 0.0, "at_bound": 0.0}


def series(value: object) -> Series:
    """Return a number that is the same at every step, or goes as it is given, with a little noise around it."""
    noise = 1 + 0.02 * np.random.default_rng(0).standard_normal(len(STEPS))
    return Series(STEPS, np.broadcast_to(np.asarray(value, float), STEPS.shape) * noise)


def layers(**changes: object) -> pd.DataFrame:
    """Return the layers of one network, of three; what is changed is so in the second."""
    rows = []
    for i, step in enumerate(STEPS):
        for layer in (1, 2, 3):
            row: dict[str, Any] = {"step": step, "layer": layer, "name": f"layer{layer}", **LAYER}
            if layer == 2:
                row |= {k: (v[i] if isinstance(v, np.ndarray) else v) for k, v in changes.items()}
            rows.append(row)
    frame = pd.DataFrame(rows)
    with np.errstate(divide="ignore"):
        frame["log_norm"] = np.log(frame["norm"])
    return frame


def records(changes: dict[str, object] | None = None, **other: Any) -> Records:
    """Return the records of a healthy run but for what is changed."""
    numbers = {name: series(value) for name, value in (HEALTHY | (changes or {})).items() if value is not None}
    other = {"layers": {"discriminator": layers(), "generator": layers()}} | other
    return Records("run", numbers, **other)


def kinds(found: list[Finding]) -> list[str]:
    """Return the kinds of findings."""
    return [finding.kind for finding in found]


def test_nothing_is_said_of_a_healthy_run() -> None:
    assert examine(records(facts=Facts(probability=True, batch=16, images=2000, n_critic=1))) == []
    assert examine(Records("empty", {})) == []


def test_start_up_is_not_judged() -> None:
    start = STEPS <= 100
    assert (
        examine(records({"told_apart": np.where(start, 0.02, 0.9), "made_variety": np.where(start, 0.001, 0.1)})) == []
    )


LATE = STEPS > 300
CASES: list[tuple[str, dict[str, object], dict[str, Any]]] = [
    ("not finite", {"generator_loss": np.where(LATE, np.nan, 1.0)}, {}),
    ("generator works backwards", {"gain": np.where(LATE, -0.2, 0.2)}, {}),
    ("discriminator works backwards", {"told_apart": np.where(LATE, 0.0, 0.8)}, {}),
    ("discriminator works backwards", {"seen_score": np.where(LATE, -2.0, 2.0), "real_score": None}, {}),
    ("label leak", {"real_score": 9.0, "fake_score": -9.0}, {}),
    ("discriminator too strong", {"discriminator_loss": np.where(LATE, 1e-6, 0.1)}, {"facts": Facts(probability=True)}),
    ("discriminator too strong", {"told_apart": 1.0}, {"facts": Facts(n_critic=40)}),
    ("discriminator too weak", {"told_apart": 0.5, "made_variety": 0.02}, {}),
    ("discriminator overfits", {"held_out_score": np.where(LATE, -0.9, 1.0), "seen_first": np.where(LATE, 1, 0.5)}, {}),
    ("too few images", {}, {"facts": Facts(batch=16, images=40)}),
    ("collapse", {"made_variety": np.where(LATE, 0.001, 0.1)}, {}),
    (
        "learning rate too high",
        {"fake_score": np.where(LATE, -500, -1.0), "made_score": None},
        {"facts": Facts(probability=True)},
    ),
    ("no normalisation", {}, {"facts": Facts(norm="none", penalised=False)}),
    ("oscillation", {"told_apart": np.where(STEPS // 30 % 2, 1.0, 0.0)}, {}),
    ("exploding", {"discriminator_loss": np.where(LATE, -1e7, -1.0)}, {}),
]


@pytest.mark.parametrize(("kind", "changes", "other"), CASES, ids=[f"{i}-{case[0]}" for i, case in enumerate(CASES)])
def test_each_rule_fires_on_what_it_is_for(kind: str, changes: dict[str, object], other: dict[str, Any]) -> None:
    found = examine(records(changes, **other))
    assert kinds(found) == [kind]
    (finding,) = found
    assert finding.size >= 1
    assert finding.since <= finding.when <= 1000
    assert finding.text
    assert finding.remedy
    if np.isscalar(next(iter(changes.values()), 1.0)):
        return
    assert 100 < finding.when <= 520  # within a hundred or two of the steps since it went wrong
    assert str(finding.evidence).count("nan") == 0


def _of_layers(network: str, frame: pd.DataFrame) -> list[Finding]:
    both = {"discriminator": layers(), "generator": layers(), network: frame}
    return examine(records(layers=both))


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        ("dead layer", {"norm": np.where(LATE, 0.0, 1.0), "silent": np.where(LATE, 1.0, 0.0)}),
        ("dead units", {"silent": np.where(LATE, 0.7, 0.0)}),
        ("saturated clipping", {"at_bound": np.where(LATE, 0.9, 0.0)}),
        ("vanishing", {"norm": 1e-6}),
        ("exploding", {"norm": np.where(STEPS > 700, 500.0, 1.0)}),
    ],
)
def test_rules_of_layers_name_the_layer(kind: str, changes: dict[str, object]) -> None:
    found = _of_layers("generator", layers(**changes))
    assert kinds(found) == [kind]
    assert found[0].where == "generator, layer2"


def test_steps_that_are_too_long_too_short_or_none() -> None:
    frame = layers()
    assert kinds(_of_layers("generator", frame.assign(update=0.0))) == ["generator frozen"]
    assert kinds(_of_layers("generator", frame.iloc[:0])) == ["generator frozen"]
    assert kinds(_of_layers("discriminator", frame.assign(update=2.0))) == [
        "discriminator too strong", "learning rate too high",
    ]  # fmt: skip
    both = {"discriminator": frame.assign(update=5e-5), "generator": frame.assign(update=5e-5)}
    assert kinds(examine(records(layers=both))) == ["stalled", "stalled"]


def test_a_discriminator_that_wins_is_not_too_strong_by_itself() -> None:
    """It must run away from the generator: in its steps and in its weights, which hide by how much they step."""
    facts = Facts(probability=True, batch=16, images=2000, n_critic=2)
    wins = {"told_apart": 1.0, "discriminator_loss": 5e-5}
    slow, longer = layers(), layers().assign(update=0.03 * 5)
    grown = longer.assign(
        weight_norm=longer["weight_norm"] * np.where(longer["step"] > longer["step"].median(), 1.6, 1)
    )
    assert examine(records(wins, facts=facts)) == []
    assert examine(records(wins, facts=facts, layers={"discriminator": longer, "generator": slow})) == []
    assert examine(records(wins, facts=facts, layers={"discriminator": grown, "generator": grown})) == []
    found = examine(records(wins, facts=facts, layers={"discriminator": grown, "generator": slow}))
    assert kinds(found) == ["discriminator too strong"]
    assert found[0].evidence["ratio"] == pytest.approx(5)
    assert found[0].evidence["grown"] == pytest.approx(1.6)
    chance = {"told_apart": 0.7}  # it moves much, and knows little
    assert examine(records(chance, facts=facts, layers={"discriminator": grown, "generator": slow})) == []


def sheet(step: int, *, of: int, noise: int = 0) -> Sheet:
    """Return 64 samples of so many different pictures."""
    stream = np.random.default_rng(1)
    pictures = stream.integers(40, 210, (of, 8, 8, 3)).repeat(4, 1).repeat(4, 2)
    pixels = pictures[np.arange(64) % of] + stream.integers(-noise, noise + 1, (64, 32, 32, 3))
    return Sheet(step, pixels.astype(np.uint8))


def test_collapse_is_told_from_samples_alone() -> None:
    assert examine(Records("x", {}, sheets=(sheet(900, of=64),))) == []
    assert kinds(examine(Records("x", {}, sheets=(sheet(600, of=64), sheet(900, of=1, noise=3))))) == ["collapse"]
    (finding,) = examine(Records("x", {}, sheets=(sheet(900, of=8, noise=3),)))
    assert finding.kind == "partial collapse"
    assert finding.evidence["share"] == 1.0
    assert examine(Records("x", {}, sheets=(sheet(100, of=1, noise=3),))) == []  # at their start samples are alike
    assert twins(sheet(900, of=64)) == 0.0


def scores(*values: float, width: float = 1.0) -> Scores:
    """Return looks every 100 steps."""
    value = np.array(values)
    return Scores(np.arange(1, len(value) + 1) * 100, value, value - width, value + width)


def test_scores_that_stand_still_and_that_were_better_before() -> None:
    still = Records("x", {}, scores={"fd[lite0]": scores(300, 100, *[99.5] * 6)})
    assert kinds(examine(still)) == ["stalled"]
    assert not examine(still)[0].grave
    passed = Records("x", {}, scores={"fd[lite0]": scores(300, 100, 150, 160, 170)})
    (finding,) = examine(passed)
    assert (finding.kind, finding.since, finding.when) == ("best checkpoint passed", 200, 500)
    both = {"fd[lite0]": scores(300, 200, 100, 90, 80), "mmd_rbf[lite0]": scores(300, 100, 150, 160, 170)}
    assert examine(Records("x", {}, scores=both))[0].text.startswith("mmd_rbf[lite0] was best at")  # what heads a board
    higher = Records("x", {}, scores={"afd[yolo-nano]": scores(0.2, 0.9, 0.5, 0.4, 0.3, width=0.01)})
    assert kinds(examine(higher)) == ["best checkpoint passed"]
    none = np.full(5, np.nan)
    bare = Scores(np.arange(5), np.array([300.0, 100, 150, 160, 170]), none, none)
    assert kinds(examine(Records("x", {}, scores={"fd": bare}))) == ["best checkpoint passed"]
    assert examine(Records("x", {}, scores={"fd[lite0]": scores(300, 200, 100, 90, 80)})) == []


def test_the_bound_of_stopping_holds_at_every_look() -> None:
    """A score that never improves is said to have improved, at any of 40 looks, in fewer than ALPHA of the runs."""
    stream = np.random.default_rng(3)
    half = 1.959963984540054
    wrong = 0
    for _ in range(400):
        value = 100 + stream.standard_normal(40)
        looks = Scores(np.arange(1, 41), value, value - half, value + half)
        wrong += improvement(looks, "lower").best > 0
    assert wrong / 400 < ALPHA
    assert widening(1) < widening(2) < widening(40) < 2.2
    falling = improvement(scores(*np.linspace(300, 100, 10)), "lower")
    assert falling.since == 0
    assert improvement(scores(1, 2, 3), "higher").best == 0  # intervals of 1 do not tell them apart
