"""The look of figures: two styles, the same wherever and with whatever settings they are drawn and written."""

from __future__ import annotations

import threading
from pathlib import Path

import matplotlib
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from ganbench.errors import UnknownName
from ganbench.system.style import COLOURS, STYLES, drawing, save_figure


def drawn(style: str, width: float = 6.4) -> Figure:
    """Return a figure with two curves and a title."""
    with drawing(style, width, 4) as figure:
        axes = figure.subplots()
        axes.plot([1, 2, 3], [3, 1, 2])
        axes.plot([1, 2, 3], [1, 2, 3])
        axes.set_title("two curves")
    return figure


def test_paper_has_the_width_of_a_column_or_of_the_text_and_eight_points() -> None:
    assert [drawn("paper", width).get_size_inches()[0] for width in (5, 7, 8, 10)] == [3.4, 3.4, 7, 7]
    assert tuple(drawn("screen", 5).get_size_inches()) == (5, 4)
    figure = drawn("paper")
    assert {text.get_fontsize() for text in figure.axes[0].get_xticklabels()} == {8}
    assert all(line.get_linewidth() == 1 for line in figure.axes[0].lines)


@pytest.mark.parametrize("style", STYLES)
def test_what_the_user_has_set_changes_nothing_and_stays(style: str, tmp_path: Path) -> None:
    save_figure(drawn(style), tmp_path / "a.png")
    own = {"font.size": 31.0, "axes.facecolor": "red", "lines.linewidth": 9.0, "axes.grid": False, "figure.dpi": 40.0}
    with matplotlib.rc_context(own):
        save_figure(drawn(style), tmp_path / "b.png")
        assert {name: matplotlib.rcParams[name] for name in own} == own
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert [to_hex(line.get_color()).upper() for line in drawn(style).axes[0].lines] == list(COLOURS[:2])


@pytest.mark.parametrize("ending", ["png", "svg", "pdf"])
def test_the_same_figure_has_the_same_bytes(ending: str, tmp_path: Path) -> None:
    for name in "ab":
        save_figure(drawn("paper"), tmp_path / f"{name}.{ending}")
    assert (tmp_path / f"a.{ending}").read_bytes() == (tmp_path / f"b.{ending}").read_bytes()


def test_fonts_are_embedded_as_publishers_take_them(tmp_path: Path) -> None:
    save_figure(drawn("paper"), tmp_path / "a.pdf")
    content = (tmp_path / "a.pdf").read_bytes()
    assert b"/Type3" not in content


def test_two_threads_draw_in_two_styles() -> None:
    sizes: dict[str, set[float]] = {}

    def work(style: str) -> None:
        found = [text.get_fontsize() for _ in range(4) for text in drawn(style).axes[0].get_xticklabels()]
        sizes[style] = set(found)

    threads = [threading.Thread(target=work, args=(style,)) for style in STYLES]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sizes == {"screen": {10}, "paper": {8}}


def test_an_unknown_style_is_refused() -> None:
    with pytest.raises(UnknownName, match=r"unknown style 'papr' of figures\. Did you mean 'paper'\?"):
        drawn("papr")
