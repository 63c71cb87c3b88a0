"""What sources share: the search, the groups, the counts, and the whole of it on images."""

from __future__ import annotations

import io
import itertools
import json
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

import ganbench
from ganbench.cli.app import app
from ganbench.errors import GanbenchError
from ganbench.images.sources import open_source
from ganbench.metrics.same import SURE, coarse_codes, same_picture
from ganbench.overlap.finding import labels_of
from ganbench.overlap.groups import between_sources, groups_of, matched, shared_counts
from ganbench.overlap.looked import Looked
from ganbench.overlap.nearest import Blocks, merged, nothing, unpack
from ganbench.overlap.result import Compared, Overlap, Pair, Shared
from ganbench.overlap.searching import candidates, tried
from ganbench.overlap.verdicts import Verdicts, names_of
from ganbench.report.overlap import make_overlap_page
from ganbench.statistics.signatures import LENGTH, mirrored, signatures
from ganbench.system.cluster import Site

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
AXE = Path(sys.prefix) / "axe/node_modules/axe-core/axe.min.js"
HOSTILE = '<img src=x onerror="document.title=1">'


# --- the search ---


@pytest.mark.parametrize(("block", "k", "depth"), [(7, 3, 1), (1024, 3, 1), (1024, 8, 2), (7, 11, 3)])
def test_the_nearest_of_every_block_are_those_of_brute_force(
    rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch, block: int, k: int, depth: int
) -> None:
    monkeypatch.setattr("ganbench.overlap.nearest.BLOCK", block)
    sizes = (20, 9, 14, 1, 30)
    sources = np.repeat(np.arange(len(sizes)), sizes)
    codes = rng.integers(-3, 4, (sum(sizes), 5)).astype(np.int8)  # small numbers: many equal distances
    chosen = rng.random(len(codes)) < 0.8
    blocks = Blocks.of(codes, sources, chosen)
    assert sorted(np.concatenate(blocks.rows)) == np.flatnonzero(chosen).tolist()
    told: list[int] = []
    best = blocks.nearest(range(len(blocks.rows)), k, told.append)
    assert sum(told) == sum(map(blocks.tiles, range(len(blocks.rows))))
    squared = ((codes[:, None].astype(int) - codes[None]) ** 2).sum(-1)
    for image in range(len(codes)):
        near = [
            one
            for rows, owner in zip(blocks.rows, blocks.owners, strict=True)
            for one in sorted((squared[image, j], j) for j in rows)[:depth]
            if owner != sources[image]
        ]
        found = [(key >> 32, key & 0xFFFFFFFF) for key in best[image].tolist() if key != np.iinfo(np.int64).max]
        assert sorted(found) == (sorted(near)[:k] if chosen[image] else [])
    parts = [blocks.nearest(range(start, len(blocks.rows), 2), k, told.append) for start in (0, 1)]
    both = merged(merged(nothing(len(codes), k), parts[1]), parts[0])
    assert np.array_equal(np.sort(both), np.sort(best))  # however the work is cut


def test_pairs_come_once_and_the_lower_row_first() -> None:
    keys = nothing(4, 2)
    keys[0] = (9 << 32) | 3, (4 << 32) | 2
    keys[3, 0] = (9 << 32) | 0
    low, high, squared = unpack(keys)
    assert list(zip(low.tolist(), high.tolist(), squared.tolist(), strict=True)) == [(0, 2, 4), (0, 3, 9)]
    assert all(not len(part) for part in unpack(nothing(3, 2)))


def test_the_longest_codes_are_far_apart_to_the_last_bit() -> None:
    codes = np.stack([np.full(128, 127), np.full(128, -127), np.full(128, 126)]).astype(np.int8)
    best = Blocks.of(codes, np.arange(3), np.ones(3, bool)).nearest(range(3), 2, lambda done: None)
    assert sorted((best[1] >> 32).tolist()) == [128 * 253**2, 128 * 254**2]


def test_mirrored_pictures_are_nearest_to_what_they_mirror(rng: np.random.Generator) -> None:
    seen = signatures(_faces(4, 12))
    mirrors = signatures(np.ascontiguousarray(_faces(4, 12)[:, :, ::-1]))
    both = np.concatenate([seen, mirrors])
    codes, turned = coarse_codes(both), coarse_codes(mirrored(both))
    for k in (1, 3):
        blocks = Blocks.of(codes, np.repeat([0, 1], 12), np.ones(24, bool), turned)
        nearest = blocks.nearest(range(2), k, lambda done: None).min(axis=1)
        assert (nearest & 0xFFFFFFFF).tolist() == [*range(12, 24), *range(12)]
        assert (nearest >> 32).max() < 50  # of 2 * 127 ** 2 between pictures that have nothing in common
    flat = coarse_codes(signatures(np.full((1, 20, 20, 3), 7, np.uint8)))
    assert flat.tolist() == [[0] * 64]


