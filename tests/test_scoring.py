"""Scoring end to end: toy faces against a toy reference, every kind of result, and everything that can be missing."""

from __future__ import annotations

import dataclasses
import shutil
import warnings
import weakref
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

import ganbench
from ganbench.cli.app import app
from ganbench.detectors.base import Detection, Detector
from ganbench.detectors.registry import DETECTORS
from ganbench.errors import GanbenchError, MetricError, ReferenceError, SourceError, UnknownName
from ganbench.features import runtime
from ganbench.features.extractor import Extractor
from ganbench.images.sources import open_source
from ganbench.metrics.base import Estimate, Metric
from ganbench.metrics.registry import METRICS
from ganbench.references.reference import Reference
from ganbench.scoring.cached import score_cached
from ganbench.scoring.options import ScoreOptions
from ganbench.scoring.plan import Plan
from ganbench.scoring.score import score_source
from ganbench.scoring.scorecard import Scorecard
from ganbench.toyfaces import mode_of, toyfaces

FEATURE_METRICS = (
    "fd",
    "kd",
    "mmd_rbf",
    "precision",
    "recall",
    "density",
    "coverage",
    "near_duplicates",
    "copies",
    "authenticity",
)


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


@pytest.mark.slow
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
    assert card["afd[half]"].protocol == "half v1; afd v1"
    assert "against toys: 120 images, sample 120" in card["fd[lite0]"].protocol
    assert card["duplicates[pixels]"].value == 0
    assert card.source["image_size"] == [64, 64]
    assert card.reference["lite0"]["name"] == "toys"
    assert any("fd[lite0]" in text for text in card.warnings)  # 60 images cannot span 1,280 features


@pytest.mark.slow
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


@pytest.mark.slow
def test_every_metric_asked_for_has_a_row(real: Reference, faces: np.ndarray, monkeypatch: pytest.MonkeyPatch,
                                          tmp_path: Path) -> None:  # fmt: skip
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))  # no weights for Inception
    metrics = ["inception_score", "fd", "fd"]
    card = ganbench.score(faces, real, features=["lite0", "inception"], detector=None, metrics=metrics)
    ids = ["inception_score[lite0]", "fd[lite0]", "is[inception]", "fid[inception]"]
    assert [row.id for row in card.rows] == ids
    assert card["inception_score[lite0]"].value is None
    assert "class logits" in card["inception_score[lite0]"].reason
    assert card["fd[lite0]"].value > 0


@pytest.mark.slow
def test_drawn_faces_are_honest_and_copies_of_drawn_faces_are_not(real: Reference, faces: np.ndarray) -> None:
    """Drawn faces look alike more often than real ones: the reference's own tell how often."""
    options = {"detector": None, "metrics": ["copies", "authenticity", "near_duplicates"]}
    honest = ganbench.score(faces, real, **options)
    assert honest.flags == []
    assert honest["copies[lite0]"].value > 0.02  # which nothing measured on photographs would let pass
    own = honest.reference["lite0"]["own"]
    assert own["images"] == 120
    assert own["figures"]["near_duplicates"]["n"] == 120
    assert Scorecard.from_json(honest.to_json()) == honest
    taken = np.stack([image for _, image in toyfaces(60, seed=100)])
    jpeg = [
        cv2.imdecode(cv2.imencode(".jpg", one, [cv2.IMWRITE_JPEG_QUALITY, 60])[1], cv2.IMREAD_COLOR) for one in taken
    ]
    for copied in (taken, np.stack(jpeg), np.roll(taken, 2, axis=2), np.ascontiguousarray(taken[:, :, ::-1])):
        (flag,) = ganbench.score(copied, real, **options).flags
        assert flag.kind == "copied"
        assert "of the reference's own images, each beside the others" in flag.text
    repeated = ganbench.score(faces[np.arange(60) % 15], real, **options)
    assert [flag.kind for flag in repeated.flags] == ["repeated"]


@pytest.mark.slow
def test_images_of_the_reference_are_found_as_copies(real: Reference) -> None:
    copied = np.stack([image for _, image in toyfaces(30, seed=100)])
    copied[1] = copied[0]
    card = ganbench.score(copied, real, detector=None, per_image=True)
    assert card["copies[lite0]"].value == 1
    assert card["duplicates[pixels]"].value == pytest.approx(2 / 30)
    assert card.per_image[1]["duplicate_of"] == "0"
    assert card.per_image[5]["nearest_reference[lite0]"] < 0.01
    assert len(card.per_image) == 30


