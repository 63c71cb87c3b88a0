"""Scorecard files of whoever: read whole, or one entry with its reason; never another number on a board."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mutations import mutated_bytes, mutated_tree, peak_memory
from synthetic_runs import make_card

from ganbench.errors import GanbenchError, MetricError
from ganbench.leaderboard.boards import Leaderboard
from ganbench.leaderboard.choice import choose
from ganbench.leaderboard.entries import Entry, collect, known_results
from ganbench.leaderboard.export import to_csv, to_json, to_latex, to_markdown
from ganbench.metrics.base import Estimate, metric
from ganbench.metrics.registry import METRICS
from ganbench.scoring.row import Row
from ganbench.scoring.scorecard import Scorecard

FD, KD, AFD = "fd[lite0]", "kd[lite0]", "afd[yolo-nano]"
VALUES: dict[str, Any] = {FD: (30.0, 29.0, 31.0), KD: (0.2, 0.1, 0.3), AFD: (0.9, 0.8, 0.95), "swd[x]": (1.0, 0.5, 2.0)}


def no_plan() -> Any:
    raise AssertionError("nothing is to be scored")


def board_of(paths: list[Path]) -> Leaderboard:
    """Do what the command does: all exports of all that is there."""
    choice = choose(known_results(paths, no_plan), FD, None)
    board = Leaderboard(collect(paths, no_plan), choice)
    for text in (to_csv(board), to_json(board), to_markdown(board), to_latex(board)):
        text.encode("utf-8")
    return board


def numbers_of(entry: Entry) -> list[Row]:
    assert entry.card is not None
    return entry.card.rows


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("cards")
    for number in range(3):
        card = make_card({**VALUES, FD: (30.0 + 10 * number, 29.0 + 10 * number, 31.0 + 10 * number)})
        card.source["image_size"] = [64, 64]
        card.write(json_file=folder / f"{number}.json")
    return sorted(folder.glob("*.json"))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 2**32))
def test_a_changed_scorecard_moves_no_honest_entry(honest: list[Path], seed: int) -> None:
    bad = honest[0].with_name("bad.txt.json")
    text = honest[0].read_text()
    if seed % 3:
        bad.write_text(json.dumps(mutated_tree(json.loads(text), seed)))
    else:
        bad.write_bytes(mutated_bytes(text.encode(), seed))
    before = board_of(honest)
    after = board_of([*honest, bad])
    bad.unlink()
    kept = [entry for entry in after.entries if entry.path != bad]
    assert [numbers_of(entry) for entry in kept] == [numbers_of(entry) for entry in before.entries]
    ours = [[e.name for e in board.entries if e.path != bad] for board in after.boards]
    assert [names for names in ours if names] == [[e.name for e in board.entries] for board in before.boards]


@pytest.mark.parametrize("schema", [99, 0, -1, True, "1", 1.0, None])
def test_another_schema_is_refused(schema: object) -> None:
    data = make_card(VALUES).to_dict() | {"schema": schema}
    with pytest.raises(GanbenchError, match="schema"):
        Scorecard.from_json(json.dumps(data))


def test_every_metric_holds_its_files_to_its_direction_and_range() -> None:
    for one in METRICS.values():
        beyond = [v for v in (one.least - 0.5, one.most + 0.5) if abs(v) < 1e30]
        for value in beyond:
            row = Row(f"{one.name}[x]", value, None, None, one.better, 9)
            card = Scorecard([row], {"label": "", "count": 9}, {})
            with pytest.raises(GanbenchError, match=f"{one.name} lies in {one.range}"):
                Scorecard.from_json(card.to_json())
        turned = {"lower": "higher", "higher": "lower", "none": "lower"}[one.better]
        row = Row(f"{one.name}[x]", 1.0, None, None, turned, 9)
        with pytest.raises(GanbenchError, match="its direction is"):
            Scorecard.from_json(Scorecard([row], {"label": "", "count": 9}, {}).to_json())
    assert METRICS["fd"].range == "0 or more"
    assert METRICS["afd"].range == "0 to 1"


def test_a_result_twice_is_refused() -> None:
    card = make_card(VALUES)
    card.rows.append(card.rows[0])
    with pytest.raises(GanbenchError, match=r"fd\[lite0\]: two rows of this result"):
        Scorecard.from_json(card.to_json())


def test_what_stands_beside_the_known_parts_is_kept() -> None:
    card = make_card(VALUES)
    card.source["more"], card.reference["lite0"]["more"] = [1], {"a": None}
    again = Scorecard.from_json(card.to_json())
    assert (again.rows, again.source, again.reference) == (card.rows, card.source, card.reference)


@pytest.mark.parametrize(
    "text", ['{"schema": 1, "results": ' + "[" * 10**6, '{"a": ' * 10**5, "[" + "[]," * 10**5 + "[]]"]
)
def test_deep_and_long_texts_are_refused_before_they_are_parsed(tmp_path: Path, text: str) -> None:
    (tmp_path / "bomb.json").write_text(text)

    def read() -> None:
        with pytest.raises(GanbenchError, match=r"bomb\.json: not a scorecard of ganbench"):
            Scorecard.read(tmp_path / "bomb.json")

    assert peak_memory(read) < 256 << 20


def test_an_interval_holds_its_value() -> None:
    with pytest.raises(MetricError, match="does not hold its value"):
        Estimate(1.0, 1.5, 2.0, "made up", 10)
    assert Estimate(1.0, 1.0, 1.0, "made up", 10).value == 1.0


def test_a_value_outside_its_metrics_range_is_no_value() -> None:
    @metric("odd_share", title="Odd", better="none", needs="pixels", unit="share")
    def odd_share(*, real: None = None, fake: Any, seed: int = 0) -> Estimate:
        return Estimate(1.5, None, None, "none", 3)

    with pytest.raises(MetricError, match=r"its value is 1\.5, and no value is: odd_share lies in 0 to 1"):
        odd_share(fake=None)
