"""Scoring end to end: toy faces against a toy reference, every kind of result, and everything that can be missing."""

from __future__ import annotations

import shutil
import warnings
import weakref
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import ganbench
from ganbench.detectors.base import Detection, Detector
from ganbench.detectors.registry import DETECTORS
from ganbench.errors import GanbenchError, MetricError, ReferenceError, SourceError, UnknownName
from ganbench.features import runtime
from ganbench.features.extractor import Extractor
from ganbench.images.sources import open_source
from ganbench.metrics.base import Estimate
from ganbench.metrics.copies import exact_duplicates
from ganbench.references.reference import Reference
from ganbench.scoring import score as scoring
from ganbench.scoring.score import ScoreOptions, known_results, score_source
from ganbench.toyfaces import mode_of, toyfaces

FEATURE_METRICS = ("fd", "kd", "precision", "recall", "density", "coverage", "near_duplicates", "copies")


@pytest.fixture(scope="module")
def real(lite0: Extractor) -> Reference:
    faces = np.stack([image for _, image in toyfaces(120, seed=100)])
    return Reference.build(open_source(faces), lite0, name="toys")


@pytest.fixture(scope="module")
def faces() -> np.ndarray:
    return np.stack([image for _, image in toyfaces(60, seed=200)])


class Everything(Detector):
    """Finds a face in every second image."""

    name, version, protocol = "half", 1, "half v1"
    seen = 0

    def detect(self, pixels: np.ndarray) -> list[Detection]:
        found = []
        for _ in pixels:
            self.seen += 1
            found.append(Detection(np.zeros((self.seen % 2, 4), np.float32), np.ones(self.seen % 2, np.float32)))
        return found


@pytest.fixture
def half(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setitem(DETECTORS._entries, "half", Everything)
    return "half"


def test_the_scorecard_has_every_row(real: Reference, faces: np.ndarray, half: str) -> None:
    card = ganbench.score(faces, real, detector=half)
    assert [row.id for row in card.rows] == [f"{m}[lite0]" for m in FEATURE_METRICS] + [
        "duplicates[pixels]",
        "afd[half]",
    ]
    for row in card.rows:
        assert row.n == 60
        assert row.low <= row.value <= row.high, row
        assert row.interval
    assert card["afd[half]"].value == 0.5
    assert card["afd[half]"].protocol == "half v1"
    assert "against toys: 120 images, sample 120" in card["fd[lite0]"].protocol
    assert card["duplicates[pixels]"].value == 0
    assert card.source["image_size"] == [64, 64]
    assert card.reference["lite0"]["name"] == "toys"
    assert any("fd[lite0]" in text for text in card.warnings)  # 60 images cannot span 1,280 features


def test_other_faces_score_better_than_noise_and_collapse_loses_recall(real: Reference, faces: np.ndarray) -> None:
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, faces.shape, dtype=np.uint8)
    modes = [mode_of(face) for face, _ in toyfaces(60, seed=200)]
    assert len(set(modes)) > 20
    one = np.stack([np.roll(faces[0], rng.integers(-2, 3, 2), (0, 1)) for _ in range(60)])
    cards = {name: ganbench.score(images, real, detector=None) for name, images in
             (("faces", faces), ("noise", noise), ("one", one))}  # fmt: skip
    assert cards["faces"]["fd[lite0]"].value < cards["one"]["fd[lite0]"].value < cards["noise"]["fd[lite0]"].value
    assert cards["faces"]["recall[lite0]"].value > 0.5
    assert cards["one"]["recall[lite0]"].value < 0.2
    assert cards["one"]["precision[lite0]"].value > 0.8
    assert cards["noise"]["precision[lite0]"].value == 0
    assert cards["one"]["near_duplicates[lite0]"].value > 0.9


def test_every_metric_asked_for_has_a_row(real: Reference, faces: np.ndarray, monkeypatch: pytest.MonkeyPatch,
                                          tmp_path: Path) -> None:  # fmt: skip
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))  # no weights for Inception
    metrics = ["inception_score", "fd", "fd"]
    card = ganbench.score(faces, real, features=["lite0", "inception"], detector=None, metrics=metrics)
    ids = ["inception_score[lite0]", "fd[lite0]", "is[inception]", "fid[inception]", "duplicates[pixels]"]
    assert [row.id for row in card.rows] == ids
    assert card["inception_score[lite0]"].value is None
    assert "class logits" in card["inception_score[lite0]"].reason
    assert card["fd[lite0]"].value > 0


