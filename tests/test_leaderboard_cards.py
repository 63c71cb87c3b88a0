"""Scorecards of others on a board: what cannot be ranked is a reason, and what is none is said to be none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from synthetic_runs import make_card

from ganbench.errors import GanbenchError
from ganbench.leaderboard.boards import Leaderboard
from ganbench.leaderboard.entries import collect
from ganbench.scoring.card_file import MOST_BYTES
from ganbench.scoring.row import Row
from ganbench.scoring.scorecard import Scorecard

FD = "fd[lite0]"


def _written(path: Path, **changes: object) -> Path:
    content = json.loads(make_card({FD: (10.0, 9.0, 11.0)}).to_json())
    content["results"][0] |= changes
    path.write_text(json.dumps(content))
    return path


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"better": "higher"}, "its direction is 'higher' here, and that of fd is 'lower'. Score the images again"),
        ({"id": "swd[x]", "better": "up"}, "results.0.better: Input should be 'lower', 'higher' or 'none'"),
        ({"value": float("nan")}, "NaN is no number in JSON"),
        ({"value": "9"}, "results.0.value: Input should be a valid number"),
        ({"protocol": ["p"]}, "results.0.protocol: Input should be a valid string"),
        ({"n": "many"}, "results.0.n: Input should be a valid integer"),
        ({"id": 3}, "results.0.id: Input should be a valid string"),
        ({"value": True}, "results.0.value: Input should be a valid number"),
        ({"value": -5.0, "low": -6.0, "high": -4.0}, "a value of -5.0, and fd lies in 0 or more"),
        ({"low": 10.5}, "its interval, 10.5 to 11.0, does not hold its value, 10.0"),
        ({"n": 0}, "results.0.n: Input should be greater than or equal to 1"),
        ({"n": None}, "it does not say of how many images its value is"),
        ({"value": None}, "it has an interval and no value"),
        ({"version": 7}, "it is of version 7 of fd, and its protocol ends otherwise"),
    ],
)
def test_a_row_that_cannot_be_ranked_is_a_reason(tmp_path: Path, changes: dict, why: str) -> None:
    good = _written(tmp_path / "good.json")
    board = Leaderboard.of(collect([_written(tmp_path / "bad.json", **changes), good], lambda: None), FD)
    ((name, reason),) = board.unranked
    assert name == "bad.json"
    assert why in reason
    assert [e.name for e in board.boards[0].entries] == ["good.json"]


def test_what_is_no_scorecard_is_said_to_be_none(tmp_path: Path) -> None:
    file = tmp_path / "card.json"
    for text in ("[" * 100_000, '{"results": [3]}', '{"results": [], "source": 3, "reference": {}, "warnings": [], '
                 '"versions": {}}', '"' + "x" * MOST_BYTES + '"'):  # fmt: skip
        file.write_text(text)
        with pytest.raises(GanbenchError, match="not a scorecard of ganbench"):
            Scorecard.read(file)
    unmeasured = Row(FD, None, better="higher", reason="of an older version")
    Scorecard([unmeasured], {"label": "x", "count": 3}, {}).write(json_file=file)
    assert Scorecard.read(file).rows == [unmeasured]
