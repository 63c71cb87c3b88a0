"""The report: what is in the page, and how it behaves in a browser, on a desktop and on a phone, light and dark."""

from __future__ import annotations

import csv
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from synthetic_runs import add_pictures, make_card, make_run
from typer.testing import CliRunner
from yolo_networks import write_network, yolov8

from ganbench.cli.app import app
from ganbench.detectors.registry import load_detector
from ganbench.diagnostics.toy_modes import ToyFaces, reader_of
from ganbench.images.sources import open_source
from ganbench.leaderboard.boards import Leaderboard
from ganbench.leaderboard.entries import Entry, collect
from ganbench.report.detections import Detectors
from ganbench.report.nearest import RealImages
from ganbench.report.page import make_page
from ganbench.scoring.flags import Flag
from ganbench.scoring.row import Row
from ganbench.system.storage import shipped_dir
from ganbench.toyfaces import draw_face, sample_attributes, toyfaces, write_toyfaces
from ganbench.toyfaces.attributes import row

FD = "fd[lite0]"
AFD = "afd[yolo:net.onnx]"
CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
AXE = Path(sys.prefix) / "axe/node_modules/axe-core/axe.min.js"
NAMES = {"wgan-gp-seed0": 100.0, "wgan-gp-seed1": 104.0, "dcgan-seed0": 200.0, "dcgan-seed1": 240.0}
HOSTILE = '<img src=x onerror="document.title=1">'


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, list[Entry], Path]:
    """Return a page with everything in it, its entries, and the folder they are in."""
    folder = tmp_path_factory.mktemp("report")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ganbench.diagnostics.toy_modes.READABLE", 0.7)  # sixty labelled faces are few
        net = f"yolo:{write_network(folder / 'net.onnx', yolov8())}"
        protocol = load_detector(net).protocol
        write_toyfaces(folder / "real", 60, seed=9)
        paths = []
        for name, value in NAMES.items():
            variant, seed = name.split("-seed")
            card = make_card({FD: (value, value - 3, value + 3), "recall[lite0]": (1 / value, 0, 2 / value), AFD: None})
            card.rows[-1] = Row(AFD, 0.975, 0.9, 0.99, "higher", 40, None, protocol)
            card.warnings.append("fd[lite0]: few images")
            paths.append(make_run(folder / name, variant, int(seed), card))
            add_pictures(folder / name, seed=int(seed) + 20)
        images = np.load(paths[0] / "samples.npz")["images"]
        images[3] = 0  # the network finds nothing in black
        images[5] = open_source(folder / "real").load(7)[:, ::-1]  # a mirrored copy
        np.savez_compressed(paths[0] / "samples.npz", images=images)
        hostile = make_card({FD: (300.0, 299.0, 301.0)}, label=HOSTILE)
        hostile.flags.append(Flag("copied", 1.0, 0.0, f"{HOSTILE} is a copy"))
        hostile.write(json_file=folder / "hostile.json")
        entries = collect([*paths, folder / "hostile.json"], lambda: None)
        entries[-1] = Entry(HOSTILE, folder / "hostile.json", entries[-1].card)
        entries.append(Entry("broken.tgz", Path("broken.tgz"), error="not an archive"))
        page = make_page(
            Leaderboard.of(entries, FD, ["recall", "afd"]),
            real=open_source(folder / "real"),
            published=True,
            detector=net,
        )
    return page, entries, folder


# --- what is in the page ---


@pytest.mark.slow
def test_the_page_is_whole_and_needs_no_network(made: tuple[str, list[Entry], Path]) -> None:
    page = made[0]
    for part in ("Leaderboard", "Over seeds", "Not ranked", "not an archive", "Flagged", "is a copy",
                 "Published elsewhere", "396.8", "Samples",
                 "Training", "Gradient norms", "Protocol", "What to cite", "few images (4 entries)", "onnxruntime",
                 "Under dcgan the gradient norm grows towards the output"):  # fmt: skip
        assert part in page, part
    assert re.search(r'<th scope="col">hair style \(\d\d%\)</th>', page)
    assert re.search(r">\d+ of 7</td>", page)
    assert HOSTILE not in page
    sources = re.findall(r'(?:src|href)="([^"#][^":]*:)', page)
    assert set(sources) <= {"data:", "https:"}
    links = re.findall(r'<(\w+)[^>]*(?:src|href)="https:', page)
    assert set(links) == {"a"}  # nothing is loaded from elsewhere, only linked to
    assert "url(" not in page
    assert "@import" not in page