def test_images_of_the_reference_are_found_as_copies(real: Reference) -> None:
    copied = np.stack([image for _, image in toyfaces(30, seed=100)])
    copied[1] = copied[0]
    card = ganbench.score(copied, real, detector=None, per_image=True)
    assert card["copies[lite0]"].value == 1
    assert card["duplicates[pixels]"].value == pytest.approx(2 / 30)
    assert card.per_image[1]["duplicate_of"] == "0"
    assert card.per_image[5]["nearest_reference[lite0]"] < 0.01
    assert len(card.per_image) == 30


def test_the_cache_gives_the_same_numbers_and_knows_other_images(
    real: Reference, faces: np.ndarray, ganbench_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = ganbench.score(faces, real, detector=None)
    assert len(list((ganbench_home / "cache" / "features").glob("*.npz"))) == 1

    def no_network(*args: object) -> None:
        raise AssertionError("the network ran although the features were cached")

    with monkeypatch.context() as patch:
        patch.setattr(Extractor, "__call__", no_network)
        assert ganbench.score(faces, real, detector=None).rows == first.rows
        with pytest.raises(AssertionError, match="the network ran"):
            ganbench.score(faces, real, detector=None, cache=False)
    other = ganbench.score(faces[:, ::-1].copy(), real, detector=None)
    assert other["fd[lite0]"].value != first["fd[lite0]"].value
    (damaged, *_) = (ganbench_home / "cache" / "features").glob("*.npz")
    damaged.write_bytes(b"half a file")
    assert ganbench.score(faces, real, detector=None).rows == first.rows


def test_a_cache_that_cannot_be_written_is_a_warning(real: Reference, faces: np.ndarray, ganbench_home: Path) -> None:
    (ganbench_home / "cache" / "features").write_text("a file in the way")
    card = ganbench.score(faces, real, detector=None)
    assert card["fd[lite0]"].value > 0
    assert any("features were not cached" in text for text in card.warnings)


def test_a_missing_detector_is_a_row_with_the_command(real: Reference, faces: np.ndarray) -> None:
    row = ganbench.score(faces, real, detector="opencv-cascade")["afd[opencv-cascade]"]
    assert row.value is None
    assert "ganbench assets add lbpcascade_animeface PATH" in row.reason


def test_absent_weights_and_references_are_rows_never_substitutes(real: Reference, faces: np.ndarray,
                                                                  monkeypatch: pytest.MonkeyPatch,
                                                                  tmp_path: Path) -> None:  # fmt: skip
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    card = ganbench.score(faces, real, features=["inception", "lite0"], detector=None)
    assert card["fid[inception]"].value is None
    assert "ganbench assets fetch inception" in card["fid[inception]"].reason
    assert card["kid[inception]"].value is None
    assert card["fd[lite0]"].value > 0


def test_real_images_serve_as_a_reference(faces: np.ndarray, tmp_path: Path) -> None:
    folder = tmp_path / "real"
    folder.mkdir()
    for i, (_, image) in enumerate(toyfaces(40, size=48, seed=7)):
        Image.fromarray(image).save(folder / f"{i}.png")
    with pytest.raises(ReferenceError, match=r"of 48x48 images, these are 64x64 pixels.*--resize 48x48"):
        ganbench.score(faces, folder, detector=None)
    np.save(tmp_path / "fakes.npy", faces)
    card = ganbench.score(tmp_path / "fakes.npy", folder, detector=None, metrics=["fd"], resize="48")
    assert [row.id for row in card.rows] == ["fd[lite0]", "duplicates[pixels]"]
    assert card.source["resize"] == "pillow-bicubic-48x48"


def test_real_images_are_looked_at_once(
    real: Reference, faces: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    np.save(tmp_path / "real.npy", np.stack([image for _, image in toyfaces(30, seed=9)]))
    first = ganbench.score(faces, tmp_path / "real.npy", detector=None)

    def no_network(*args: object) -> None:
        raise AssertionError("the network ran although the features were cached")

    monkeypatch.setattr(Extractor, "__call__", no_network)
    assert ganbench.score(faces, tmp_path / "real.npy", detector=None).rows == first.rows
    # An image's features are the same whichever side it is on.
    other = ganbench.score(tmp_path / "real.npy", real, detector=None)
    assert other["fd[lite0]"].n == 30


def test_the_networks_are_gone_when_the_metrics_run(
    real: Reference, faces: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    runners = []
    honest = runtime.make_runner

    def watched(*args: object, **options: object) -> object:
        runner = honest(*args, **options)
        runners.append(weakref.ref(runner))
        return runner

    monkeypatch.setattr(runtime, "make_runner", watched)
    alive = []
    monkeypatch.setattr(
        scoring, "exact_duplicates", lambda digests: alive.append(runners[0]()) or exact_duplicates(digests)
    )
    ganbench.score(faces, real, detector=None, cache=False)
    assert len(runners) == 1
    assert alive == [None]


def test_what_goes_wrong_in_arithmetic_is_not_swallowed(
    real: Reference, faces: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Warnings of ours go into the scorecard; all others go on to whoever called."""

    def noisy(digests: list[str]) -> Estimate:
        warnings.warn("overflow", RuntimeWarning, stacklevel=2)
        return exact_duplicates(digests)

    monkeypatch.setattr(scoring, "exact_duplicates", noisy)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        card = ganbench.score(faces, real, detector=None, metrics=["fd"])
    assert "overflow" in [str(w.message) for w in caught]
    assert "overflow" not in card.warnings


def test_a_reference_of_another_extractor_is_refused(real: Reference, faces: np.ndarray) -> None:
    with pytest.raises(ReferenceError, match=r"built with lite0 v1.*scored with lite0 v1.*bf16.*precision"):
        ganbench.score(faces, real, detector=None, precision="bf16")


def test_too_few_images(real: Reference, faces: np.ndarray) -> None:
    with pytest.raises(SourceError, match="at least 2 images, found 1"):
        ganbench.score(faces[:1], real, detector=None)
    card = ganbench.score(faces[:3], real, detector=None)
    assert card["fd[lite0]"].value > 0
    assert card["precision[lite0]"].value is None
    assert "7" in card["precision[lite0]"].reason  # the smallest number that it takes
    card = ganbench.score(faces[:3], real, detector=None, per_image=True)
    assert [set(row) for row in card.per_image] == [{"name", "duplicate_of"}] * 3
    assert any(text.startswith("per image: no distances to real images with lite0") for text in card.warnings)


def test_nan_features_are_an_error_that_names_the_image(
    real: Reference, faces: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = Extractor.__call__

    def broken(self: Extractor, pixels: np.ndarray):
        features, logits = honest(self, pixels)
        features[3, 7] = np.nan
        return features, logits

    monkeypatch.setattr(Extractor, "__call__", broken)
    with pytest.raises(MetricError, match="3"):
        ganbench.score(faces, real, detector=None, cache=False)


def test_one_truncated_image_among_a_thousand(real: Reference, tmp_path: Path, half: str) -> None:
    folder = tmp_path / "generated"
    folder.mkdir()
    with_faces = [image for _, image in toyfaces(20, seed=5)]
    for i in range(1, 1001):
        Image.fromarray(np.roll(with_faces[i % 20], i // 20, axis=1)).save(folder / f"{i}.jpg")
    broken = folder / "417.jpg"
    broken.write_bytes(broken.read_bytes()[:-100])
    with pytest.raises(SourceError, match=r"1 of 1000 images cannot be read: 417\.jpg .*--skip-bad 1"):
        ganbench.score(folder, real, detector=None, metrics=["fd"])
    card = ganbench.score(folder, real, detector=half, metrics=["fd"], skip_bad=1)
    assert (card["fd[lite0]"].n, card["afd[half]"].n) == (999, 999)
    assert card.source["skipped"] == ["417.jpg"]
    assert any("417.jpg was left out" in text for text in card.warnings)
    shutil.rmtree(folder)


@pytest.mark.parametrize("metrics", [None, ["inception_score", "fd"]])
def test_the_results_are_known_before_anything_is_scored(
    metrics: list[str] | None, real: Reference, faces: np.ndarray, half: str
) -> None:
    options = ScoreOptions(metrics=metrics, detector=half)
    assert known_results(options) == [row.id for row in score_source(open_source(faces), real, options).rows]
    assert "afd[yolo:net.onnx]" in known_results(ScoreOptions(detector="yolo:some/where/net.onnx"))


def test_a_negative_seed_is_refused(real: Reference, faces: np.ndarray) -> None:
    with pytest.raises(GanbenchError, match="seed -1: expected 0 or more"):
        ganbench.score(faces, real, detector=None, seed=-1)


def test_unknown_names_suggest(real: Reference, faces: np.ndarray) -> None:
    for arguments in ({"features": "lite"}, {"metrics": ["recal"]}, {"detector": "opencv-cascad"}):
        with pytest.raises(UnknownName, match="Did you mean"):
            ganbench.score(faces, real, **{"detector": None, **arguments})
    with pytest.raises(UnknownName, match="no reference named"):
        ganbench.score(faces, "anime-faces-65")


def test_a_batch_of_a_generator_in_training(real: Reference) -> None:
    import torch

    images = torch.tanh(torch.randn(8, 3, 64, 64, generator=torch.Generator().manual_seed(1)))
    card = ganbench.score(images, real, detector=None, metrics=["fd"], value_range=(-1, 1))
    assert card["fd[lite0]"].value > 0
    with pytest.raises(SourceError, match="never guessed"):
        ganbench.score(images, real, detector=None)
