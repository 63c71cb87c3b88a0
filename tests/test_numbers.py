"""Numbers in tables: one scale to a column, and no exponents."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from ganbench.leaderboard.boards import Leaderboard
from ganbench.leaderboard.entries import Entry
from ganbench.leaderboard.export import to_csv, to_latex, to_markdown
from ganbench.leaderboard.table import lines
from ganbench.scoring.numbers import column_decimals, format_fixed, format_number
from ganbench.scoring.row import Row
from ganbench.scoring.scorecard import Scorecard

KD = "kd[lite0]"
PLAIN = re.compile(r"-?\d+(\.\d+)?")


def _row(name: str, value: float, half: float) -> Row:
    return Row(name, value, value - half, value + half, "lower", 1000, None, "p")


def _entry(name: str, rows: list[Row]) -> Entry:
    source = {"label": name, "count": 1000, "image_size": [64, 64]}
    return Entry(name, Path(name), Scorecard(rows, source, {}), group=name)


def test_a_kernel_distance_has_four_decimals_wherever_it_stands() -> None:
    for value, half, text, interval in (
        (0.2072, 0.0039, "0.2072", "0.2033 … 0.2111"),
        (-6.62e-5, 2.0e-4, "-0.0001", "-0.0003 … 0.0001"),
        (-2e-5, 2.0e-4, "0.0000", "-0.0002 … 0.0002"),
        (2.1e-1, 1e-6, "0.2100", "0.2100 … 0.2100"),
    ):
        (cells,) = Scorecard([_row(KD, value, half)], {}, {}).table()
        assert cells[1:3] == (f"{text} ↓", interval)


@pytest.mark.parametrize("name", [KD, "kid[inception]", "fd[lite0]", "own[x]"])
@pytest.mark.parametrize("seed", range(10))
def test_a_column_has_one_scale(name: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.choice([-1, 1, 1], 8) * 10 ** rng.uniform(-6, rng.uniform(-3, 3), 8)
    entries = [_entry(f"e{i}", [_row(name, float(v), abs(float(v)) / 7)]) for i, v in enumerate(values)]
    board = Leaderboard.of(entries, name)
    texts = []
    for line in lines(board.boards[0], board.shown):
        texts += [line[2].text, *line[2].interval.split(" … ")]
    assert all(PLAIN.fullmatch(text) for text in texts)
    assert len({len(text.partition(".")[2]) for text in texts}) == 1
    for exported in (to_markdown(board), to_latex(board)):
        assert not re.search(r"\d[eE][-+]?\d", exported)
    assert all(repr(float(value)) in to_csv(board) for value in values)


def test_a_column_of_tiny_values_still_tells_them_apart() -> None:
    assert column_decimals(KD, [2e-7, 1e-8]) > 7
    assert column_decimals("fd[lite0]", [0.0, None]) == 0
    assert format_fixed(-0.00001, 4) == "0.0000"
    assert format_fixed(-0.0001, 4) == "-0.0001"


def test_a_number_by_itself_has_no_exponent() -> None:
    for exponent in range(-9, 9):
        assert PLAIN.fullmatch(format_number(1.2345 * 10.0**exponent))
