"""Scoring end to end: toy faces against a toy reference, every kind of result, and everything that can be missing."""

from __future__ import annotations

import dataclasses
import warnings
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

import ganbench
from ganbench.errors import GanbenchError, ReferenceError, SourceError
from ganbench.images.sources import open_source
from ganbench.metrics.base import Estimate, Metric
from ganbench.metrics.registry import METRICS
from ganbench.references.reference import Reference
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
    "blends",
)


@pytest.mark.slow
def test_the_scorecard_has_every_row(toy_reference: Reference, toy_images: np.ndarray, half: str) -> None:
    card = ganbench.score(toy_images, toy_reference, detector=half)
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
def test_other_faces_score_better_than_noise_and_collapse_loses_recall(
    toy_reference: Reference, toy_images: np.ndarray
) -> None:
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, toy_images.shape, dtype=np.uint8)
    modes = [mode_of(face) for face, _ in toyfaces(60, seed=200)]
    assert len(set(modes)) > 20
    one = np.stack([np.roll(toy_images[0], rng.integers(-2, 3, 2), (0, 1)) for _ in range(60)])
    cards = {name: ganbench.score(images, toy_reference, detector=None) for name, images in
             (("faces", toy_images), ("noise", noise), ("one", one))}  # fmt: skip
    assert cards["faces"]["fd[lite0]"].value < cards["one"]["fd[lite0]"].value < cards["noise"]["fd[lite0]"].value
    assert cards["faces"]["recall[lite0]"].value > 0.5
    assert cards["one"]["recall[lite0]"].value < 0.2
    assert cards["one"]["precision[lite0]"].value > 0.8
    assert cards["noise"]["precision[lite0]"].value == 0
    assert cards["one"]["near_duplicates[lite0]"].value > 0.9


@pytest.mark.slow
def test_every_metric_asked_for_has_a_row(
    toy_reference: Reference, toy_images: np.ndarray, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))  # no weights for Inception
    metrics = ["inception_score", "fd", "fd"]
    card = ganbench.score(toy_images, toy_reference, features=["lite0", "inception"], detector=None, metrics=metrics)
    ids = ["inception_score[lite0]", "fd[lite0]", "is[inception]", "fid[inception]"]
    assert [row.id for row in card.rows] == ids
    assert card["inception_score[lite0]"].value is None
    assert "class logits" in card["inception_score[lite0]"].reason
    assert card["fd[lite0]"].value > 0


@pytest.mark.slow
def test_drawn_faces_are_honest_and_copies_of_drawn_faces_are_not(
    toy_reference: Reference, toy_images: np.ndarray
) -> None:
    """Drawn faces look alike more often than real ones: the reference's own tell how often."""
    options = {"detector": None, "metrics": ["copies", "authenticity", "near_duplicates"]}
    honest = ganbench.score(toy_images, toy_reference, **options)
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
        (flag,) = ganbench.score(copied, toy_reference, **options).flags
        assert flag.kind == "copied"
        assert "of the reference's own images, each beside the others" in flag.text
    repeated = ganbench.score(toy_images[np.arange(60) % 15], toy_reference, **options)
    assert [flag.kind for flag in repeated.flags] == ["repeated"]


@pytest.mark.slow
def test_images_of_the_reference_are_found_as_copies(toy_reference: Reference) -> None:
    copied = np.stack([image for _, image in toyfaces(30, seed=100)])
    copied[1] = copied[0]
    card = ganbench.score(copied, toy_reference, detector=None, per_image=True)
    assert card["copies[lite0]"].value == 1
    assert card["duplicates[pixels]"].value == pytest.approx(2 / 30)
    assert card.per_image[1]["duplicate_of"] == "0"
    assert card.per_image[5]["nearest_reference[lite0]"] < 0.01
    assert len(card.per_image) == 30


@pytest.mark.slow
def test_real_images_serve_as_a_reference(toy_images: np.ndarray, tmp_path: Path) -> None:
    folder = tmp_path / "real"
    folder.mkdir()
    for i, (_, image) in enumerate(toyfaces(40, size=48, seed=7)):
        Image.fromarray(image).save(folder / f"{i}.png")
    with pytest.raises(ReferenceError, match=r"of 48x48 images, these are 64x64 pixels.*--resize 48x48"):
        ganbench.score(toy_images, folder, detector=None)
    np.save(tmp_path / "fakes.npy", toy_images)
    card = ganbench.score(tmp_path / "fakes.npy", folder, detector=None, metrics=["fd"], resize="48")
    assert [row.id for row in card.rows] == ["fd[lite0]"]
    assert card.source["resize"] == "pillow-bicubic-48x48"


def test_what_goes_wrong_in_arithmetic_is_not_swallowed(
    toy_images: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Notes of ours travel with the result; Python's own warnings are left to whoever called."""

    def noisy(**sides: object) -> Estimate:
        warnings.warn("overflow", RuntimeWarning, stacklevel=2)
        return Estimate(0.0, None, None, "", 60)

    monkeypatch.setitem(METRICS._entries, "noisy", Metric("noisy", 1, "", "none", "pixels", noisy))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        card = ganbench.score(toy_images, detector=None, metrics="noisy")
    assert "overflow" in [str(w.message) for w in caught]
    assert "overflow" not in card.warnings


@pytest.mark.parametrize("metrics", [None, ("inception_score", "fd")])
def test_the_results_are_known_before_anything_is_scored(
    metrics: tuple[str, ...] | None, toy_reference: Reference, toy_images: np.ndarray, half: str
) -> None:
    detector = half if metrics is None else None
    plan = Plan.of(ScoreOptions(metrics=metrics, references=(toy_reference,), detector=detector))
    assert list(plan.results()) == [row.id for row in score_source(open_source(toy_images), plan).rows]


def test_a_batch_of_a_generator_in_training(toy_reference: Reference) -> None:
    import torch

    images = torch.tanh(torch.randn(8, 3, 64, 64, generator=torch.Generator().manual_seed(1)))
    card = ganbench.score(images, toy_reference, detector=None, metrics=["fd"], value_range=(-1, 1))
    assert card["fd[lite0]"].value > 0
    with pytest.raises(SourceError, match="never guessed"):
        ganbench.score(images, toy_reference, detector=None)


# --- what the card says of itself ---


def test_a_bare_metric_is_a_row_where_only_one_can_be_meant(toy_reference: Reference, toy_images: np.ndarray) -> None:
    card = ganbench.score(toy_images, toy_reference, detector=None, metrics=["fd", "duplicates"])
    assert card["fd"] is card["fd[lite0]"]
    both = dataclasses.replace(card, rows=[*card.rows, dataclasses.replace(card["fd"], id="fd[other]")])
    with pytest.raises(KeyError, match=r"could be any of fd\[lite0\], fd\[other\]"):
        both["fd"]
    with pytest.raises(GanbenchError, match=r"no result 'fid'; this scorecard has fd\[lite0\]"):
        card["fid"]


def test_a_printed_card_is_the_table(toy_reference: Reference, toy_images: np.ndarray) -> None:
    text = str(ganbench.score(toy_images, toy_reference, detector=None, metrics=["fd"]))
    assert "fd[lite0]" in text
    assert "95 % interval" in text
    assert "metrics: fd v1" in text
    assert "\x1b" not in text


def test_a_card_is_never_changed(toy_reference: Reference, toy_images: np.ndarray) -> None:
    card = ganbench.score(toy_images, toy_reference, detector=None, metrics=["fd"])
    with pytest.raises(dataclasses.FrozenInstanceError):
        card.rows = []
