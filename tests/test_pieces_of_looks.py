"""Large sources, looked at in pieces: the same bits as in one pass, the same errors, and nothing done twice."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import webdataset
from pieces_in_disorder import Disorder
from PIL import Image

import ganbench
from ganbench.errors import GanbenchError, SourceError
from ganbench.features import collect, pieces
from ganbench.features.observers import Elsewhere, FeatureObserver
from ganbench.features.registry import load_extractor, specify_extractor
from ganbench.images import flood, source
from ganbench.images.sources import open_source
from ganbench.references.reference import Reference
from ganbench.scoring.options import ScoreOptions
from ganbench.scoring.plan import Plan
from ganbench.scoring.scorecard import Scorecard
from ganbench.statistics import collector, moments
from ganbench.system.cluster import Needs, Site
from ganbench.system.storage import cache_dir

if TYPE_CHECKING:
    from ray_cluster import TwoNodes

SMALL = 64  # images of a piece
EXTRACTOR, DETECTOR = "own_instruments.features:IN_TORCH", "own_instruments.detectors:Skin"
pytestmark = pytest.mark.usefixtures("own_instruments")


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (moments, collector, collect, pieces):
        monkeypatch.setattr(module, "CHUNK", SMALL)


@pytest.fixture
def disorder(small_pieces: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Disorder]:
    found = Disorder(seed=1)
    monkeypatch.setattr(pieces, "executor", found)
    return found


@pytest.fixture
def images(rng: np.random.Generator) -> np.ndarray:
    """Return 200 images of skin and other colours, a few of them twice."""
    coarse = rng.integers(0, 256, (200, 2, 2, 3)) + np.where(np.arange(200) % 3 == 0, 90, 0)[:, None, None, None]
    found = np.repeat(np.repeat(np.clip(coarse, 0, 255).astype(np.uint8), 6, 1), 6, 2)
    found[[70, 199]] = found[3]
    return found


@pytest.fixture
def archive(images: np.ndarray, tmp_path: Path) -> Path:
    path = tmp_path / "images.zip"
    with zipfile.ZipFile(path, "w") as file:
        for number, image in enumerate(images):
            file.writestr(f"{number}.png", png(image))
    return path


def png(image: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG")
    return buffer.getvalue()


def card_of(what: Path | np.ndarray, *, jobs: int = 1, **options: object) -> Scorecard:
    """Score against the first images."""
    real = Reference.build(open_source(np.random.default_rng(5).integers(0, 256, (50, 12, 12, 3), np.uint8)), EXTRACTOR)
    metrics = ["fd", "kd", "inception_score", "fwd", "duplicates", "afd"]
    return ganbench.score(what, real, EXTRACTOR, DETECTOR, metrics=metrics, jobs=jobs, **options)


@pytest.mark.parametrize("cache", [True, False])
@pytest.mark.parametrize("seed", [2, 3])
def test_a_scorecard_has_the_bits_of_one_pass(
    images: np.ndarray, disorder: Disorder, monkeypatch: pytest.MonkeyPatch, seed: int, cache: bool
) -> None:
    monkeypatch.setattr("ganbench.scoring.look.SAMPLE_CAP", 40)  # fewer than there are images
    expected = card_of(images, cache=False)
    monkeypatch.setattr(pieces, "executor", again := Disorder(seed))
    found = card_of(images, jobs=2, cache=cache)
    assert sorted(again.done) == [0, 1, 2, 3]
    assert again.done != sorted(again.done)
    assert found.to_json() == expected.to_json()
    assert found["kd[channels]"].n == 40
    assert found["duplicates[pixels]"].value == 3 / 200
    assert 0 < found["afd[skin]"].value < 1


@pytest.mark.parametrize("kind", ["zip", "folder", "npy", "shards", "parquet"])
def test_kinds_of_sources(kind: str, archive: Path, images: np.ndarray, disorder: Disorder, tmp_path: Path) -> None:
    what = archive
    if kind == "folder":
        what = tmp_path / "folder"
        zipfile.ZipFile(archive).extractall(what)
    elif kind == "npy":
        what = tmp_path / "images.npy"
        np.save(what, images)
    elif kind == "shards":
        what = tmp_path / "shards"
        what.mkdir()
        with webdataset.ShardWriter(str(what / "%06d.tar"), maxcount=37, verbose=0) as writer:
            for number, image in enumerate(images):
                writer.write({"__key__": f"{number:03d}", "png": png(image), "cls": 0})
    elif kind == "parquet":
        what = tmp_path / "images.parquet"
        pq.write_table(pa.table({"image": [png(image) for image in images]}), what, row_group_size=30)
    assert card_of(what, jobs=3).to_json() == card_of(what, cache=False).to_json()
    assert len(disorder.done) == 4


def test_a_table_of_single_images(images: np.ndarray, disorder: Disorder) -> None:
    one, many = card_of(images, per_image=True, cache=False), card_of(images, per_image=True, jobs=2)
    assert len(disorder.done) == 4
    assert many.per_image == one.per_image
    assert [row["duplicate_of"] for row in many.per_image if row["duplicate_of"]] == ["3", "3"]


@pytest.mark.slow
def test_processes_of_their_own(rng: np.random.Generator, tmp_path: Path) -> None:
    size = 2 * moments.CHUNK + 100
    np.save(path := tmp_path / "images.npy", rng.integers(0, 256, (size, 12, 12, 3), np.uint8))
    expected = card_of(path, cache=False)
    assert card_of(path, jobs=2).to_json() == expected.to_json()
    assert expected["fd[channels]"].n == size
    kept = list((cache_dir() / "pieces").glob("*.cache"))
    assert len(kept) == 3 * 4  # of each piece the pixels, their packets, the faces and the features


@pytest.mark.slow
def test_nodes_of_a_cluster(rng: np.random.Generator, tmp_path: Path, ray_cluster: TwoNodes) -> None:
    np.save(path := tmp_path / "images.npy", rng.integers(0, 256, (moments.CHUNK + 500, 12, 12, 3), np.uint8))
    expected = card_of(path, cache=False)
    assert card_of(path, cluster=ray_cluster.site.cluster).to_json() == expected.to_json()


def test_small_sources_stay_in_this_process(images: np.ndarray, disorder: Disorder) -> None:
    card_of(images[:SMALL], jobs=2)
    assert not disorder.done


def test_an_interrupted_run_goes_on_where_it_was(
    images: np.ndarray, disorder: Disorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = card_of(images, cache=False).to_json()
    disorder.interrupted_after = 3
    with pytest.raises(KeyboardInterrupt):
        card_of(images, jobs=2)
    looked: list[int] = []
    batches = source.Source.batches

    def counted(self: source.Source, *args: object, **kwargs: object) -> Iterator[object]:
        looked.append(len(self))
        return batches(self, *args, **kwargs)

    monkeypatch.setattr(source.Source, "batches", counted)
    monkeypatch.setattr(pieces, "executor", Disorder(seed=2))
    assert card_of(images, jobs=2).to_json() == expected
    left = set(range(4)) - set(disorder.done)
    assert looked.count(SMALL) + looked.count(200 - 3 * SMALL) == len(left) == 1
    looked.clear()
    monkeypatch.setattr(pieces, "executor", Disorder(seed=3))
    assert card_of(images, jobs=2).to_json() == expected  # all of it is known
    assert not {SMALL, 200 - 3 * SMALL} & set(looked)


def broken(archive: Path, numbers: list[int], tmp_path: Path, instead: bytes = b"no image") -> Path:
    """Return the archive with some of its images replaced."""
    path = tmp_path / "broken.zip"
    with zipfile.ZipFile(archive) as whole, zipfile.ZipFile(path, "w") as file:
        for number, name in enumerate(whole.namelist()):
            file.writestr(name, instead if number in numbers else whole.read(name))
    return path


def message(what: Path, **options: object) -> str:
    with pytest.raises(SourceError) as caught:
        card_of(what, **options)
    return str(caught.value)


@pytest.mark.parametrize("numbers", [[0, 1, 66, 199], list(range(192, 200)), list(range(64, 128))])
def test_what_cannot_be_read_counts_over_the_whole(
    numbers: list[int], archive: Path, disorder: Disorder, tmp_path: Path
) -> None:
    what = broken(archive, numbers, tmp_path)
    one, many = card_of(what, skip_bad=len(numbers)), card_of(what, skip_bad=len(numbers), jobs=2)
    assert len(disorder.done) == 4
    assert many.to_json() == one.to_json()
    assert many.source["skipped"] == [f"{number}.png" for number in numbers]
    few = len(numbers) - 1
    assert message(what, skip_bad=few, jobs=2) == message(what, skip_bad=few)
    assert f"{len(numbers)} of 200 images cannot be read" in message(what, skip_bad=few, jobs=2)


def test_very_many_that_cannot_be_read(
    archive: Path, disorder: Disorder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "_MOST_BAD", 40)
    what = broken(archive, list(range(50, 190)), tmp_path)
    assert message(what, skip_bad=10, jobs=2) == message(what, skip_bad=10)
    assert "at least 51 of 200 images cannot be read" in message(what, skip_bad=10, jobs=2)


def test_images_of_two_sizes(archive: Path, disorder: Disorder, tmp_path: Path) -> None:
    what = broken(archive, [130], tmp_path, png(np.zeros((14, 12, 3), np.uint8)))
    assert message(what, jobs=2) == message(what)
    assert "130.png" in message(what, jobs=2)
    assert card_of(what, jobs=2, resize="12").to_json() == card_of(what, resize="12", cache=False).to_json()


def test_a_known_piece_is_none_of_a_source_of_another_size(archive: Path, disorder: Disorder, tmp_path: Path) -> None:
    ganbench.score(archive, detector=DETECTOR, metrics=["duplicates", "afd"], jobs=2)
    with zipfile.ZipFile(archive) as whole, zipfile.ZipFile(tmp_path / "other.zip", "w") as file:
        for number, name in enumerate(whole.namelist()):  # its pieces are known, but for the first
            file.writestr(name, png(np.zeros((14, 12, 3), np.uint8)) if number < SMALL else whole.read(name))
    with pytest.raises(SourceError, match=r"64\.png"):
        ganbench.score(tmp_path / "other.zip", detector=DETECTOR, metrics=["duplicates", "afd"], jobs=2)


def test_a_flood_of_pixels_counts_over_the_whole(
    archive: Path, disorder: Disorder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flood, "_FREE_PIXELS", 100 * 144)
    monkeypatch.setattr(flood, "_PIXELS_PER_BYTE", 0.1)
    assert "refused as a decompression bomb" in message(archive, jobs=2)


def test_a_process_that_ends_is_named(images: np.ndarray, disorder: Disorder) -> None:
    disorder.dies = {2}
    with pytest.raises(GanbenchError, match=r"images 129 to 192 were not looked at: its process was ended by SIGKILL"):
        card_of(images, jobs=2)


def test_another_extractor_elsewhere_is_refused(own_instruments: Path) -> None:
    spec = replace(specify_extractor(EXTRACTOR), version=3)
    observer = FeatureObserver(Elsewhere(spec, partial(load_extractor, EXTRACTOR)), cap=10, seed=0)
    with pytest.raises(GanbenchError, match=r"channels is another one here: channels v2, .*; where it came from: chan"):
        observer.load(lambda text: None, lambda: None)
    by_hand = FeatureObserver(Elsewhere(spec, None), cap=10, seed=0)
    with pytest.raises(GanbenchError, match="put together by hand, and cannot be loaded elsewhere"):
        by_hand.load(lambda text: None, lambda: None)


def test_a_reference_has_the_bits_of_one_pass(images: np.ndarray, disorder: Disorder, tmp_path: Path) -> None:
    files = []
    for number, site in enumerate((None, Site(2))):
        built = Reference.build(open_source(images), EXTRACTOR, sample_size=30, site=site)
        built.save(tmp_path / f"{number}.npz")
        files.append((tmp_path / f"{number}.npz").read_bytes())
    assert files[0] == files[1]
    assert len(disorder.done) == 4


def test_the_plan_does_not_depend_on_where_it_is_carried_out(images: np.ndarray, disorder: Disorder) -> None:
    options = ScoreOptions((EXTRACTOR,), ("fd",), (images,), None)
    assert Plan.of(replace(options, cache=False)).key == Plan.of(options, site=Site(2)).key
    assert len(disorder.done) == 4


def test_what_a_process_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collect, "resolve_device", lambda device: "cpu")
    assert collect.needs_of(Site(2), "auto") is None
    assert collect.needs_of(Site(cluster="auto"), "auto") == Needs()
    assert collect.needs_of(Site(cluster="auto"), "cuda") == Needs(gpus=1)
    monkeypatch.setattr(collect, "resolve_device", lambda device: "cuda")
    monkeypatch.setattr(collect, "available_cores", lambda: 16)
    assert collect.needs_of(Site(4), "auto") == Needs(cores=4, gpus=1)


def test_a_source_too_small_for_a_cluster_is_looked_at_here_and_that_is_said(
    images: np.ndarray, caplog: pytest.LogCaptureFixture
) -> None:
    said = "array: too few images for the cluster (8,192 go to a task); they are looked at here"
    for site, notes in (({"cluster": "auto"}, [said]), ({"jobs": 2}, []), ({}, [])):
        caplog.clear()
        ganbench.score(images, metrics="duplicates", **site)
        assert [record.getMessage() for record in caplog.records if record.levelname == "WARNING"] == notes
