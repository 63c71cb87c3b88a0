"""Foreign text through every export, end to end: names, labels, protocols, reasons, warnings, versions."""

from __future__ import annotations

import csv
import io
import json
import re
import tempfile
import unicodedata
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from rich.console import Console
from synthetic_runs import make_run

from ganbench.diagnostics.findings import to_markdown as findings_text
from ganbench.leaderboard.boards import Leaderboard
from ganbench.leaderboard.entries import Entry, collect
from ganbench.leaderboard.export import to_csv, to_json, to_latex, to_markdown
from ganbench.leaderboard.terminal import print_boards
from ganbench.report.page import make_page
from ganbench.scoring.row import Row
from ganbench.scoring.scorecard import Scorecard
from ganbench.system.frames import frame_of
from ganbench.system.style import label, save_figure

ACTING = (
    "<script>alert(1)<!--", '"><img src=x onerror=alert(1)>', "=cmd|' /C calc'!A0", "\t=1+1", "@SUM(1)", "'=1", "a;+1",
    "[x](javascript:alert(1))", "\\input{etc}$x^2$_%&#~", "a|b`c`", "new\nline", "\x1b[31mred\x1b]0;x\x07",
    "[bold red]rich[/bold]", ":skull:", "{{7*7}}{% raw %}", "cr\rlf", "\u202egzt", "\u2066x", "\x9b31m", "\udca4G",
    "</script><script>", "_under", "$", "動漫人臉", "[", "\\", "& x & y \\\\",
)  # fmt: skip
PIECES = st.one_of(st.sampled_from(ACTING), st.characters(codec=None, categories=None))
FOREIGN = st.lists(PIECES, min_size=1, max_size=3).map("".join)
CHECKED = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def _card(text: str) -> Scorecard:
    """Return a scorecard with a text in every place that a file can put one."""
    rows = [
        Row("fd[lite0]", 2.0, 1.0, 3.0, "lower", 9, 0, f"p; {text}", text, text, text),
        Row("afd[yolo-nano]", 0.6, 0.5, 0.7, "higher", 9, None, text),
        Row(f"afd[{text}]", 0.5, 0.4, 0.6, "higher", 9, None, text),
        Row(text or "x", -1.5, -2.0, -1.0, "none", 9, None, text),
        Row("kd[lite0]", None, better="lower", reason=text),
    ]
    images = [{"name": text, "duplicate_of": text, f"score[{text}]": -0.5}]
    source = {"label": text, "count": 9, "image_size": [64, 64]}
    return Scorecard(rows, source, {"lite0": {"name": text, "data": {"digest": text}}}, [text], images, {text: text})


def _board(text: str) -> Leaderboard:
    entries = [
        Entry(text, Path("x"), _card(text), group=text),
        Entry(f"{text} again", Path("x"), _card(text), group=f"{text} again"),  # two on a board: it has its pictures
        Entry("plain", Path("y"), _card("plain"), group="plain"),
    ]
    return Leaderboard.of([*entries, Entry(f"broken {text}", Path("z"), error=text)], "fd[lite0]")


def _acts(text: str) -> bool:
    return any(unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") for c in text.replace("\n", ""))


def _check_csv(text: str) -> None:
    assert not _acts(text)
    rows = list(csv.reader(io.StringIO(text)))
    assert len({len(row) for row in rows}) == 1
    for cell in (cell for row in rows for cell in row):
        number = re.fullmatch(r"-?[\d.]+(e[+-]?\d+)?", cell, re.IGNORECASE)
        assert number or not re.match(r"[\s'\"]*[=+\-@]", cell) or cell.startswith("'")


def _check_markdown(text: str, tables: int) -> None:
    assert not _acts(text)
    bare = re.sub(r"\\[!-/:-@\[-`{-~]", "", text)
    assert "<" not in bare
    assert not re.search(r"\][(\[]", bare)
    found = re.findall(r"(?:^\|.*\n?)+", bare, re.MULTILINE)
    assert len(found) == tables
    assert all(len({line.count("|") for line in table.splitlines()}) == 1 for table in found)


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, tuple[str, ...]]] = []

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.found.append((tag, tuple(name for name, _ in attrs)))


def _tags(page: str) -> list[tuple[str, tuple[str, ...]]]:
    tags = _Tags()
    tags.feed(page)
    tags.close()
    return tags.found


@CHECKED
@given(FOREIGN)
def test_a_scorecard(text: str) -> None:
    card = _card(text)
    _check_csv(card.to_csv())
    _check_csv(card.per_image_csv())
    assert ",-1.5,-2.0,-1.0," in card.to_csv()
    _check_markdown(card.to_markdown(), 1)
    assert _tags(card._repr_html_()) == _tags(_card("plain")._repr_html_())
    assert not _acts(card._repr_html_())
    assert not _acts(str(card))
    card.to_json().encode()
    again = Scorecard.from_json(card.to_json())
    assert again.to_json() == card.to_json()
    assert str(again) == str(card)


