"""Caches are believed to the bit or not at all: whatever happens to a file, the numbers are those without it."""

from __future__ import annotations

import errno
import io
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ganbench.errors import CannotWrite, SourceError
from ganbench.features import export
from ganbench.features.cache import load_features, save_features
from ganbench.features.spec import ExtractorSpec
from ganbench.images.arrays import ArraySource
from ganbench.images.sources import open_source
from ganbench.scoring import cached as scoring_cached
from ganbench.scoring.options import ScoreOptions
from ganbench.scoring.plan import Plan
from ganbench.scoring.score import score_source
from ganbench.statistics.features import FeatureSet
from ganbench.statistics.moments import Moments
from ganbench.system import container, storage
from ganbench.system.container import Damaged, Writer, read
from ganbench.system.notes import Note
from ganbench.toyfaces import cached as toyfaces_cached
from ganbench.training.data import decode_source


def _contained(
    payload: bytes, kind: str = "things", name: str = "one", facts: dict[str, object] | None = None
) -> bytes:
    file = io.BytesIO()
    writer = Writer(file, kind, name)
    for start in range(0, len(payload), 1000):
        writer.write(payload[start : start + 1000])
    writer.finish(facts or {})
    return file.getvalue()


def _read(data: bytes, folder: Path, kind: str = "things", name: str = "one") -> container.Content:
    (folder / "file").write_bytes(data)
    return read(folder / "file", kind, name)


