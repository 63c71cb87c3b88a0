"""What the pictures of a board draw, and where: scales, dots, gates, and the comparison of variants."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from synthetic_runs import make_card, make_five_runs, make_run

from ganbench.leaderboard.boards import Leaderboard
from ganbench.leaderboard.entries import Entry, collect
from ganbench.report.page import make_page
from ganbench.report.pictures import Picture
from ganbench.report.plots import DOTS, dot_plot, scatter_plot, series_of
from ganbench.report.scales import Scale, drawable
from ganbench.report.standing import standing_of
from ganbench.report.store import Section, Store
from ganbench.report.tiles import Tiles, sheets_of
from ganbench.report.variants import variants_of
from ganbench.scoring.flags import Flag

FD, AFD = "fd[lite0]", "afd[yolo-nano]"


def _entries(**values: tuple[float, float]) -> list[Entry]:
    cards = {
        name: make_card({FD: (fd, fd - 2, fd + 2), AFD: (afd, afd - 0.1, afd + 0.1)})
        for name, (fd, afd) in values.items()
    }
    return [Entry(name, Path(name), card, group=name) for name, card in cards.items()]


def _numbers(entries: list[Entry]) -> dict[Entry, int]:
    return {entry: number for number, entry in enumerate(entries, 1)}


# --- scales ---


def test_a_scale_keeps_distances_and_leaves_room() -> None:
    scale = Scale([100.0, 150.0, 200.0])
    assert not scale.is_log
    assert scale.at(150) == 50
    assert 0 < scale.at(100) < 10
    assert scale.at(200) == pytest.approx(100 - scale.at(100), abs=0.02)
    assert scale.at(150) - scale.at(125) == pytest.approx(scale.at(125) - scale.at(100), abs=0.02)
    assert [tick.text for tick in scale.ticks] == ["100", "120", "140", "160", "180", "200"]
    assert all(tick.at == scale.at(float(tick.text)) for tick in scale.ticks)


def test_values_far_apart_are_drawn_in_logarithms() -> None:
    scale = Scale([1.0, 10.0, 100.0])
    assert scale.is_log
    assert scale.at(10) == 50
    assert [tick.text for tick in scale.ticks] == ["1", "2", "5", "10", "20", "50", "100"]
    assert scale.at(0) == scale.at(-1) == 0
    assert not Scale([0.0, 100.0]).is_log


@pytest.mark.parametrize("values", [[3.0], [0.0, 0.0], [-5.0, 5.0], [1e-9, 2e-9], [1e149, -1e149], [0.97, 1.0]])
def test_every_scale_has_ticks_inside(values: list[float]) -> None:
    scale = Scale(values)
    assert 2 <= len(scale.ticks) <= 12
    assert all(0 <= tick.at <= 100 for tick in scale.ticks)
    assert all(0 <= scale.at(value) <= 100 for value in values)


def test_what_is_no_number_is_not_drawn() -> None:
    assert [drawable(v) for v in (None, float("nan"), float("inf"), -1e300, 0.0)] == [False] * 4 + [True]
    board = Leaderboard.of(_entries(a=(1.0, 0.1), b=(1e300, 0.2), c=(2.0, 0.3)), FD).boards[0]
    plot = dot_plot(board, _numbers(board.entries), {})
    assert plot is not None
    assert [dot.name for dot in plot.dots] == ["a", "c"]


# --- dots ---


def test_dots_stand_where_the_values_do() -> None:
    leaderboard = Leaderboard.of(_entries(good=(100.0, 0.9), middle=(150.0, 0.5), bad=(200.0, 0.1)), FD)
    (board,) = leaderboard.boards
    plot = dot_plot(board, _numbers(board.entries), {})
    assert plot is not None
    assert plot.x == "fd[lite0] ↓"
    assert [(dot.number, dot.name, dot.rank, dot.text, dot.interval) for dot in plot.dots] == [
        (1, "good", "1", "100", "(98 … 102)"), (2, "middle", "2", "150", "(148 … 152)"),
        (3, "bad", "3", "200", "(198 … 202)"),
    ]  # fmt: skip
    assert plot.dots[1].x == 50
    for dot in plot.dots:
        assert dot.x - dot.x_low == pytest.approx(dot.x_high - dot.x, abs=0.02)
    both = scatter_plot(board, leaderboard.shown, _numbers(board.entries), {})
    assert both is not None
    assert (both.x, both.y) == ("fd[lite0] ↓", "afd[yolo-nano] ↑")
    assert [dot.y for dot in both.dots] == sorted(dot.y for dot in both.dots)  # the best one is on top
    assert both.dots[0].y_high < both.dots[0].y < both.dots[0].y_low
    assert [gate.text for gate in both.gates] == ["medium 0.4", "strong 0.5", "boss 0.6"]
    assert both.gates[1].at == both.dots[1].y  # that of the entry whose AFD is the gate


def test_a_board_ranked_by_faces_has_the_distance_across_all_the_same() -> None:
    leaderboard = Leaderboard.of(_entries(a=(100.0, 0.9), b=(150.0, 0.5)), "afd")
    both = scatter_plot(leaderboard.boards[0], leaderboard.shown, _numbers(leaderboard.boards[0].entries), {})
    assert both is not None
    assert (both.x, both.y) == ("fd[lite0] ↓", "afd[yolo-nano] ↑")
    assert scatter_plot(leaderboard.boards[0], [AFD], _numbers(leaderboard.boards[0].entries), {}) is None


def test_flagged_entries_are_set_apart_and_many_leave_the_first_picture() -> None:
    entries = _entries(**{f"e{i}": (100.0 + i, 0.5) for i in range(DOTS + 5)})
    assert entries[0].card is not None
    entries[0].card.flags.append(Flag("copied", 1.0, 0.0, "copies"))
    leaderboard = Leaderboard.of(entries, FD)
    (board,) = leaderboard.boards
    plot = dot_plot(board, _numbers(board.entries), {})
    assert plot is not None
    assert (len(plot.dots), plot.left_out) == (DOTS, 4)
    both = scatter_plot(board, leaderboard.shown, _numbers(board.entries), {})
    assert both is not None
    assert [(dot.name, dot.rank) for dot in both.dots if dot.flagged] == [("e0", "–")]
    assert both.left_out == 0
    far = Leaderboard.of([*_entries(cheat=(10.0, 1.0)), *_entries(a=(200.0, 0.5), b=(210.0, 0.6))], FD)
    assert far.entries[0].card is not None
    far.entries[0].card.flags.append(Flag("copied", 1.0, 0.0, "copies"))
    both = scatter_plot(far.boards[0], far.shown, _numbers(far.boards[0].entries), {})
    assert both is not None
    assert ([dot.name for dot in both.dots], both.left_out) == (["a", "b"], 1)  # the honest ones set the scale
    page = make_page(leaderboard)
    assert "the table has the other 4 too" in page
    assert set(re.findall(r'href="#(entry-\d+)"', page)) == set(re.findall(r'id="(entry-\d+)"', page))


def test_one_value_makes_no_picture() -> None:
    (board,) = Leaderboard.of(_entries(a=(1.0, 0.5)), FD).boards
    assert dot_plot(board, _numbers(board.entries), {}) is None
    assert standing_of(board) == ""


# --- in words ---


def test_who_leads_and_from_whom_that_can_be_told() -> None:
    def said(**values: float) -> str:
        return standing_of(Leaderboard.of(_entries(**{n: (v, 0.5) for n, v in values.items()}), FD).boards[0])

    assert said(a=100, b=110, c=120) == (
        "a is first with fd[lite0] 100 (98 … 102), significantly better than each of the 2 others."
    )
    assert said(a=100, b=101, c=120).endswith("It is not told apart from b.")
    assert said(a=100, b=101, c=101, d=101.5, e=102, f=200).endswith("not told apart from b, c, d and 1 more.")


def test_variants_are_compared_over_their_seeds(tmp_path: Path) -> None:
    leaderboard = Leaderboard.of(collect(make_five_runs(tmp_path), lambda: None), FD)
    (board,) = leaderboard.boards
    found = variants_of(board, _numbers(board.entries), series_of(board.entries))
    assert found is not None
    assert [(one.name, one.mean, one.seeds, len(one.runs)) for one in found.shown] == [
        ("wgan objective.clip=1.0", "210.0 ± 14.1", 2, 2),
        ("dcgan", "305.0 ± 7.1", 2, 2),
        ("wgan objective.clip=0.01", "500.0", 1, 1),
    ]
    # Welch by hand: difference 95, error sqrt(100 + 25), 1.47 degrees of freedom.
    assert re.fullmatch(r"\+95\.0 \(.* … .*\), p 0\.\d+: (worse|not told apart)", found.shown[1].against)
    assert found.shown[0].against == "first"
    assert found.shown[2].against == "no spread to tell it by"
    assert found.answer.startswith("wgan objective.clip=1.0 is first: fd[lite0] 210.0 ± 14.1 over 2 seeds.")
    assert "p adjusted by Holm over 1" in found.test
    page = make_page(leaderboard)
    assert page.index('id="variants"') < page.index('id="board"')
    assert found.answer in page


def test_seeds_that_are_far_apart_tell_variants_apart(tmp_path: Path) -> None:
    paths = [
        make_run(tmp_path / f"{variant}{seed}", variant, seed, make_card({FD: (value + seed, value, value + 4)}))
        for variant, value in (("dcgan", 300.0), ("wgan", 100.0))
        for seed in range(3)
    ]
    (board,) = Leaderboard.of(collect(paths, lambda: None), FD).boards
    found = variants_of(board, _numbers(board.entries), series_of(board.entries))
    assert found is not None
    assert found.answer == "wgan is first: fd[lite0] 101 ± 1 over 3 seeds. Its seeds tell it from dcgan."
    assert found.shown[1].against.startswith("+200 (198 … 202), p < 0.0001: worse")


def test_what_is_no_bench_has_no_variants(tmp_path: Path) -> None:
    (board,) = Leaderboard.of(_entries(a=(1.0, 0.5), b=(2.0, 0.5)), FD).boards
    assert variants_of(board, _numbers(board.entries), {}) is None
    paths = [make_run(tmp_path / f"r{i}", "dcgan", i, make_card({FD: (9.0 + i, 8.0, 12.0)})) for i in (0, 1)]
    (board,) = Leaderboard.of(collect(paths, lambda: None), FD).boards
    assert variants_of(board, _numbers(board.entries), {}) is None


# --- what is kept ---


def test_sheets_keep_to_their_room(rng: np.random.Generator) -> None:
    noise = rng.integers(0, 256, (32, 96, 96, 3), dtype=np.uint8)
    tiles = [Tiles(noise, boxes=[np.array([[0.0, 0.0, 96.0, 48.0]])] * 32), Tiles(noise[:8], 4)]
    large = sheets_of(tiles, 10_000_000)
    small = sheets_of(tiles, 30_000)
    assert large[0].width == 8 * 98 + 2
    assert sum(len(sheet.uri) for sheet in small) <= 30_000
    side = (small[0].width - 2) // 8 - 2
    assert side < 96
    assert small[0].outlines.startswith(f"M2 2h{side}v{round(side / 2)}h-{side}z")  # boxes shrink with their image
    assert small[0].row == side + 4
    assert small[1].width == 4 * (side + 2) + 2


def test_a_picture_that_is_shown_twice_is_kept_once_and_figures_are_packed() -> None:
    store = Store()
    figure = "data:image/svg+xml;base64,PHN2Zy8+"
    assert [store.keep(Picture(uri, 1, 1)) for uri in ("data:a", figure, "data:a")] == [0, 1, 0]
    first, second = store.kept
    assert first == "data:a"
    assert second.startswith("gzip:H4sI")


def test_the_page_of_one_source_leads_with_the_section_that_is_given() -> None:
    from markupsafe import Markup

    def lead(store: Store) -> Section:
        number = store.keep(Picture("data:image/webp;base64,AA", 3, 3))
        return Section("why", "Explanation", "Why this number?", Markup(f"<p>picture {number}</p>"))

    page = make_page(Leaderboard.of(_entries(a=(100.0, 0.9)), FD), lead=lead)
    order = [page.index(f'<h2 id="{name}"') for name in ("glance", "why", "samples", "board")]
    assert order == sorted(order)
    assert '<a href="#why">' in page
    assert '<template id="picture-0">data:image/webp;base64,AA</template>' in page
    two = make_page(Leaderboard.of(_entries(a=(100.0, 0.9), b=(200.0, 0.1)), FD), lead=lead)
    assert "Explanation" not in two