@CHECKED
@given(FOREIGN)
def test_a_leaderboard(text: str) -> None:
    board = _board(text)
    _check_csv(to_csv(board))
    _check_markdown(to_markdown(board), len(board.boards) + 1)
    json.loads(to_json(board).encode())
    latex = to_latex(board)
    assert not _acts(latex)
    commands = set(re.findall(r"\\[A-Za-z]+", latex))
    assert commands <= set(re.findall(r"\\[A-Za-z]+", to_latex(_board("plain")))) | {
        f"\\text{name}" for name in ("backslash", "asciitilde", "asciicircum", "less", "greater", "bar", "quotedbl")
    } | {r"\ldots", r"\pm", r"\dag", r"\downarrow", r"\uparrow"}
    for line in latex.splitlines():
        if line.endswith(r"\\"):
            assert line.startswith("%") or len(re.findall(r"(?<!\\)&", line)) > 0


@CHECKED
@given(FOREIGN)
def test_a_terminal(text: str) -> None:
    # The console finds standard output itself, as in the commands.
    from contextlib import redirect_stdout

    board = _board(text)
    with redirect_stdout(io.StringIO()) as shown:
        print_boards(board, published=True, written=[Path(f"a{text}".replace("\0", ""))])
    assert not _acts(shown.getvalue())
    plain = Console(file=io.StringIO(), width=80)
    plain.print(_card(text).renderable(plain))
    assert not _acts(plain.file.getvalue())


@settings(CHECKED, max_examples=12)
@given(FOREIGN)
@example("</script><script>alert(1)")
def test_a_page(text: str) -> None:
    pages = [make_page(_board(one)) for one in (text, "harmless")]
    # A text that is the id of another row, or its protocol, joins what would otherwise be two lines of the page.
    kinds = [{(tag, names) for tag, names in _tags(page)} for page in pages]
    assert kinds[0] == kinds[1]
    assert sum(tag == "script" for tag, _ in _tags(pages[0])) == 1
    assert not _acts(pages[0])
    assert all(name[:2] != "on" for _, names in _tags(pages[0]) for name in names)


@settings(CHECKED, max_examples=8)
@given(FOREIGN)
@example("$x^2$_%")
@example("_hidden\udca4動")
@pytest.mark.filterwarnings("error:Glyph")
def test_a_figure(text: str) -> None:
    from matplotlib.figure import Figure

    figure = Figure()
    axes = figure.subplots()
    axes.plot([1, 2], label=label(text))
    axes.set_title(label(text))
    legend = axes.legend()
    assert len(legend.get_texts()) == (1 if label(text) else 0)
    with tempfile.TemporaryDirectory() as folder:
        for ending in ("svg", "png"):
            save_figure(figure, Path(folder) / f"figure.{ending}")


def test_the_findings() -> None:
    for text in ACTING:
        lines = [
            {
                "curve": text,
                "seed": 0,
                "step": step,
                "layer": layer,
                "name": text,
                "norm": norm,
                "log_norm": np.log(norm),
            }
            for step in range(60)
            for layer, norm in ((1, 1e-9), (2, 1.0), (3, 2.0))
        ]
        frame = frame_of(lines).assign(at_bound=1.0)
        _check_markdown(findings_text(frame, {text: text}), 1)


@pytest.mark.slow
def test_a_run_whose_files_say_what_they_like(tmp_path: Path) -> None:
    """Recipe, environment and log of a run folder are foreign too, on the page and in the tables."""
    for number, text in enumerate(("<script>alert(4)</script>=cmd()|x", "\\u202e\\u001b[31m{{7*7}}")):
        folder = make_run(tmp_path / f"run{number}", "dcgan", number, _card("plain"))
        recipe = (folder / "recipe.toml").read_text()
        (folder / "recipe.toml").write_text(
            re.sub(r"^variant = .*$", f'variant = "{text}"'.replace("\\", r"\\"), recipe, flags=re.M)
        )
        environment = {text: text, "images": {"count": text, "digest": text}}
        (folder / "environment.json").write_text(json.dumps(environment))
        (folder / "metrics.jsonl").write_text(
            json.dumps({"step": 1, text: 1.0, "a_loss": 1.0, f"fd[{text}]": 3.0}) + "\n"
        )
    board = Leaderboard.of(collect(sorted(tmp_path.iterdir()), lambda: None), "fd[lite0]")
    page = make_page(board)
    assert sum(tag == "script" for tag, _ in _tags(page)) == 1
    assert not _acts(page)
    _check_csv(to_csv(board))
    _check_markdown(to_markdown(board), len(board.boards))
