"""Boards with flagged entries: listed, and never ranked above an honest one unless that is asked for."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from synthetic_runs import make_card, make_run
from typer.testing import CliRunner

import ganbench
from ganbench.cli.app import app
from ganbench.errors import ClusterError, GanbenchError, SourceError
from ganbench.images.rules import HW6, Rules
from ganbench.leaderboard.boards import Leaderboard, tier
from ganbench.leaderboard.entries import Entry, collect
from ganbench.leaderboard.export import to_csv, to_dict, to_json, to_latex, to_markdown
from ganbench.leaderboard.flagged import assumed, contradicted, judged, said, with_flags
from ganbench.leaderboard.seeds import copies_of
from ganbench.leaderboard.table import lines, notes
from ganbench.report.page import make_page
from ganbench.scoring.flags import Flag

FD, FD2, AFD = "fd[lite0]", "fd[lite2]", "afd[yolo-nano]"
COPIED = Flag("copied", 0.98, 0.0, "980 of 1,000 images")


def _entry(name: str, value: float, *flags: Flag, n: int = 1000, afd: float = 0.9) -> Entry:
    card = make_card({FD: (value, value - 0.5, value + 0.5), AFD: (afd, afd - 0.01, afd + 0.01)}, n=n)
    card.source["image_size"] = [64, 64]
    return Entry(name, Path(name), replace(card, flags=list(flags)))


def _places(leaderboard: Leaderboard) -> list[list[tuple[int | None, str]]]:
    return [[(r, e.name) for r, e in zip(b.ranks, b.entries, strict=True)] for b in leaderboard.boards]


def test_a_flagged_entry_is_listed_last_and_has_no_rank() -> None:
    entries = [_entry("cheat", 1.0, COPIED), _entry("good", 10.0), _entry("worse", 20.0)]
    leaderboard = Leaderboard.of(entries, FD)
    assert _places(leaderboard) == [[(1, "good"), (2, "worse"), (None, "cheat")]]
    assert (tier(entries[0]), tier(entries[1])) == ("", "boss")
    (board,) = leaderboard.boards
    assert [line[-2].text for line in lines(board, leaderboard.shown)] == ["–", "–", "copied"]
    kept = Leaderboard(entries, leaderboard.choice, keep_flagged=True)
    assert _places(kept) == [[(1, "cheat"), (2, "good"), (3, "worse")]]
    assert tier(kept.boards[0].entries[0]) == ""  # ranked or not, it is no generator's


def test_a_disagreement_withholds_no_tier() -> None:
    assert tier(_entry("a", 1.0, Flag("disagreeing", None, None, "x"))) == "boss"
    assert tier(_entry("a", 1.0, Flag("disagreeing", None, None, "x"), COPIED)) == ""


def test_another_number_of_images_is_no_board_of_its_own_by_the_rules() -> None:
    cards = [_entry("a.json", 10.0), _entry("b.json", 12.0), _entry("fewer.json", 1.0, n=999)]
    assert _places(Leaderboard.of(cards, FD)) == [[(1, "a.json"), (2, "b.json")], [(1, "fewer.json")]]
    held = judged(cards, HW6)
    leaderboard = Leaderboard.of(held, FD)
    assert _places(leaderboard) == [[(1, "a.json"), (2, "b.json"), (None, "fewer.json")]]
    assert "breaks 1 of 2 rules of hw6: 1,000 images (999 images)" in held[2].flags[0].text
    assert lines(leaderboard.boards[0], [FD])[2][2].text.endswith("†")  # nor is its value compared
    assert _places(Leaderboard.of(judged(cards[2:], HW6), FD)) == [[(None, "fewer.json")]]
    both = Leaderboard(held, leaderboard.choice, keep_flagged=True)
    assert _places(both) == [[(1, "a.json"), (2, "b.json")], [(1, "fewer.json")]]


def test_cheats_of_other_conditions_have_a_board_without_ranks() -> None:
    entries = [_entry("a", 10.0), _entry("x", 1.0, COPIED, n=500)]
    assert _places(Leaderboard.of(entries, FD)) == [[(1, "a")], [(None, "x")]]


def test_where_all_break_the_rules_nothing_is_ranked_and_the_command_says_so(tmp_path: Path) -> None:
    entries = judged([_entry("a.json", 1.0, n=999), _entry("b.json", 2.0, n=998), _entry("c.json", 3.0, n=999)], HW6)
    leaderboard = Leaderboard.of(entries, FD)
    assert _places(leaderboard) == [[(None, "a.json"), (None, "c.json"), (None, "b.json")]]
    told = notes(leaderboard.boards[0], leaderboard.shown)
    assert told[0].startswith("Not ranked: every entry is flagged. In the order of fd[lite0], n = 999;")
    assert not any("Ranked by" in text or text.startswith("Rank:") for text in told)
    for entry in entries:
        assert entry.card is not None
        entry.card.write(json_file=tmp_path / entry.name)
    command = ["leaderboard", *(str(tmp_path / entry.name) for entry in entries), "--rules", "hw6", "--quiet"]
    assert CliRunner().invoke(app, command).exit_code == 1
    assert CliRunner().invoke(app, [*command, "--keep-flagged"]).exit_code == 0


def test_flags_are_in_every_export(tmp_path: Path) -> None:
    entries = [_entry("cheat", 1.0, COPIED), _entry("good", 10.0)]
    leaderboard = replace(Leaderboard.of(entries, FD), rules=said(HW6, chosen=True))
    first, second = csv.DictReader(io.StringIO(to_csv(leaderboard)))
    assert (first["name"], first["flags"], second["flags"]) == ("good", "", "copied")
    content = to_dict(leaderboard)
    assert str(content["rules"]).startswith("Rules: hw6 (1,000 images")
    cheat = content["boards"][0]["entries"][1]  # type: ignore[index]  # plain data of a known form
    assert (cheat["rank"], cheat["tier"]) == (None, "")
    assert cheat["flags"] == [COPIED.to_dict()]
    for text in (to_markdown(leaderboard), to_latex(leaderboard), make_page(leaderboard)):
        assert "980 of 1,000 images" in text
        assert "Rules: hw6" in text
    assert "| – | cheat | 1.0 (0.5 … 1.5)" in to_markdown(leaderboard)
    single = make_page(Leaderboard.of(entries[:1], FD))
    assert "<strong>copied</strong>: 980 of 1,000 images" in single
    assert "No tier: withheld" in single
    (tmp_path / "board.json").write_text(to_json(leaderboard))
    frame = ganbench.load_results(tmp_path / "board.json")
    assert dict(zip(frame.name, frame["flags"], strict=True)) == {"cheat": "copied", "good": ""}


def test_what_a_board_says_comes_back_from_its_file(tmp_path: Path) -> None:
    shared = Flag("shared", 0.3, 0.0, "300 of 1,000 images")
    entries = with_flags([_entry("a", 1.0), _entry("b", 2.0)], {"a": shared})
    (tmp_path / "board.json").write_text(to_json(Leaderboard.of(entries, FD)))
    frame = ganbench.load_results(tmp_path / "board.json")
    assert dict(zip(frame.name, frame["flags"], strict=True)) == {"a": "shared", "b": ""}
    board = json.loads((tmp_path / "board.json").read_text())
    for entry in board["boards"][0]["entries"]:
        del entry["flags"]
    (tmp_path / "old.json").write_text(json.dumps(board))  # as an earlier version wrote it
    assert set(ganbench.load_results(tmp_path / "old.json")["flags"]) == {""}


def test_two_extractors_that_disagree_flag_the_one_that_gains_by_it(rng: np.random.Generator) -> None:
    entries = []
    for i in range(12):
        first = 20.0 + 5 * i + rng.normal(0, 0.5)
        second = 1.5 * first + rng.normal(0, 0.5)
        if i == 11:
            first = 5.0  # tuned against the one that ranks
        values = {FD: (first, first - 0.5, first + 0.5), FD2: (second, second - 0.5, second + 0.5)}
        entries.append(Entry(str(i), Path(str(i)), make_card(values)))
    found = contradicted(Leaderboard.of(entries, FD))
    assert list(found) == ["11"]
    assert "fd[lite0] puts it at 1, fd[lite2] puts it at 12 of 12" in found["11"].text
    assert contradicted(Leaderboard.of(entries, FD2)) == {}  # there it gains nothing
    leaderboard = Leaderboard.of(with_flags(entries, found), FD)
    assert _places(leaderboard)[0][-1] == (None, "11")


def test_the_rules_are_assumed_of_what_looks_like_submissions() -> None:
    tgz = [_entry("a.tgz", 1.0), _entry("b.tgz", 2.0, n=999)]
    assert assumed(tgz) == HW6
    tgz[1].card.source["count"] = 999  # type: ignore[union-attr]  # it has a card
    assert assumed(tgz[1:]) is None  # none of a thousand
    assert assumed([_entry("folder", 1.0), _entry("other", 1.0), tgz[0]]) is None
    assert assumed([*tgz, _entry("card.json", 1.0), _entry("another.json", 1.0)]) == HW6
    assert "--rules none ranks without them" in said(HW6, chosen=False)
    assert said(None, chosen=False) == ""


def test_equal_shares_by_chance_make_no_copies(tmp_path: Path) -> None:
    card = make_card({AFD: (0.0, 0.0, 0.004)})
    card.rows[0] = replace(card.rows[0], unit="share")
    paths = []
    for seed, digest in enumerate(("s0", "s1")):
        mine = replace(card, source=card.source | {"digest": digest})
        paths.append(make_run(tmp_path / str(seed), "dcgan", seed, mine))
    (board,) = Leaderboard.of(collect(paths, lambda: None), AFD).boards
    assert copies_of(board) == []  # other images
    unknown = [make_run(tmp_path / f"no-digest-{seed}", "dcgan", seed, card) for seed in range(2)]
    (board,) = Leaderboard.of(collect(unknown, lambda: None), AFD).boards
    assert copies_of(board) == []  # no face in any image: that says nothing


# --- on the command line ---


@pytest.fixture(scope="module")
def submissions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return folders of small images: two honest ones, one with too few, and one that took half of the first."""
    rng = np.random.default_rng(7)
    folder = tmp_path_factory.mktemp("submissions")
    coarse = rng.integers(0, 256, (120, 4, 4, 3), dtype=np.uint8)
    images = [np.asarray(Image.fromarray(one).resize((32, 32), Image.Resampling.BICUBIC)) for one in coarse]
    sets = {"a": images[:40], "b": images[40:80], "few": images[80:119], "thief": [*images[:20], *images[100:120]]}
    for name, held in sets.items():
        (folder / name).mkdir()
        for i, image in enumerate(held, 1):
            Image.fromarray(image).save(folder / name / f"{i}.png")
    (folder / "rules.toml").write_text('count = 40\nnames = "{}.png"\nsize = 32\nbytes = false\narchive = false\n')
    return folder