@pytest.mark.slow
def test_the_cache_gives_the_same_numbers_and_knows_other_images(
    real: Reference, faces: np.ndarray, ganbench_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = ganbench.score(faces, real, detector=None)
    assert len(list((ganbench_home / "cache" / "features").glob("*.cache"))) == 1

    def no_network(*args: object) -> None:
        raise AssertionError("the network ran although the features were cached")

    with monkeypatch.context() as patch:
        patch.setattr(Extractor, "__call__", no_network)
        assert ganbench.score(faces, real, detector=None).rows == first.rows
        with pytest.raises(AssertionError, match="the network ran"):
            ganbench.score(faces, real, detector=None, cache=False)
    other = ganbench.score(faces[:, ::-1].copy(), real, detector=None)
    assert other["fd[lite0]"].value != first["fd[lite0]"].value
    (damaged, *_) = (ganbench_home / "cache" / "features").glob("*.cache")
    damaged.write_bytes(b"half a file")
    assert ganbench.score(faces, real, detector=None).rows == first.rows


@pytest.mark.slow
def test_a_cache_that_cannot_be_written_is_a_warning(real: Reference, faces: np.ndarray, ganbench_home: Path) -> None:
    (ganbench_home / "cache" / "features").write_text("a file in the way")
    card = ganbench.score(faces, real, detector=None)
    assert card["fd[lite0]"].value > 0
    assert any("the cache: a set of features was not kept: cannot write" in text for text in card.warnings)


@pytest.mark.slow
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


@pytest.mark.slow
def test_real_images_serve_as_a_reference(faces: np.ndarray, tmp_path: Path) -> None:
    folder = tmp_path / "real"
    folder.mkdir()
    for i, (_, image) in enumerate(toyfaces(40, size=48, seed=7)):
        Image.fromarray(image).save(folder / f"{i}.png")
    with pytest.raises(ReferenceError, match=r"of 48x48 images, these are 64x64 pixels.*--resize 48x48"):
        ganbench.score(faces, folder, detector=None)
    np.save(tmp_path / "fakes.npy", faces)
    card = ganbench.score(tmp_path / "fakes.npy", folder, detector=None, metrics=["fd"], resize="48")
    assert [row.id for row in card.rows] == ["fd[lite0]"]
    assert card.source["resize"] == "pillow-bicubic-48x48"


@pytest.mark.slow
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

    def watchful(**sides: object) -> Estimate:
        alive.append(runners[0]())
        return Estimate(0.0, None, None, "", 60)

    monkeypatch.setitem(METRICS._entries, "watch", Metric("watch", 1, "", "none", "features", watchful))
    ganbench.score(faces, real, detector=None, metrics="watch", cache=False)
    assert len(runners) == 1
    assert alive == [None]


def test_what_goes_wrong_in_arithmetic_is_not_swallowed(faces: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    """Notes of ours travel with the result; Python's own warnings are left to whoever called."""

    def noisy(**sides: object) -> Estimate:
        warnings.warn("overflow", RuntimeWarning, stacklevel=2)
        return Estimate(0.0, None, None, "", 60)

    monkeypatch.setitem(METRICS._entries, "noisy", Metric("noisy", 1, "", "none", "pixels", noisy))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        card = ganbench.score(faces, detector=None, metrics="noisy")
    assert "overflow" in [str(w.message) for w in caught]
    assert "overflow" not in card.warnings


@pytest.mark.slow
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
    assert [set(row) for row in card.per_image] == [{"name", "duplicate_of", "copy_of[lite0]", "alike[lite0]"}] * 3
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


@pytest.mark.slow
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
    card = ganbench.score(folder, real, detector=half, metrics=["fd", "afd"], skip_bad=1)
    assert (card["fd[lite0]"].n, card["afd[half]"].n) == (999, 999)
    assert card.source["skipped"] == ["417.jpg"]
    assert any("417.jpg was left out" in text for text in card.warnings)
    shutil.rmtree(folder)


@pytest.mark.parametrize("metrics", [None, ("inception_score", "fd")])
def test_the_results_are_known_before_anything_is_scored(
    metrics: tuple[str, ...] | None, real: Reference, faces: np.ndarray, half: str
) -> None:
    detector = half if metrics is None else None
    plan = Plan.of(ScoreOptions(metrics=metrics, references=(real,), detector=detector))
    assert list(plan.results()) == [row.id for row in score_source(open_source(faces), plan).rows]


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


# --- instruments are used when a metric needs them, and only then ---


def test_a_metric_on_detections_needs_no_extractor(
    faces: np.ndarray, half: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ganbench.scoring.plan.specify_extractor", _not_called)
    monkeypatch.setattr("ganbench.features.collect.load_extractor", _not_called)
    card = ganbench.score(faces, detector=half, metrics="afd")
    assert [(row.id, row.value) for row in card.rows] == [("afd[half]", 0.5)]
    assert card.reference == {}


def test_a_metric_on_features_needs_no_detector(
    real: Reference, faces: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ganbench.scoring.plan.load_detector", _not_called)
    monkeypatch.setattr("ganbench.scoring.look.load_detector", _not_called)
    assert [row.id for row in ganbench.score(faces, real, metrics="fd").rows] == ["fd[lite0]"]


def test_pixels_need_nothing(faces: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ganbench.scoring.plan.specify_extractor", _not_called)
    monkeypatch.setattr("ganbench.scoring.plan.load_detector", _not_called)
    monkeypatch.setattr("ganbench.scoring.look.load_detector", _not_called)
    assert [row.id for row in ganbench.score(faces, metrics="duplicates").rows] == ["duplicates[pixels]"]


def _not_called(*args: object, **kwargs: object) -> None:
    raise AssertionError("it is not needed here")


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"metrics": "fd", "conf": 0.5}, r"--conf: no metric asked for \(fd\) needs a detector"),
        ({"metrics": "fd", "detector": "half"}, r"--detector half: no metric asked for \(fd\) needs a detector"),
        ({"metrics": "afd", "detector": None}, r"--metric afd needs a detector, and there is none"),
        ({"metrics": "afd", "features": "inception"}, r"--features inception: no metric asked for \(afd\) reads"),
        ({"metrics": "afd", "reference": "anime-faces-64"}, r"--reference: no metric asked for \(afd\) reads features"),
        (
            {"metrics": "duplicates", "weights": "w.pth"},
            r"--weights: no metric asked for \(duplicates\) reads features",
        ),
        ({"metrics": "fid"}, r"FID is a name for Inception features alone; on lite0 .* called 'fd'"),
        ({"metrics": "KID"}, r"KID is a name for Inception features alone; on lite0 .* called 'kd'"),
    ],
)
def test_a_choice_that_nothing_would_read_is_refused(
    choices: dict[str, object], message: str, faces: np.ndarray, half: str
) -> None:
    with pytest.raises(GanbenchError, match=message):
        ganbench.score(faces, **choices)


def test_fid_on_inception_features_is_fd(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    plan = Plan.of(ScoreOptions(features=("inception",), metrics=("fid", "fd", "is"), detector=None))
    assert list(plan.results()) == ["fid[inception]", "is[inception]"]


# --- references ---


def test_two_references_of_one_extractor_are_refused(real: Reference, faces: np.ndarray) -> None:
    with pytest.raises(ReferenceError, match="toys and anime-faces-64 are both references of lite0"):
        ganbench.score(faces, [real, "anime-faces-64"], detector=None)


@pytest.mark.slow
def test_a_second_reference_serves_a_second_extractor(
    real: Reference, faces: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tiny.py").write_text(
        "import torch\n\n\nclass Means(torch.nn.Module):\n    name, input_size = 'means', 8\n\n"
        "    def forward(self, x):\n        return x.mean((2, 3)) / 255\n"
    )
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ReferenceError, match="built with lite0 v1"):  # for nobody: it is not dropped without a word
        ganbench.score(faces, real, features="tiny:Means", detector=None)
    built = Plan.of(ScoreOptions(features=("tiny:Means",), references=(faces[:30],), detector=None))
    other = built.references["means"]
    card = ganbench.score(faces, [other, real], features=["lite0", "tiny:Means"], detector=None, metrics="kd")
    assert [row.id for row in card.rows] == ["kd[lite0]", "kd[means]"]
    assert all(row.value is not None for row in card.rows)
    assert card.reference.keys() == {"lite0", "means"}
    alone = ganbench.score(faces, real, features=["lite0", "tiny:Means"], detector=None, metrics="kd")
    assert alone["kd[lite0]"] == card["kd[lite0]"]
    assert "reference toys was built with lite0" in alone["kd[means]"].reason


# --- versions ---


def test_the_version_of_a_metric_is_in_its_protocol_and_in_the_key_of_the_cache(
    real: Reference, faces: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = ScoreOptions(references=(real,), metrics=("kd", "fd"), detector=None)
    first = score_cached(open_source(faces), Plan.of(options))
    kd = METRICS["kd"]

    def doubled(**sides: object) -> Estimate:
        found = kd.compute(**sides)
        return dataclasses.replace(found, value=2 * found.value)

    monkeypatch.setitem(METRICS._entries, "kd", dataclasses.replace(kd, version=2, compute=doubled))
    second = score_cached(open_source(faces), Plan.of(options))
    assert second["kd"].value == 2 * first["kd"].value
    assert first["kd"].protocol.endswith("; kd v1")
    assert second["kd"].protocol.endswith("; kd v2")
    assert second["fd"] == first["fd"]


@pytest.mark.slow
def test_a_new_default_metric_appears_although_a_scorecard_is_cached(
    real: Reference, faces: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = ScoreOptions(references=(real,), detector=None)
    before = score_cached(open_source(faces), Plan.of(options))
    monkeypatch.setitem(
        METRICS._entries,
        "count",
        Metric(
            "count", 1, "Images", "none", "pixels", lambda *, real, fake, seed: Estimate(fake.n, None, None, "", 60)
        ),
    )
    after = score_cached(open_source(faces), Plan.of(options))
    assert {row.id for row in after.rows} - {row.id for row in before.rows} == {"count[pixels]"}


def test_every_file_is_read_once(real: Reference, image_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    honest = Path.open

    def counted(path: Path, *how: object, **more: object) -> object:
        if path.parent == image_folder:
            read.append(path.name)
        return honest(path, *how, **more)

    monkeypatch.setattr(Path, "open", counted)
    card = ganbench.score(image_folder, real, detector=None, metrics="kd", cache=False)
    assert sorted(read) == sorted(path.name for path in image_folder.iterdir())
    assert card.source["digest"] == open_source(image_folder).digest()


# --- what the card says of itself ---


def test_a_bare_metric_is_a_row_where_only_one_can_be_meant(real: Reference, faces: np.ndarray) -> None:
    card = ganbench.score(faces, real, detector=None, metrics=["fd", "duplicates"])
    assert card["fd"] is card["fd[lite0]"]
    both = dataclasses.replace(card, rows=[*card.rows, dataclasses.replace(card["fd"], id="fd[other]")])
    with pytest.raises(KeyError, match=r"could be any of fd\[lite0\], fd\[other\]"):
        both["fd"]
    with pytest.raises(GanbenchError, match=r"no result 'fid'; this scorecard has fd\[lite0\]"):
        card["fid"]


def test_a_printed_card_is_the_table(real: Reference, faces: np.ndarray) -> None:
    text = str(ganbench.score(faces, real, detector=None, metrics=["fd"]))
    assert "fd[lite0]" in text
    assert "95 % interval" in text
    assert "metrics: fd v1" in text
    assert "\x1b" not in text


def test_a_card_is_never_changed(real: Reference, faces: np.ndarray) -> None:
    card = ganbench.score(faces, real, detector=None, metrics=["fd"])
    with pytest.raises(dataclasses.FrozenInstanceError):
        card.rows = []


def test_a_scorecard_of_nothing_that_was_asked_for_ends_in_an_error(
    image_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    np.savez(tmp_path / "plain.npz", mu=np.zeros(1280), sigma=np.eye(1280))
    card = tmp_path / "card.json"
    reference = ["--reference", str(tmp_path / "plain.npz"), "--json", str(card)]
    asked = ["score", str(image_folder), "--resize", "32", "--detector", "none", *reference]
    result = CliRunner().invoke(app, [*asked, "--metric", "kd", "--metric", "duplicates"])
    assert isinstance(result.exception, GanbenchError)
    assert result.exception.exit_code == 2
    assert "nothing could be measured with lite0: the real side holds only a mean" in str(result.exception)
    assert Scorecard.read(card)["duplicates"].value is not None
    assert CliRunner().invoke(app, [*asked, "--metric", "fd", "--metric", "kd"]).exit_code == 0
