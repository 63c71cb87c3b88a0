"""Every export comes from the same rows."""

from __future__ import annotations

import csv
import io
import json
import math
from pathlib import Path

import pytest

from ganbench.scoring.numbers import format_number
from ganbench.scoring.row import COLUMNS, Row
from ganbench.scoring.scorecard import Scorecard


@pytest.fixture
def card() -> Scorecard:
    rows = [
        Row("fd[lite0]", 33.25, 31.0, 35.5, "lower", 1000, 0, "lite0 v1", "Frechet distance", "", "jackknife"),
        Row("afd[opencv-cascade]", None, better="higher", reason="no cascade | run: ganbench assets add"),
    ]
    return Scorecard(rows, {"label": "<b>x</b>", "count": 1000, "image_size": [64, 64]}, {}, ["fd[lite0]: <few>"])


def test_frame_has_the_agreed_columns_and_keeps_missing_values(card: Scorecard) -> None:
    frame = card.to_frame()
    assert tuple(frame.columns) == COLUMNS
    assert frame.value[0] == 33.25
    assert math.isnan(frame.value[1])
    assert frame.n[0] == 1000
    assert frame.protocol[1].startswith("not measured: no cascade")


def test_json_round_trip(card: Scorecard) -> None:
    data = json.loads(card.to_json())
    assert data["schema"] == 1
    assert data["results"][0]["value"] == 33.25
    assert data["results"][1]["value"] is None
    parts = ["schema", "results", "source", "reference", "instruments", "tier", "flags", "warnings", "versions"]
    assert sorted(data) == sorted(parts)
    assert Scorecard.from_json(card.to_json()).rows == card.rows


def test_json_refuses_nan() -> None:
    with pytest.raises(ValueError, match="JSON"):
        Scorecard([Row("x", math.nan)], {}, {}).to_json()


def test_csv_has_the_same_cells(card: Scorecard) -> None:
    rows = list(csv.DictReader(io.StringIO(card.to_csv())))
    assert [r["id"] for r in rows] == ["fd[lite0]", "afd[opencv-cascade]", "tier"]
    assert float(rows[0]["high"]) == 35.5
    assert rows[1]["value"] == ""


def test_markdown_escapes_bars_and_lists_warnings(card: Scorecard) -> None:
    text = card.to_markdown()
    assert "33.25 ↓" in text
    assert "no cascade \\| run" in text
    assert "- Warning: fd[lite0]: &lt;few&gt;" in text


def test_notebook_view_escapes_html(card: Scorecard) -> None:
    assert "&lt;few&gt;" in card._repr_html_()


def test_write_returns_what_it_wrote(card: Scorecard, tmp_path: Path) -> None:
    written = card.write(json_file=tmp_path / "a.json", csv_file=tmp_path / "a.csv")
    assert written == [tmp_path / "a.json", tmp_path / "a.csv"]
    assert (tmp_path / "a.csv").read_text() == card.to_csv()


def test_rows_are_found_by_id(card: Scorecard) -> None:
    assert card["fd[lite0]"].value == 33.25
    assert "fid[inception]" not in card
    with pytest.raises(KeyError, match="this scorecard has"):
        card["fid[inception]"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (1000.0, "1000"),
        (1234.56, "1234.6"),
        (33.2512, "33.25"),
        (0.00012, "0.000120"),
        (-6.62e-5, "-0.0000662"),
        (None, "–"),
    ],
)
def test_numbers_read_well(value: float | None, text: str) -> None:
    assert format_number(value) == text
