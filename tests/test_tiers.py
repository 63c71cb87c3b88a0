"""The assignment's tier is in every form of a scorecard, with the number that it was read off."""

from __future__ import annotations

import csv
import io
import json

import numpy as np
import pytest

from ganbench.scoring.row import Row
from ganbench.scoring.scorecard import Scorecard
from ganbench.scoring.tiers import tier_of

GATES = {"simple": 0.0, "medium": 0.4, "strong": 0.5, "boss": 0.6}


def _card(*rows: Row) -> Scorecard:
    return Scorecard(list(rows), {"label": "x", "count": 1000, "image_size": [64, 64]}, {})


def _afd(value: float | None, instrument: str = "yolo-nano", reason: str = "") -> Row:
    return Row(f"afd[{instrument}]", value, better="higher", n=1000, reason=reason)


def _forms(card: Scorecard) -> dict[str, str]:
    last = list(csv.DictReader(io.StringIO(card.to_csv())))[-1]
    assert (last["id"], last["value"]) == ("tier", "")
    return {
        "terminal": " ".join(str(card).split()),
        "csv": last["protocol"],
        "markdown": card.to_markdown(),
        "html": card._repr_html_(),
    }


@pytest.mark.parametrize("value", [0.0, 0.399, 0.4, 0.45, 0.5, 0.599, 0.6, 1.0, *np.random.default_rng(3).random(20)])
def test_the_tier_is_the_highest_gate_that_is_reached(value: float) -> None:
    expected = max((gate, name) for name, gate in GATES.items() if value >= gate)[1]
    card = _card(Row("fd[lite0]", 3.0, better="lower", n=1000), _afd(float(value)))
    assert (card.tier.name, card.tier.by, card.tier.value) == (expected, "afd[yolo-nano]", value)
    for form in _forms(card).values():
        assert f"tier {expected}: the gates (simple 0, medium 0.4, strong 0.5, boss 0.6) looked at" in form
        assert f"afd[yolo-nano] = {value:.6g} alone" in form
    data = json.loads(card.to_json())["tier"]
    assert data == {"name": expected, "by": "afd[yolo-nano]", "value": value, "gates": GATES, "reason": ""}
    assert Scorecard.from_json(card.to_json()).tier == card.tier


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ((), "AFD not measured"),
        ((_afd(None, "yolo:x.onnx", "no such file"),), "AFD not measured (no such file)"),
        ((_afd(None, "a", "one"), _afd(None, "b", "two")), "AFD not measured (one; two)"),
    ],
)
def test_without_an_afd_there_is_no_tier_and_the_reason(rows: tuple[Row, ...], reason: str) -> None:
    card = _card(Row("fd[lite0]", 3.0, better="lower", n=1000), *rows)
    assert (card.tier.name, card.tier.by, card.tier.reason) == ("", "", reason)
    assert all(f"no tier: {reason}" in form for form in _forms(card).values())
    data = json.loads(card.to_json())["tier"]
    assert (data["name"], data["by"], data["reason"]) == (None, None, reason)


def test_the_first_afd_that_was_measured_counts() -> None:
    tier = _card(_afd(None, "a", "broken"), _afd(0.45, "b"), _afd(0.9, "c")).tier
    assert (tier.name, tier.by) == ("medium", "afd[b]")


@pytest.mark.parametrize("value", [-0.5, 1.5])
def test_what_is_no_share_reaches_no_tier(value: float) -> None:
    found = tier_of([("afd[x]", value, "")])
    assert (found.name, found.value) == ("", None)
    assert str(found) == f"no tier: afd[x] is {value:g}, and no share of images"