# --- groups ---


def test_links_make_groups_also_through_others() -> None:
    groups = groups_of(6, np.array([0, 1, 4]), np.array([1, 2, 4]))
    assert len(set(groups[:3])) == 1
    assert len(set(groups.tolist())) == 4
    assert between_sources(groups, np.array([0, 1, 1, 2, 2, 2])).tolist() == [True] * 3 + [False] * 3
    assert not len(groups_of(0, np.empty(0, int), np.empty(0, int)))


def test_shared_pictures_are_counted_as_often_as_both_hold_them(
    rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ganbench.overlap.groups._GROUPS", 4)
    sources = np.sort(rng.integers(0, 5, 200))
    groups, first = rng.integers(0, 30, 200) * 7, np.arange(200)
    first[50:60] = first[0]
    counts = shared_counts(groups, sources, 5)
    for s, t in itertools.combinations(range(5), 2):
        a, b = np.flatnonzero(sources == s), np.flatnonzero(sources == t)
        held_a, held_b = Counter(groups[a].tolist()), Counter(groups[b].tolist())
        assert counts[s, t] == counts[t, s] == sum((held_a & held_b).values())
        pairs = list(matched(groups, np.arange(200), a, b))
        assert len(pairs) == counts[s, t]
        assert len({x for x, _ in pairs}) == len({y for _, y in pairs}) == len(pairs)
        assert all(groups[x] == groups[y] for x, y in pairs)
    assert not counts.diagonal().any()


def test_equal_pixels_are_matched_before_what_is_only_alike() -> None:
    groups, first = np.zeros(4, int), np.array([0, 1, 2, 0])
    assert list(matched(groups, first, np.array([0, 1]), np.array([2, 3]))) == [(0, 3), (1, 2)]


def test_the_more_images_the_fewer_each_is_laid_over() -> None:
    assert [tried(n) for n in (0, 2_000, 100_000, 150_000, 300_000)] == [(16, 4), (16, 4), (12, 3), (8, 2), (4, 0)]


# --- results ---


def _pair(shared: int, n_a: int = 100, n_b: int = 200) -> Pair:
    return Pair("a", "b", shared, 0, n_a, n_b, ())


def test_a_gate_is_a_number_of_images_or_a_share() -> None:
    found = Overlap((Compared("a", 100), Compared("b", 200)), (_pair(20),), (), "")
    assert found.pairs[0].share == 0.2  # of the smaller source
    low, high = found.pairs[0].interval
    assert 0.12 < low < 0.2 < high < 0.3
    assert [bool(found.over(most)) for most in (0, 19, 20, 0.19, 0.2, 0.9)] == [True, True, False, True, False, False]
    assert found.images == 300


def test_sources_are_called_by_as_much_of_their_paths_as_it_takes() -> None:
    array = np.zeros((2, 4, 4, 3), np.uint8)
    given = ["x/a.tgz", "y/a.tgz", "y/b.tgz", array, array, "https://me:secret@host/c.tgz?token=1"]
    called = labels_of(given)
    assert called[:5] == ["x/a.tgz", "y/a.tgz", "b.tgz", "images", "images (2)"]
    assert called[5] == "c.tgz"
    assert len(set(labels_of(["s://h/a?token=1", "s://h/a?token=2"]))) == 2


# --- on images ---


def _faces(seed: int, count: int = 16) -> np.ndarray:
    """Return pictures that differ: blobs of colour, uint8 (count, 64, 64, 3)."""
    blobs = np.random.default_rng(seed).integers(0, 256, (count, 6, 6, 3)).astype(np.uint8)
    return np.stack([cv2.resize(one, (64, 64), interpolation=cv2.INTER_CUBIC) for one in blobs])


def _jpeg(image: np.ndarray) -> np.ndarray:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=80)
    return np.asarray(Image.open(buffer))


def _write(folder: Path, images: np.ndarray) -> Path:
    folder.mkdir()
    for number, image in enumerate(images, 1):
        Image.fromarray(image).save(folder / f"{number}.png")
    return folder


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """Return a folder with three submissions: b took 3 of a's images as they are, and 4 mirrored and compressed."""
    a, b, c = _faces(1), _faces(2), _faces(3)
    b[:3] = a[5:8]
    b[3:7] = [_jpeg(image[:, ::-1]) for image in a[8:12]]
    b[7] = b[0]  # one of them twice, and a holds it once
    _write(tmp_path / "a", a)
    _write(tmp_path / "b", b)
    np.save(tmp_path / "c.npy", c)
    return tmp_path