@pytest.mark.slow
def test_detections_come_from_the_detector_of_the_scorecard(made: tuple[str, list[Entry], Path]) -> None:
    page, entries, folder = made
    assert "yolo:net.onnx finds a face in 39 of the first 40 samples" in page
    assert "yolo:net.onnx finds none in 1 of the first 40" in page
    images = np.load(folder / "dcgan-seed0" / "samples.npz")["images"]
    other = f"yolo:{write_network(folder / 'other.onnx', yolov8(2))}"
    for given, message in ((None, "give its file: --detector yolo:PATH"), (other, "other.onnx is now")):
        overlays = Detectors(given).overlays(entries[2], images)
        assert message in overlays.reason
        assert not overlays.hits
    without = Entry("a", Path("a"), make_card({FD: (1, 0, 2), "afd[opencv-cascade]": None}))
    assert Detectors(None).overlays(without, images).reason == "no afd[opencv-cascade] here"


@pytest.mark.slow
def test_a_detector_that_does_not_load_is_a_reason(
    made: tuple[str, list[Entry], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "yolo-nano").mkdir()
    for name in ("card.json", "yolo-nano.onnx"):
        (tmp_path / "yolo-nano" / name).touch()
    monkeypatch.setattr("ganbench.detectors.yolo.shipped_dir", lambda name: tmp_path)
    card = make_card({FD: (1, 0, 2), "afd[yolo-nano]": (0.5, 0.4, 0.6)})
    overlays = Detectors(None).overlays(Entry("a", Path("a"), card), np.zeros((2, 64, 64, 3), np.uint8))
    assert "plain of afd[yolo-nano]" in overlays.reason
    assert "yolo-nano cannot be loaded" in overlays.reason
    assert shipped_dir("detectors").is_dir()


@pytest.mark.slow
def test_a_mirrored_copy_is_found(made: tuple[str, list[Entry], Path]) -> None:
    folder = made[2]
    real = RealImages(open_source(folder / "real"))
    copied = real.nearest(np.load(folder / "wgan-gp-seed0" / "samples.npz")["images"])
    fresh = real.nearest(np.load(folder / "wgan-gp-seed1" / "samples.npz")["images"])
    assert copied.least < 0.01
    assert fresh.least > 10
    assert copied.median > 10
    assert real.nearest(np.zeros((3, 32, 32, 3), np.uint8)) is None


def test_pages_without_runs_pictures_or_anything(tmp_path: Path) -> None:
    make_card({FD: (1.0, 0.5, 1.5)}).write(json_file=tmp_path / "card.json")
    page = make_page(Leaderboard.of(collect([tmp_path / "card.json"], lambda: None)))
    assert "a scorecard alone has no images" in page
    assert 'id="training"' not in page
    assert "Nothing could be ranked" in make_page(Leaderboard.of([Entry("x", Path("x"), error="broken")]))


# --- mode coverage ---


def _blobs(classes: list[int], rng: np.random.Generator, spread: float) -> np.ndarray:
    return 3 * np.eye(16)[classes] + rng.normal(0, spread, (len(classes), 16))


def test_mode_coverage_of_known_cases(rng: np.random.Generator) -> None:
    labels = rng.integers(0, 8, 400)
    styles = rng.integers(0, 2, 400)
    features = _blobs(labels, rng, 0.5) + 3 * np.eye(16)[8 + styles]
    toys = ToyFaces(
        features,
        {
            "hair_color": [f"c{i}" for i in labels],
            "hair_style": [f"s{i}" for i in styles],
            "noise": [f"n{i}" for i in rng.integers(0, 2, 400)],
        },
    )

    def reached(colors: list[int], style: int | None) -> dict[str, set[str]]:
        shown = rng.choice(colors, 300)
        chosen = rng.integers(0, 2, 300) if style is None else np.full(300, style)
        found = toys.reached(_blobs(shown, rng, 0.5) + 3 * np.eye(16)[8 + chosen])
        assert [r.attribute for r in found if r.readable] == ["hair_color", "hair_style", "mode"]
        assert {r.attribute: len(r.values) for r in found}["mode"] == 16
        return {r.attribute: set(r.missing) for r in found if r.readable}

    assert reached(list(range(8)), None) == {"hair_color": set(), "hair_style": set(), "mode": set()}
    some = reached([1, 4], 0)
    assert some["hair_color"] == {"c0", "c2", "c3", "c5", "c6", "c7"}
    assert some["hair_style"] == {"s1"}
    assert len(some["mode"]) == 14


def test_reading_errors_do_not_count_as_reached(rng: np.random.Generator) -> None:
    labels = rng.integers(0, 4, 1000)
    toys = ToyFaces(_blobs(labels, rng, 1.0), {"hair_color": [f"c{i}" for i in labels]})
    false, runs = 0, 40
    for _ in range(runs):
        (found,) = toys.reached(_blobs(rng.choice([0, 1], 500), rng, 1.0))
        assert found.accuracy > 0.9
        assert {"c0", "c1"}.isdisjoint(found.missing)
        false += 2 - len(found.missing)
    assert false <= 4  # of 80 chances at 1 in 100 each


@pytest.mark.slow
def test_attributes_of_drawn_faces_are_read(tmp_path: Path, lite0: object) -> None:
    faces = [sample_attributes(4, i) for i in range(400)]
    assert reader_of(open_source(np.zeros((2, 64, 64, 3), np.uint8))) is None
    chosen = [i for i, f in enumerate(faces) if f.hair_color in ("black", "blonde", "green")][:90]

    with (tmp_path / "attributes.csv").open("w", newline="") as f:
        writer = csv.DictWriter(f, ["name", *row(faces[0])])
        writer.writeheader()
        for i in chosen:
            writer.writerow({"name": f"{i}.png", **row(faces[i])})
            Image.fromarray(draw_face(faces[i], 64)).save(tmp_path / f"{i}.png")
    reach = reader_of(open_source(tmp_path))
    fresh = [image for face, image in toyfaces(150, seed=5) if face.hair_color in ("black", "green")]
    hair = next(r for r in reach(open_source(np.stack(fresh))) if r.attribute == "hair_color")
    assert hair.accuracy > 0.9
    assert hair.missing == ("blonde",)


# --- in a browser ---


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
def view(browser: object, made: tuple[str, list[Entry], Path], tmp_path: Path) -> Iterator[object]:
    """Return what opens the page, by width and scheme; at the end, nothing may have gone wrong in any of them."""
    file = tmp_path / "report.html"
    file.write_text(made[0], "utf-8")
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


@pytest.mark.slow
def test_one_scored_sheet_makes_a_page(tmp_path: Path) -> None:
    faces = [image for _, image in toyfaces(12, seed=3)]
    sheet = np.concatenate([np.concatenate(faces[i : i + 4], axis=1) for i in (0, 4, 8)])
    Image.fromarray(sheet).save(tmp_path / "sheet.png")
    out = tmp_path / "page.html"
    write_toyfaces(tmp_path / "real", 12, seed=9)
    command = ["score", tmp_path / "sheet.png", "--grid", "3x4", "--reference", tmp_path / "real", "--html", out]
    result = CliRunner().invoke(app, [str(c) for c in command])
    assert result.exit_code == 0, result.output
    page = out.read_text("utf-8")
    assert "<title>sheet.png: scorecard – ganbench</title>" in page
    assert not re.search(r"Rank:|>rank<|Leaderboard", page.partition("<main>")[2].partition("<dialog")[0])
    assert '<th scope="row">near_duplicates[lite0]' in page  # every result, not only the usual columns of a board
    assert re.search(r"<p>Tier \w+: the gates .* looked at afd\[yolo-nano\] = [\d.]+ alone", page)
    assert 'alt="Sheet of samples of sheet.png"' in page
    assert re.search(r"yolo-nano finds (a face|none) in \d+ of the first 12 samples", page)
    assert "Entries without pictures" not in page


def test_thirty_entries_make_a_page_that_opens_anywhere(tmp_path: Path) -> None:
    faces = np.stack([image for _, image in toyfaces(70, seed=4)])
    for i in range(30):
        np.savez(tmp_path / f"{i}.npz", images=np.roll(faces, i, axis=0))
    cards = [make_card({FD: (100.0 + i, 99.0 + i, 101.0 + i)}, label="x") for i in range(30)]
    entries = [Entry(f"submission-{i}", tmp_path / f"{i}.npz", card) for i, card in enumerate(cards)]
    many = make_page(Leaderboard.of(entries, FD))
    few = make_page(Leaderboard.of(entries[:2], FD))
    assert (many.count('<template id="picture-'), few.count('id="picture-')) == (30, 2)
    assert many.count("<script") == few.count("<script") == 1  # so that one more is seen to be somebody else's
    assert len(many) < 2_000_000
    head = many.partition("<template ")[0]
    assert "data:image/webp" not in head  # the text comes first, and all pictures after it
    assert len(head) < 100_000


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
    assert cell.inner_text().split("\n") == ["100", "97 … 103"]


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
