"""The page of what sources share: images side by side, names that do not act, and how it looks in a browser."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest
from overlap_pictures import blobs_of_colour, write_folder

from ganbench.images.source import Source
from ganbench.images.sources import open_source
from ganbench.overlap.result import Compared, Overlap, Pair, Shared
from ganbench.report.overlap import make_overlap_page

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
AXE = Path(sys.prefix) / "axe/node_modules/axe-core/axe.min.js"
HOSTILE = '<img src=x onerror="document.title=1">'


@pytest.fixture
def page(tmp_path: Path) -> str:
    a, b = blobs_of_colour(1, 30), blobs_of_colour(2, 30)
    b[:25] = a[:25]
    folders = {"a": write_folder(tmp_path / "pa", a), HOSTILE: write_folder(tmp_path / "pb", b[:, :32, :32])}
    images = tuple(Shared(f"{i + 1}.png", HOSTILE, i < 3, 1.0 if i < 3 else 0.97, i, i) for i in range(25))
    pairs = (Pair("a", HOSTILE, 25, 3, 30, 30, images), Pair("a", "gone", 1, 0, 30, 30, images[:1]))
    found = Overlap(
        (Compared("a", 30), Compared(HOSTILE, 30), Compared("gone", 30)), pairs, (("e.tgz", HOSTILE),), "p", (HOSTILE,)
    )
    return make_overlap_page(found, lambda label: open_source(folders.get(label, tmp_path / "gone")))


def test_the_page_shows_the_images_side_by_side_and_lets_no_name_act(page: str) -> None:
    assert page.count("data:image/webp") == 24
    assert "and 1 more." in page
    assert 'width="134"' in page  # two images of 64 pixels and their frame
    assert "No images are shown: " in page
    assert HOSTILE not in page
    assert "&lt;img src=x" in page
    assert "83.3%" in page


def test_what_shares_least_is_folded(tmp_path: Path) -> None:
    images = (Shared("x", "y", False, 0.97, 0, 0),)
    pairs = tuple(Pair("a", f"b{i}", 99 - i, 0, 100, 100, images) for i in range(33))
    found = Overlap((Compared("a", 100),), pairs, (), "p", ())
    page = make_overlap_page(found, lambda _: open_source(tmp_path / "gone"))
    assert page.count("<details open>") == 4
    shown, folded = page.split("The 3 pairs that share less")
    assert '<td data-label="other">b29</td>' in shown
    assert '<td data-label="other">b30</td>' in folded


def test_pictures_of_a_pair_are_made_once_for_one_content(tmp_path: Path) -> None:
    folders = {name: write_folder(tmp_path / name, blobs_of_colour(seed, 4)) for seed, name in enumerate("ab")}
    pair = Pair("a", "b", 2, 0, 4, 4, tuple(Shared("x", "y", False, 0.97, i, i + 1) for i in range(2)))
    found = Overlap((Compared("a", 4), Compared("b", 4)), (pair,), (), "p", ())
    opened: list[str] = []

    def page(**contents: str) -> str:
        def open_(label: str) -> Source:
            opened.append(label)
            return open_source(folders[label])

        return make_overlap_page(found, open_, dated=False, content_of=contents.__getitem__ if contents else None)

    plain = page()
    assert page(a="1", b="2") == plain
    opened.clear()
    assert page(a="1", b="2") == plain
    assert opened == []
    assert page(a="1", b="3") == plain
    assert opened == ["a", "b"]


@pytest.mark.slow
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_the_page_is_clean_on_a_desktop_and_a_phone(page: str, tmp_path: Path, width: int, scheme: str) -> None:
    if not Path(CHROMIUM).is_file():
        pytest.skip("Chromium is not installed (Debian: apt install chromium)")
    from playwright.sync_api import sync_playwright

    file = tmp_path / "page.html"
    file.write_text(page, "utf-8")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        view = chromium.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme).new_page()
        troubles: list[str] = []
        view.on("console", lambda message: troubles.append(message.text))
        view.on("request", lambda r: None if r.url.startswith(("file:", "data:")) else troubles.append(r.url))
        view.goto(file.as_uri())
        assert "Shared images of 3 sources" in view.title()
        assert view.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
        if AXE.is_file():
            view.add_script_tag(path=str(AXE))
            assert view.evaluate("axe.run().then(r => r.violations.map(v => v.id))") == []
        assert troubles == []
        chromium.close()
