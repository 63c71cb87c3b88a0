"""Hostile names and texts reach no export, and a class whose names are Big5 gets its whole board."""

from __future__ import annotations

import json
import os
import random
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "benchmarks"))
from campaigns.bomb_files import huge_among_small, small
from campaigns.exports import faults_of, scripts
from campaigns.hostile import ALL, spoil
from campaigns.packing import pack
from campaigns.scorecards import export
from campaigns.watch import run

from ganbench.leaderboard.boards import Leaderboard
from ganbench.leaderboard.entries import Entry
from ganbench.report.page import make_page
from ganbench.scoring.row import Row
from ganbench.scoring.scorecard import Scorecard

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
ANY = st.text(st.characters(), min_size=1, max_size=40)  # lone surrogates too: what names that are not UTF-8 become
TEXTS = st.one_of(st.sampled_from(ALL), ANY, st.lists(st.sampled_from(ALL), min_size=2, max_size=3).map("".join))
QUICK = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


def card_of(text: str, value: float | None = 10.0) -> Scorecard:
    """Return a scorecard whose every text is ``text``, but for the ids and the direction of what is ranked."""
    rows = [
        Row("fd[lite0]", value, 9.0, 11.0, "lower", 12, None, "p", "FD", "", "jackknife", text),
        Row("afd[x]", 0.5, None, None, "higher", 12, 0, text, text, text, text, text),
        Row("kd[lite0]", None, None, None, "lower", None, None, text, text, text, text, text),
    ]
    source = {"label": text, "count": 12, "image_size": [64, 64], "digest": "d", "skipped": [text]}
    table = [{"name": text, "nearest_reference[lite0]": 1.0}, {"name": "plain", "nearest_reference[lite0]": 2.0}]
    return Scorecard(rows, source, {"lite0": {"name": text, "digest": "e"}}, [text], table, {"torch": text})


@QUICK
@given(TEXTS, TEXTS)
def test_boards_let_no_text_through(name: str, reason: str) -> None:
    entries = [
        Entry("honest", Path("honest"), card_of("plain"), group="honest"),
        Entry(name, Path(name.replace("\0", "")), card_of(reason, 20.0), group=name),
        Entry(f"{name}2", Path("broken"), error=reason, group=name),
    ]
    board = Leaderboard.of(entries, "fd[lite0]")
    assert export(board, "board", page=False) == []
    assert [entry.name for entry in board.boards[0].entries] == ["honest", name]


@QUICK
@given(TEXTS)
def test_scorecards_let_no_text_through(text: str) -> None:
    card = card_of(text)
    exports = {
        "csv": card.to_csv(),
        "markdown": card.to_markdown(),
        "json": card.to_json(),
        "html": card._repr_html_(),
        "terminal": str(card),
    }
    assert {kind: faults for kind, made in exports.items() if (faults := faults_of(kind, made))} == {}
    assert faults_of("csv", card.per_image_csv()) == []
    for made in (*exports.values(), card.per_image_csv()):
        made.encode("utf-8")


def test_pages_let_no_text_through() -> None:
    honest = Entry("honest", Path("honest"), card_of("plain"), group="honest")
    clean = scripts(make_page(Leaderboard.of([honest])))
    evil = [Entry(text, Path(f"e{i}"), card_of(text, 20.0 + i), group=text) for i, text in enumerate(ALL)]
    missing = [Entry(text, Path(f"m{i}"), error=text, group=text) for i, text in enumerate(ALL)]
    page = make_page(Leaderboard.of([honest, *evil, *missing]))
    page.encode("utf-8")
    assert faults_of("html", page, scripts_of_ours=clean) == []


@pytest.fixture(scope="module")
def ranked(tmp_path_factory: pytest.TempPathFactory, new_home: Callable[[], Path]) -> dict[str, Path]:
    """Rank a class with one command, and return its exports; its home is its own, since it is made once."""
    folder = tmp_path_factory.mktemp("class")
    home = new_home()
    names = [
        "陳大文_作業六.tgz",
        os.fsdecode("二".encode("big5")) + ".tgz",
        os.fsdecode("許功蓋".encode("big5")) + ".tgz",
    ]
    images = small(15)
    for number, name in enumerate(names):
        pack(folder / name, images[5 * number : 5 * number + 5])
    evil = [(f"{i}{text}.png".replace("/", "_").replace("\0", ""), images[i % 15][1]) for i, text in enumerate(ALL)]
    pack(folder / '<img src=x onerror="document.title=1">\x1b[31m=1+1.tgz', evil)
    huge_among_small(folder).rename(folder / "炸彈.tgz")
    (folder / "壞掉.tgz").write_bytes(b"\x1f\x8bbroken")
    out = {kind: folder.parent / f"board.{kind}" for kind in ("csv", "markdown", "latex", "json", "html")}
    exports = [word for kind, path in out.items() for word in (f"--{kind}", path)]
    paths = ["./" + path.name for path in sorted(folder.iterdir())]
    # All of them share images: without it nothing is ranked, and the command says so by its exit code.
    done = run(["leaderboard", "--keep-flagged", *exports, "--", *paths], home, cwd=folder, seconds=300)
    assert done.fault() == "", done.text
    out["terminal"] = folder.parent / "terminal.txt"
    out["terminal"].write_bytes(done.out + done.err)
    return out


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere names are Unicode")
def test_a_class_with_big5_names_gets_its_whole_board(ranked: dict[str, Path]) -> None:
    board = json.loads(ranked["json"].read_text("utf-8"))
    assert sum(len(one["entries"]) for one in board["boards"]) == 4
    assert sorted(one["name"] for one in board["not_ranked"]) == ["壞掉.tgz", "炸彈.tgz"]
    for kind, path in ranked.items():
        assert faults_of(kind, path.read_bytes().decode("utf-8")) == [], kind


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere names are Unicode")
def test_a_browser_runs_nothing_of_it(ranked: dict[str, Path]) -> None:
    if not Path(CHROMIUM).is_file():
        pytest.skip("Chromium is not installed (Debian: apt install chromium)")
    from playwright.sync_api import sync_playwright

    asked: list[str] = []
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = chromium.new_page()
        page.on("dialog", lambda dialog: (asked.append(dialog.message), dialog.dismiss()))
        page.on("request", lambda r: None if r.url.startswith(("file:", "data:")) else asked.append(r.url))
        page.goto(ranked["html"].as_uri())
        title = page.title()
        injected = page.locator("img[src='x'], iframe, svg[onload], [onerror], [onload], [onmouseover]").count()
        chromium.close()
    assert asked == []
    assert title != "1"
    assert injected == 0


def test_hostile_texts_leave_numbers_alone() -> None:
    tree = {"a": [1, 2.5, None, True, "text"], "b": {"c": 3}}
    spoilt = spoil(tree, random.Random(1))
    assert [spoilt["a"][i] for i in range(4)] == [1, 2.5, None, True]
    assert np.isclose(spoilt["b"]["c"], 3)
