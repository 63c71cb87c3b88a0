"""The report in a browser: on a desktop and on a phone, light and dark."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from report_fixtures import FD, HOSTILE, NAMES
from synthetic_runs import make_card, make_run

from ganbench.leaderboard.boards import Leaderboard
from ganbench.leaderboard.entries import Entry, collect
from ganbench.report.page import make_page

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
AXE = Path(sys.prefix) / "axe/node_modules/axe-core/axe.min.js"


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    """Return headless Chromium."""
    if not Path(CHROMIUM).is_file():
        pytest.skip("Chromium is not installed (Debian: apt install chromium)")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def view(browser: object, made_page: tuple[str, list[Entry], Path], tmp_path: Path) -> Iterator[object]:
    """Return what opens the page, by width and scheme; at the end, nothing may have gone wrong in any of them."""
    file = tmp_path / "report.html"
    file.write_text(made_page[0], "utf-8")
    troubles: list[str] = []
    contexts = []

    def opened(width: int = 1280, scheme: str = "light") -> object:
        context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: troubles.append(message.text) if message.type != "log" else None)
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("request", lambda r: None if r.url.startswith(("file:", "data:")) else troubles.append(r.url))
        page.goto(file.as_uri())
        return page

    yield opened
    for context in contexts:
        context.close()
    assert troubles == []


def _names(page: object) -> list[str]:
    return page.locator("table.sortable tbody th").all_inner_texts()


def test_all_usual_columns_fit_a_desktop(browser: object, tmp_path: Path) -> None:
    share = (0.002667, 0.002004, 0.003329)  # as many digits as there can be
    usual = {
        "mmd_rbf[lite0]": (318.4, 314.1, 322.7),
        "kd[lite0]": (0.3761, 0.3724, 0.3798),
        **{f"{n}[lite0]": share for n in ("precision", "coverage")},
    }
    card = make_card({FD: (259.3, 257.6, 261.2), **usual, "afd[yolo-nano]": (0.08312, 0.06746, 0.1017)})
    paths = [make_run(tmp_path / f"dcgan-clipnorm-seed{seed}", "dcgan-clipnorm", seed, card) for seed in (0, 1)]
    (tmp_path / "page.html").write_text(make_page(Leaderboard.of(collect(paths, lambda: None), FD)), "utf-8")
    page = browser.new_page(viewport={"width": 1200, "height": 800})
    page.goto((tmp_path / "page.html").as_uri())
    assert page.locator("table.sortable thead th").all_inner_texts()[-3:] == ["AFD tier", "images/s", "minutes"]
    board = page.locator(".wide").first
    assert board.evaluate("d => d.scrollWidth - d.clientWidth") == 0
    page.close()


@pytest.mark.slow
def test_columns_sort_by_mouse_and_by_keyboard(view) -> None:
    page = view()
    assert page.title() == "Leaderboard of 6 entries by fd[lite0] – ganbench"
    best_first = [*NAMES, HOSTILE]
    assert _names(page) == best_first
    head = page.locator("table.sortable thead th").nth(2)
    assert head.get_attribute("aria-sort") == "ascending"
    head.locator("button").click()
    assert head.get_attribute("aria-sort") == "descending"
    assert _names(page) == best_first[::-1]
    recall = page.locator("table.sortable thead th").nth(3)
    recall.locator("button").focus()
    page.keyboard.press("Enter")
    assert recall.get_attribute("aria-sort") == "ascending"
    assert head.get_attribute("aria-sort") is None
    assert _names(page) == [*list(NAMES)[::-1], HOSTILE]  # what has no value stays last ...
    page.keyboard.press("Enter")
    assert _names(page) == best_first  # ... either way
    cell = page.locator("table.sortable tbody tr").first.locator("td").nth(1)
    assert cell.inner_text().split("\n") == ["100", "97\u00a0… 103"]


@pytest.mark.slow
def test_the_filter_narrows_lines_dots_and_entries(view) -> None:
    page = view()
    dots = page.locator(".plots a[data-entry]:not(.out)")
    everything = dots.count()
    field = page.get_by_role("searchbox", name="Filter")
    for text, left in (
        ("wgan", ["wgan-gp-seed0", "wgan-gp-seed1"]),
        ("seed1 dcgan", ["dcgan-seed1"]),
        ("fd<=104", ["wgan-gp-seed0", "wgan-gp-seed1"]),
        ("recall>0 FD>150", ["dcgan-seed0", "dcgan-seed1"]),
        ("fd<", []),
        ("", [*NAMES, HOSTILE]),
    ):
        field.fill(text)
        assert page.locator("table.sortable tr:not([hidden]) th > a").all_inner_texts() == left, text
        assert page.locator("details.entry").filter(visible=True).count() == len(left), text
        assert page.locator("output").inner_text() == (f"{len(left)} of 5 lines" if text else "")
        assert (dots.count() == everything) is (text == "")


@pytest.mark.slow
def test_a_dot_leads_to_its_entry_which_opens(view) -> None:
    page = view(width=390)
    dot = page.locator(".plots svg a[data-entry='3']").first
    entry = page.locator("#entry-3")
    waiting = entry.locator("img[data-picture]")
    assert not entry.locator("img").first.is_visible()
    assert waiting.count() == entry.locator("img").count() > 1  # nothing of it is decoded before
    dot.focus()
    page.keyboard.press("Enter")
    page.wait_for_function("document.getElementById('entry-3').open")
    page.wait_for_function("document.querySelectorAll('#entry-3 img[data-picture]').length === 0")
    assert entry.bounding_box()["y"] < 100
    assert dot.get_attribute("aria-label").startswith(f"{entry.locator('summary').inner_text().split()[0]}: ")
    page.locator("table.sortable tbody th a").first.click()
    page.wait_for_function("document.getElementById('entry-1').open")


@pytest.mark.slow
def test_pictures_open_large_and_close_by_keyboard(view) -> None:
    page = view(width=390)
    picture = page.locator(".picture").first
    small = picture.locator("img").bounding_box()["width"]
    picture.focus()
    page.keyboard.press("Enter")
    viewer = page.locator("#viewer")
    assert viewer.is_visible()
    image = viewer.locator("img")
    large = image.bounding_box()["width"]
    assert large > 2 * small
    viewer.get_by_role("button", name="Larger").click()
    assert image.bounding_box()["width"] == pytest.approx(1.5 * large, rel=0.01)
    page.keyboard.press("Escape")
    assert not viewer.is_visible()
    assert picture.evaluate("e => e === document.activeElement")


@pytest.mark.slow
@pytest.mark.parametrize("width", [1280, 390, 360, 320])
def test_the_page_fits_its_window(view, width: int) -> None:
    page = view(width=width)
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    if width < 700:  # on a phone, no column is out of sight either
        cells = page.locator("td").evaluate_all("cells => cells.map(c => c.getBoundingClientRect())")
        assert len(cells) > 30
        assert all(cell["left"] >= 0 and cell["right"] <= width for cell in cells)
        first = page.locator("table.sortable tbody tr").first
        labels = first.locator("td").evaluate_all("cells => cells.map(c => c.dataset.label)")
        assert labels[:2] == ["rank", "fd[lite0] ↓"]
        assert page.locator("table.sortable thead button").last.is_visible()


@pytest.mark.slow
def test_pictures_are_decoded_when_they_come_near(view) -> None:
    page = view(width=390)
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    waiting = page.locator("img[data-picture]")
    count = page.locator("img").count()
    assert waiting.count() > count / 2
    for number in range(count):
        page.locator(".picture").nth(number).scroll_into_view_if_needed()
        page.wait_for_function("n => !document.images[n].dataset.picture && document.images[n].complete", arg=number)
    assert waiting.count() == 0
    sizes = page.evaluate("[...document.images].map(i => [i.naturalWidth, Number(i.getAttribute('width'))])")
    assert all(natural == pytest.approx(told, abs=1) for natural, told in sizes)


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_fault(view, scheme: str) -> None:
    if not AXE.is_file():
        pytest.skip(f"axe-core is not installed (npm install --prefix {sys.prefix}/axe axe-core)")
    page = view(scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    page.add_script_tag(path=AXE)
    for dialog in (False, True):
        if dialog:
            page.locator(".picture").first.click()
        result = page.evaluate("axe.run()")
        assert len(result["passes"]) > 15
        serious = [v for v in result["violations"] if v["impact"] in ("serious", "critical")]
        assert serious == [], [(v["id"], [n["html"][:200] for n in v["nodes"]]) for v in serious]
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == {"light": "rgb(255, 255, 255)", "dark": "rgb(23, 23, 26)"}[scheme]