@pytest.mark.parametrize("length", [0, 1, 4095, 4096, 4097, 12_288, 30_000])
def test_a_container_gives_back_what_was_written(length: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(container, "_BLOCK", 4096)
    payload = np.random.default_rng(length).bytes(length)
    found = _read(_contained(payload, facts={"shape": [1, 2]}), tmp_path)
    assert bytes(found.payload) == payload
    assert found.facts == {"shape": [1, 2]}


def test_any_change_of_a_container_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(container, "_BLOCK", 64)
    good = _contained(np.random.default_rng(0).bytes(200), facts={"bad": [[1, "why"]]})
    assert _read(good, tmp_path)
    for position in range(len(good)):
        flipped = bytearray(good)
        flipped[position] ^= 1 << position % 8
        with pytest.raises(Damaged):
            _read(bytes(flipped), tmp_path)
    for length in range(0, len(good), 7):
        with pytest.raises(Damaged):
            _read(good[:length], tmp_path)
    with pytest.raises(Damaged):
        _read(_contained(b"x", kind="others"), tmp_path)
    with pytest.raises(Damaged):
        _read(_contained(b"x", name="two"), tmp_path)


@given(st.binary(max_size=600) | st.binary(max_size=40).map(lambda more: _contained(b"1234567890") + more))
@settings(max_examples=60, deadline=None)
def test_anything_else_is_no_container(data: bytes) -> None:
    if data != _contained(b"1234567890"):
        with pytest.raises(Damaged):
            _read(data, Path(os.environ["GANBENCH_HOME"]))


@dataclass(frozen=True)
class Kept:
    """One kind of cache: how two things are asked for, from the cache if they are there, and what they are like."""

    folder: str
    ask: Callable[[int, Note], object]


def _scorecards(which: int, note: Note) -> object:
    pixels = np.random.default_rng(which).integers(0, 256, (8, 16, 16, 3), dtype=np.uint8)
    options = ScoreOptions(metrics=("duplicates",), detector=None)
    card = scoring_cached.score_cached(ArraySource.of("a", pixels, value_range=None, resize=None), Plan.of(options))
    for text in card.warnings:
        if text.startswith("the cache: "):
            note(text)
    return list(card.rows), card.source["digest"]


def _features(which: int, note: Note, *, complete: bool) -> object:
    key = f"{which}{complete}"
    rng = np.random.default_rng(which)
    features = rng.normal(size=(40, 6)).astype(np.float32)
    sample = features if complete else features[:10]
    logits = None if complete else rng.normal(size=(10, 3)).astype(np.float32)
    made = FeatureSet(Moments.of(features), sample, np.arange(len(sample)), logits)
    found = load_features(key, note)
    if found is None:
        save_features(key, made, note)
        found = made
    return [
        found.moments.n, found.moments.mean.tolist(), found.moments.scatter.tolist(), found.sample.tolist(),
        found.sample_index.tolist(), None if found.logits is None else found.logits.tolist(),
    ]  # fmt: skip


def _pixels(which: int, note: Note) -> object:
    pixels = np.random.default_rng(which).integers(0, 256, (9, 8, 8, 3), dtype=np.uint8)
    return decode_source(ArraySource.of("a", pixels, value_range=None, resize=None), note).tolist()


def _graphs(which: int, note: Note) -> object:
    spec = ExtractorSpec(f"own:net{which}", 1, 2, 8, "bilinear", "0" * 64)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(export, "_export_apart", lambda spec, build: f"graph of {spec.name}".encode())
        return export.exported(spec, lambda: None, note)  # type: ignore[arg-type,return-value]


CACHES = [
    Kept("scorecards", _scorecards),
    Kept("features", partial(_features, complete=True)),
    Kept("features", partial(_features, complete=False)),
    Kept("pixels", _pixels),
    Kept("onnx", _graphs),
]


def _damages(good: bytes, other: bytes, rng: np.random.Generator) -> list[bytes]:
    """Return what may become of a file: flipped bits all over it, cut, longer, empty, another entry's."""
    found = [other, b"", good + b"\0", good[1:], bytes(len(good))]
    found += [good[:length] for length in rng.integers(0, len(good), 5)]
    for position in [*range(0, 256, 16), *rng.integers(0, len(good), 25)]:
        flipped = bytearray(good)
        flipped[position] ^= 1 << int(rng.integers(8))
        found.append(bytes(flipped))
    return found


@pytest.mark.parametrize("cache", CACHES, ids=lambda cache: cache.folder)
def test_a_damaged_file_is_never_believed(
    cache: Kept, tmp_path: Path, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GANBENCH_HOME", str(tmp_path))
    notes: list[str] = []
    wanted = [cache.ask(which, notes.append) for which in (0, 1)]
    first, second = sorted((tmp_path / "cache" / cache.folder).iterdir(), key=lambda path: path.stat().st_mtime_ns)
    good, other = first.read_bytes(), second.read_bytes()
    assert [cache.ask(which, notes.append) for which in (0, 1)] == wanted
    assert notes == []
    for damaged in _damages(good, other, rng):
        first.write_bytes(damaged)
        notes.clear()
        assert cache.ask(0, notes.append) == wanted[0]
        (note,) = notes
        assert note.startswith(f"the cache: {first} cannot be used (")
        assert note.endswith(" is made again.")
        assert first.read_bytes() == good
    first.write_bytes(other)
    second.write_bytes(good)
    assert [cache.ask(which, notes.append) for which in (0, 1)] == wanted


@pytest.mark.parametrize("cache", CACHES, ids=lambda cache: cache.folder)
@pytest.mark.parametrize("trouble", ["no home", "a file in the way", "full", "read only"])
def test_a_cache_that_cannot_be_used_is_a_note(
    cache: Kept, trouble: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = cache.ask(0, [].append)
    monkeypatch.setenv("GANBENCH_HOME", str(tmp_path / "home"))
    if trouble == "no home":
        monkeypatch.delenv("GANBENCH_HOME")
        monkeypatch.setattr(storage.platformdirs, "user_cache_dir", lambda name: f"~/.cache/{name}")
        monkeypatch.chdir(tmp_path)
    elif trouble == "a file in the way":
        (tmp_path / "home").touch()
    elif trouble == "full":
        monkeypatch.setattr(storage.os, "fsync", _fail(errno.ENOSPC))
    else:
        cache.ask(0, [].append)
        monkeypatch.setattr(storage.os, "open", _fail(errno.EROFS))
        monkeypatch.setattr(Path, "touch", _fail(errno.EROFS))
        monkeypatch.setattr(Path, "unlink", _fail(errno.EROFS))
        (path,) = (tmp_path / "home" / "cache" / cache.folder).iterdir()
        notes: list[str] = []
        assert cache.ask(0, notes.append) == wanted
        assert notes == []
        path.write_bytes(b"damaged")
    notes = []
    assert cache.ask(0, notes.append) == wanted
    assert "was not kept: " in notes[-1]
    assert len(notes) == (2 if trouble == "read only" else 1)
    assert not list(tmp_path.rglob("*.tmp"))
    assert not (tmp_path / "~").exists()


def _fail(number: int) -> Callable[..., None]:
    def fail(*args: object, **options: object) -> None:
        raise OSError(number, os.strerror(number))

    return fail


def test_what_is_said_about_caches_is_not_kept_with_a_scorecard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was true once; the scorecard is about the images."""

    def noted(source: ArraySource, plan: Plan) -> object:
        card = score_source(source, plan)
        return type(card)(card.rows, card.source, card.reference, ["the cache: it is full", "few images"])

    monkeypatch.setenv("GANBENCH_HOME", str(tmp_path))
    monkeypatch.setattr(scoring_cached, "score_source", noted)
    source = ArraySource.of("a", np.zeros((4, 8, 8, 3), np.uint8), value_range=None, resize=None)
    plan = Plan.of(ScoreOptions(metrics=("duplicates",), detector=None))
    assert scoring_cached.score_cached(source, plan).warnings == ["the cache: it is full", "few images"]
    assert scoring_cached.score_cached(source, plan).warnings == ["few images"]


def test_pixels_are_kept_with_what_could_not_be_read(image_folder: Path) -> None:
    (image_folder / "3.jpg").write_bytes(b"no image")
    refused = "1 of 12 images cannot be read: 3.jpg"
    with pytest.raises(SourceError, match=refused):
        decode_source(open_source(image_folder))
    first = open_source(image_folder, skip_bad=1)
    pixels = decode_source(first)
    again = open_source(image_folder, skip_bad=2)
    assert np.array_equal(decode_source(again), pixels)
    assert again.bad == first.bad
    with pytest.raises(SourceError, match=refused):  # what is in the cache allows nothing
        decode_source(open_source(image_folder))
    (image_folder / "3.jpg").rename(image_folder / "3a.jpg")  # the same bytes under another name
    renamed = open_source(image_folder, skip_bad=1)
    decode_source(renamed)
    assert [bad.name for bad in renamed.bad] == ["3a.jpg"]


def test_a_large_set_without_a_cache_is_decoded_into_a_file(
    tmp_path: Path, image_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ganbench.training import data

    wanted = np.array(decode_source(open_source(image_folder)))
    (tmp_path / "file").touch()
    monkeypatch.setenv("GANBENCH_HOME", str(tmp_path / "file"))
    monkeypatch.setattr(data, "_IN_MEMORY", 10)
    monkeypatch.setattr(data.tempfile, "tempdir", str(tmp_path))
    assert np.array_equal(decode_source(open_source(image_folder)), wanted)
    monkeypatch.setattr(data.tempfile, "tempdir", str(tmp_path / "file"))
    with pytest.raises(
        CannotWrite, match="no room for the decoded images in the folder for temporary files: .*GANBENCH_HOME or TMPDIR"
    ):
        decode_source(open_source(image_folder))


@pytest.mark.parametrize("change", ["flip", "more", "swap", "other folder", "foreign record"])
def test_toy_faces_are_those_that_were_drawn(change: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANBENCH_HOME", str(tmp_path))
    folder, other = toyfaces_cached.cached_toyfaces(32, 3), toyfaces_cached.cached_toyfaces(32, 3, 1)
    wanted = {path.name: path.read_bytes() for path in folder.iterdir()}
    if change == "flip":
        (folder / "2.png").write_bytes(wanted["2.png"][:-1] + b"x")
    elif change == "more":
        shutil.copy(folder / "2.png", folder / "4.png")
    elif change == "swap":
        (folder / "2.png").write_bytes(wanted["3.png"])
        (folder / "3.png").write_bytes(wanted["2.png"])
    elif change == "other folder":
        shutil.rmtree(folder)
        other.rename(folder)
    else:
        (folder / "SHA256").write_bytes((other / "SHA256").read_bytes())
    said: list[str] = []
    assert toyfaces_cached.cached_toyfaces(32, 3, say=said.append) == folder
    assert "is not what was drawn" in said[0]
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == wanted
