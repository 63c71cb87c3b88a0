"""A leaderboard as CSV, Markdown, LaTeX and JSON."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import pytest
from synthetic_runs import make_card, make_five_runs

from ganbench.leaderboard.boards import Leaderboard
from ganbench.leaderboard.entries import Entry, collect
from ganbench.leaderboard.export import to_csv, to_frame, to_json, to_latex, to_markdown
from ganbench.leaderboard.published import PUBLISHED

FD = "fd[lite0]"
AFD = "afd[yolo-nano]"


def _entry(name: str, values: dict, **conditions: object) -> Entry:
    return Entry(name, Path(name), make_card(values, **conditions))


@pytest.fixture
def entries(tmp_path: Path) -> list[Entry]:
    """Return runs, a submission with an awkward name, and a broken one."""
    awkward = _entry("50%_|<b>&#{x}", {FD: (250.0, 248.0, 252.0), AFD: (0.9, 0.8, 0.95)})
    return [
        *collect(make_five_runs(tmp_path), lambda: None),
        awkward,
        Entry("broken.tgz", Path("broken.tgz"), error="cut\nshort"),
    ]


def test_csv_is_wide_and_best_first(entries: list[Entry]) -> None:
    rows = list(csv.DictReader(io.StringIO(to_csv(Leaderboard.of(entries, FD)))))
    names = ["wgan-0", "wgan-1", "50%_|<b>&#{x}", "dcgan-0", "dcgan-1", "wgan-2", "broken.tgz"]
    assert [row["name"] for row in rows] == names
    assert list(rows[0])[:7] == ["name", FD, f"{FD}.low", f"{FD}.high", AFD, f"{AFD}.low", f"{AFD}.high"]
    assert [float(rows[0][c]) for c in (FD, f"{FD}.low", f"{FD}.high")] == [200, 198, 202]
    assert rows[0]["seed"] == "0"
    assert float(rows[0]["images_per_second"]) == 80
    assert rows[2]["seed"] == ""
    assert rows[-1]["error"] == r"cut\nshort"
    assert "DCGAN (simple)" not in to_csv(Leaderboard.of(entries, FD))
    cards = [_entry("a", {FD: (1, 0, 2)})]
    bare = to_frame(Leaderboard.of(cards, FD))
    assert list(bare) == ["name", FD, f"{FD}.low", f"{FD}.high", "flags", "error"]  # no columns of runs


def test_markdown(entries: list[Entry]) -> None:
    text = to_markdown(Leaderboard.of(entries, FD))
    tables = re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE)
    widths = [{len(re.split(r"(?<!\\)\|", line)) for line in table.splitlines()} for table in tables]
    assert len(tables) == 3  # the board, the means over seeds, what was not ranked
    assert all(len(w) == 1 for w in widths)
    assert "| 1 | wgan-0 | 200 (198 … 202) | 0.50 (0.40 … 0.60) | strong | 80 | 3.33 |" in text
    assert r"50%\_\|&lt;b&gt;&amp;#{x}" in text
    assert r"| broken.tgz | cut\\nshort |" in text
    assert "396.8" not in text
    assert "| DCGAN (simple) | 396.8 | 0.085 |" in to_markdown(Leaderboard.of(entries, FD), published=True)
    assert "not comparable" in to_markdown(Leaderboard.of(entries, FD), published=True)


def test_latex_has_no_bare_special_characters(entries: list[Entry]) -> None:
    text = to_latex(Leaderboard.of(entries, FD), published=True)
    assert text.count(r"\begin{tabular}") == text.count(r"\end{tabular}") == 3
    for block in re.findall(r"\\begin\{tabular\}\{(\w+)\}(.*?)\\end\{tabular\}", text, re.DOTALL):
        columns_, body = block
        rows = [row for row in body.split("\\\\\n") if "&" in row]
        assert {len(re.findall(r"(?<!\\)&", row)) + 1 for row in rows} == {len(columns_)}
        assert not re.search(r"(?<!\\)[%#_]", body)
    assert r"50\%\_\textbar{}\textless{}b\textgreater{}\&\#\{x\}" in text
    assert "".join(line for line in text.splitlines() if not line.startswith("%")).isascii()


def test_json(entries: list[Entry]) -> None:
    content = json.loads(to_json(Leaderboard.of(entries, FD), published=True))
    (board,) = content["boards"]
    assert [e["rank"] for e in board["entries"]] == [1, 2, 3, 4, 5, 6]
    assert board["entries"][0]["scorecard"]["results"][0]["value"] == 200
    assert [group["variant"] for group in board["over_seeds"]] == ["wgan objective.clip=1.0", "dcgan"]
    assert content["not_ranked"] == [{"name": "broken.tgz", "reason": "cut\nshort"}]
    assert [row["fid"] for row in content["published"]["rows"]] == [fid for _, fid, _ in PUBLISHED]
    assert not {row["name"] for row in content["published"]["rows"]} & {e["name"] for e in board["entries"]}
    assert "published" not in json.loads(to_json(Leaderboard.of(entries, FD)))