def _run(folder: Path, *options: str) -> dict:
    paths = [str(folder / name) for name in ("a", "b", "few", "thief")]
    chosen = ["--metric", "duplicates", "--detector", "none", "--quiet", "--json", "-"]
    result = CliRunner().invoke(app, ["leaderboard", *paths, *chosen, *options])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_the_board_is_held_against_rules_of_ones_own(submissions: Path) -> None:
    found = _run(submissions, "--rules", str(submissions / "rules.toml"))
    (board,) = found["boards"]
    kinds = {entry["name"]: [flag["kind"] for flag in entry["flags"]] for entry in board["entries"]}
    assert kinds == {"a": [], "b": [], "few": ["invalid"], "thief": []}
    assert board["entries"][-1]["name"] == "few"
    assert found["rules"].startswith("Rules: rules.toml (40 images")
    assert len(_run(submissions)["boards"]) == 2  # without rules, each number of images has a board


@pytest.mark.slow
def test_a_board_flags_who_shares_images(submissions: Path) -> None:
    board = _run(submissions, "--overlap")["boards"][0]
    kinds = {entry["name"]: [flag["kind"] for flag in entry["flags"]] for entry in board["entries"]}
    assert kinds == {"b": [], "a": ["shared"], "thief": ["shared"]}
    assert [entry["rank"] for entry in board["entries"]] == [1, None, None]


