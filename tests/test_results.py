"""Results as one long table, from every kind of file and folder that holds some."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from synthetic_runs import make_card, make_five_runs

import ganbench
from ganbench.errors import GanbenchError
from ganbench.leaderboard.boards import Leaderboard
from ganbench.leaderboard.entries import collect
from ganbench.leaderboard.export import to_json
from ganbench.leaderboard.results import COLUMNS, load_results
from ganbench.scoring.scorecard import Scorecard

FD, AFD = "fd[lite0]", "afd[yolo-nano]"


def _no_plan() -> None:
    raise AssertionError("nothing here has to be scored")


@pytest.fixture
def runs(tmp_path: Path) -> list[Path]:
    """Return the folders of five runs, in a folder of their own."""
    return make_five_runs(tmp_path / "bench")


def test_a_scorecard(tmp_path: Path) -> None:
    file = tmp_path / "card.json"
    card = make_card({FD: (3.0, 2.0, 4.0), AFD: None}, digest="real")
    replace(card, source=card.source | {"digest": "fake"}).write(json_file=file)
    frame = ganbench.load_results(file)
    assert tuple(frame.columns) == COLUMNS
    assert frame.id.tolist() == [FD, AFD]
    assert frame.iloc[0][["name", "metric", "instrument", "value", "low", "high", "better", "n"]].tolist() == [
        "card.json", "fd", "lite0", 3.0, 2.0, 4.0, "lower", 1000,
    ]  # fmt: skip
    assert frame.iloc[0][["reference", "images"]].tolist() == ["real", "fake"]
    assert frame.value.isna().tolist() == [False, True]
    assert frame.reason.tolist() == ["", f"no {AFD} here"]
    assert frame.n.dtype == frame.training_seed.dtype == "Int64"


def test_runs_benches_and_boards_say_the_same(runs: list[Path], tmp_path: Path) -> None:
    board = to_json(Leaderboard.of(collect(runs, _no_plan), "fd"))
    (tmp_path / "board.json").write_text(board)
    (tmp_path / "bench.json").write_text(json.dumps({"cells": [], "leaderboard": json.loads(board)}))
    ways = [load_results(runs), load_results(runs[0].parent), *map(load_results, sorted(tmp_path.glob("b*.json")))]
    kept = ["name", "variant", "training_seed", "id", "value", "low", "high", "n", "protocol", "reference"]
    for frame in ways:
        assert len(frame) == 10
        frame = frame[kept].sort_values(["name", "id"], ignore_index=True)
        assert frame.equals(ways[0][kept].sort_values(["name", "id"], ignore_index=True))
    seeds = ways[0].groupby("variant").training_seed.nunique().to_dict()
    assert seeds == {"dcgan": 2, "wgan objective.clip=1.0": 2, "wgan objective.clip=0.01": 1}
    assert load_results([str(runs[0]), runs[0]]).name.nunique() == 1  # given twice, read once


@pytest.mark.parametrize(
    "text",
    [
        "", "[]", "{}", "[" * 100_000, '{"boards": 3}', '{"boards": [{"entries": [{}]}]}', '{"leaderboard": []}',
        '{"boards": [{"entries": [{"name": 1, "variant": null, "seed": null, "scorecard": {}}]}]}',
        '{"boards": [{"entries": [{"name": "x", "variant": null, "seed": null, "scorecard": {"schema": 1}}]}]}',
    ],
)  # fmt: skip
def test_what_holds_no_results_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "card.json"
    file.write_text(text)
    with pytest.raises(GanbenchError, match=r"card\.json: "):
        load_results(file)


def test_nothing_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(GanbenchError, match="nothing to read"):
        load_results([])
    with pytest.raises(GanbenchError, match="Score it first: ganbench score"):
        load_results(tmp_path)
    with pytest.raises(GanbenchError, match="No such file"):
        load_results(tmp_path / "card.json")


def test_a_scorecard_is_read_from_its_file_or_its_text(tmp_path: Path) -> None:
    card = make_card({FD: (3.0, 2.0, 4.0)})
    card.write(json_file=tmp_path / "card.json")
    assert Scorecard.from_json(tmp_path / "card.json") == Scorecard.from_json(card.to_json()) == card
    with pytest.raises(GanbenchError, match=r"gone\.json: .*No such file"):
        Scorecard.from_json(tmp_path / "gone.json")
