"""The report: what is in the page."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from report_fixtures import FD, HOSTILE
from synthetic_runs import make_card
from typer.testing import CliRunner
from yolo_networks import write_network, yolov8

from ganbench.cli.app import app
from ganbench.images.sources import open_source
from ganbench.leaderboard.boards import Leaderboard
from ganbench.leaderboard.entries import Entry, collect
from ganbench.report.detections import Detectors
from ganbench.report.nearest import RealImages
from ganbench.report.page import make_page
from ganbench.system.storage import shipped_dir
from ganbench.toyfaces import toyfaces, write_toyfaces


@pytest.mark.slow
def test_the_page_is_whole_and_needs_no_network(made_page: tuple[str, list[Entry], Path]) -> None:
    page = made_page[0]
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
def test_detections_come_from_the_detector_of_the_scorecard(made_page: tuple[str, list[Entry], Path]) -> None:
    page, entries, folder = made_page
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
    made_page: tuple[str, list[Entry], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
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
def test_a_mirrored_copy_is_found(made_page: tuple[str, list[Entry], Path]) -> None:
    folder = made_page[2]
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