@pytest.mark.slow
def test_what_submissions_share_is_found_and_named(course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = [course / "a", course / "b", course / "c.npy", course / "d.tgz"]
    found = ganbench.overlap.find(*given)
    (pair,) = found.pairs
    assert (pair.a, pair.b, pair.shared, pair.equal, pair.n_a, pair.n_b) == ("a", "b", 7, 3, 16, 16)
    named = [(one.a, one.b, one.equal) for one in pair.images]
    assert named[:3] == [("6.png", "1.png", True), ("7.png", "2.png", True), ("8.png", "3.png", True)]
    assert sorted(named[3:], key=lambda one: one[1]) == [(f"{9 + i}.png", f"{4 + i}.png", False) for i in range(4)]
    assert all(one.alike >= SURE for one in pair.images)
    assert [one.label for one in found.sources] == ["a", "b", "c.npy"]
    ((label, reason),) = found.failed
    assert label == "d.tgz"
    assert "no such file" in reason
    assert "lite0" in found.protocol

    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError("everything is in the cache")

    monkeypatch.setattr("ganbench.overlap.looked.load_extractor", refuse)
    monkeypatch.setattr("ganbench.overlap.looked._loaded", {})
    monkeypatch.setattr("ganbench.overlap.looked.collect_all", refuse)
    assert ganbench.overlap.find(*given) == found
    assert ganbench.overlap.find(*given, jobs=2) == found


@pytest.mark.slow
def test_only_pairs_that_are_new_are_laid_over_each_other(course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    laid: list[int] = []

    def counted(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        laid.append(len(a))
        return same_picture(a, b)

    monkeypatch.setattr("ganbench.overlap.sharing.same_picture", counted)
    first = ganbench.overlap.find(course / "a", course / "b")
    assert sum(laid) > 0
    laid.clear()
    assert ganbench.overlap.find(course / "a", course / "b") == first
    assert sum(laid) == 0
    late = ganbench.overlap.find(course / "a", course / "b", course / "c.npy")
    whole = sum(laid)
    laid.clear()
    assert ganbench.overlap.find(course / "a", course / "b", course / "c.npy", cache=False) == late
    assert 0 < whole < sum(laid)


@pytest.mark.parametrize("mirror", [True, False])
def test_a_source_that_joins_is_searched_alone_and_the_result_is_that_of_a_whole_search(
    rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch, mirror: bool
) -> None:
    monkeypatch.setattr("ganbench.overlap.searching._THOROUGH", 1000 if mirror else 0)
    monkeypatch.setattr("ganbench.overlap.searching.MOST", 5)
    monkeypatch.setattr("ganbench.overlap.nearest.BLOCK", 6)

    def looked(n: int) -> Looked:
        shapes = ((n, 32), (n, 4), (n, LENGTH))
        digests, codes, marks = (rng.integers(0, 256 if k else 200, shape) for k, shape in enumerate(shapes))
        return Looked(np.arange(n), digests.astype(np.uint8), (codes % 7).astype(np.int8), marks.astype(np.uint8))

    def pairs(sources: list[Looked], note: Callable[[str], None] | None) -> list[list[int]]:
        chosen = np.ones(sum(one.n for one in sources), bool)
        return np.stack(candidates(sources, chosen, Site(), note)).tolist()

    said: list[str] = []
    tiles = count_tiles(monkeypatch)
    before = [looked(n) for n in (14, 9, 20, 8, 11, 7, 10)]
    assert pairs(before, said.append) == pairs(before, None)
    tiles.clear()
    assert pairs(before, said.append) == pairs(before, None)  # nothing is new
    whole = sum(tiles)
    tiles.clear()
    after = [*before[:3], looked(12), *before[3:]]
    found = pairs(after, said.append)
    late = sum(tiles)
    assert found == pairs(after, None)
    assert 0 < late < sum(tiles) - late
    assert late < whole
    less = before[1:]  # one is gone: all of it is searched anew
    assert pairs(less, said.append) == pairs(less, None)
    assert said == []


def count_tiles(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Count the pairs of blocks that are compared from now on."""
    counted: list[int] = []
    honest = Blocks.nearest

    def nearest(self: Blocks, firsts: Sequence[int], k: int, tell: Callable[[int], object]) -> np.ndarray:
        def hear(done: int) -> None:
            counted.append(done)
            tell(done)

        return honest(self, firsts, k, hear)

    monkeypatch.setattr(Blocks, "nearest", nearest)
    return counted


def test_verdicts_are_kept_for_pairs_in_their_order_and_the_oldest_go(
    rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ganbench.overlap.verdicts.MOST", 5)
    digests = rng.integers(0, 256, (6, 32)).astype(np.uint8)
    one, other = np.array([0, 1, 2]), np.array([3, 4, 5])
    names = names_of(digests, one, other)
    assert len({*names.tolist(), *names_of(digests, other, one).tolist()}) == 6
    said: list[str] = []
    Verdicts(said.append).keep(names, np.array([True, False, True]))
    known, same = Verdicts(said.append).of(np.append(names, names_of(digests, other, one)))
    assert known.tolist() == [True] * 3 + [False] * 3
    assert same.tolist() == [True, False, True] + [False] * 3
    more = names_of(digests, np.array([0, 0, 0]), np.array([1, 2, 4]))
    Verdicts(said.append).keep(more, np.array([False, True, False]))
    assert Verdicts(said.append).of(more)[0].all()
    assert np.count_nonzero(Verdicts(said.append).of(names)[0]) == 2
    assert said == []


@pytest.mark.slow
def test_pieces_of_a_source_are_put_together(course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = ganbench.overlap.find(course / "a", course / "b", cache=False)
    monkeypatch.setattr("ganbench.overlap.looking.PIECE", 5)
    assert ganbench.overlap.find(course / "a", course / "b", cache=False) == whole


@pytest.mark.slow
def test_one_bad_image_is_left_out_or_costs_its_source_alone(course: Path) -> None:
    (course / "a" / "3.png").write_bytes(b"no image")
    found = ganbench.overlap.find(course / "a", course / "b", skip_bad=1)
    assert found.pairs[0].shared == 7
    assert found.pairs[0].images[0].a == "6.png"  # names are by the position in the source
    assert any("3.png" in note for note in found.notes)
    with pytest.raises(GanbenchError, match="1 of 2 sources can be read, and two are needed. a: "):
        ganbench.overlap.find(course / "a", course / "b")


def test_fewer_than_two_sources_and_labels_that_repeat_are_refused(course: Path) -> None:
    with pytest.raises(GanbenchError, match="1 source: give two or more"):
        ganbench.overlap.find(course / "a")
    with pytest.raises(GanbenchError, match="each needs one of its own"):
        ganbench.overlap.find(course / "a", course / "b", labels=["x", "x"])


def test_more_images_than_there_is_memory_for_are_refused_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GANBENCH_MEMORY", "64M")
    np.save(tmp_path / "a.npy", np.zeros((60_000, 4, 4, 3), np.uint8))
    with pytest.raises(GanbenchError, match="60,000 images up to a.npy are more than 64 MiB hold"):
        ganbench.overlap.find(tmp_path / "a.npy", tmp_path / "b.npy")


# --- the command ---


@pytest.mark.slow
def test_the_command_answers_and_its_gate_decides(course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(*more: str) -> tuple[int, str]:
        result = CliRunner().invoke(app, ["overlap", str(course / "a"), str(course / "b"), *more])
        code = result.exit_code if result.exception is None else getattr(result.exception, "exit_code", 3)
        return code, result.output

    assert run("--json", "-")[0] == 0
    answer = json.loads(run("--json", "-", "--quiet")[1])
    assert [(pair["a"], pair["b"], pair["shared"]) for pair in answer["pairs"]] == [("a", "b", 7)]
    assert answer["pairs"][0]["images"][0] == {"a": "6.png", "b": "1.png", "equal": True, "alike": 1.0}
    code, text = run("--fail-over", "7")
    assert code == 0
    assert "1 of 1 pairs share images; 2 sources, 32 images" in text
    assert run("--fail-over", "6")[0] == 1
    assert run("--fail-over", "40%")[0] == 1
    assert run("--fail-over", "0.44")[0] == 0
    assert run("--fail-over", "50%", str(course / "nothing"))[0] == 1  # of that one nothing is known
    monkeypatch.setattr("ganbench.cli.overlap._SHOWN", 0)
    assert "and 1 more pairs: see --json" in run()[1]


@pytest.mark.parametrize("gate", ["many", "-1", "0.0", "100%", "1.5", "5 %"])
def test_a_gate_that_is_none_is_refused_before_the_work(gate: str) -> None:
    result = CliRunner().invoke(app, ["overlap", "a", "b", f"--fail-over={gate}"])
    assert isinstance(result.exception, GanbenchError)
    assert "expected a number of images" in str(result.exception)


# --- the page ---


@pytest.fixture
def page(tmp_path: Path) -> str:
    a, b = _faces(1, 30), _faces(2, 30)
    b[:25] = a[:25]
    folders = {"a": _write(tmp_path / "pa", a), HOSTILE: _write(tmp_path / "pb", b[:, :32, :32])}
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