@pytest.mark.parametrize("error", [ClusterError("the cluster is lost"), SourceError("moved")])
def test_no_board_is_made_without_the_shares_that_a_lost_cluster_owes(
    submissions: Path, monkeypatch: pytest.MonkeyPatch, error: GanbenchError
) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise error

    monkeypatch.setattr("ganbench.overlap.finding.compare", fail)
    paths = [str(submissions / name) for name in ("a", "b")]
    chosen = ["--metric", "duplicates", "--detector", "none", "--quiet", "--json", "-", "--overlap"]
    result = CliRunner().invoke(app, ["leaderboard", *paths, *chosen])
    if isinstance(error, ClusterError):
        assert result.exception is error
        assert not result.stdout
    else:
        assert result.exit_code == 0
        assert "shared images were not looked for: moved" in result.output


def test_flags_fit_a_narrow_terminal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    kinds = ("copied", "repeated", "shared", "invalid", "disagreeing")
    flags = [Flag(kind, 0.5, 0.0, f"half of the images are {kind}") for kind in kinds]  # type: ignore[arg-type]  # five literals
    for entry in (_entry("b10902001-陳大文.json", 10.0), _entry("a-name-that-goes-on-and-on-and-on.json", 9.0, *flags)):
        assert entry.card is not None
        entry.card.write(json_file=tmp_path / entry.name)
    monkeypatch.setenv("COLUMNS", "80")
    result = CliRunner().invoke(app, ["leaderboard", *map(str, sorted(tmp_path.iterdir())), "--quiet"])
    assert result.exit_code == 0, result.output
    assert "disagreeing" in result.stdout
    from rich.cells import cell_len

    assert max(cell_len(line) for line in result.stdout.splitlines()) <= 80


@pytest.mark.parametrize("text", ["none", "hw6"])
def test_rules_by_name(text: str) -> None:
    assert Rules.of(text) == (HW6 if text == "hw6" else None)
