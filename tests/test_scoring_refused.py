"""What cannot be scored is refused or left out, and said."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

import ganbench
from ganbench.cli.app import app
from ganbench.errors import GanbenchError, MetricError, SourceError, UnknownName
from ganbench.features.extractor import Extractor
from ganbench.references.reference import Reference
from ganbench.scoring.scorecard import Scorecard
from ganbench.toyfaces import toyfaces


def test_too_few_images(toy_reference: Reference, toy_images: np.ndarray) -> None:
    with pytest.raises(SourceError, match="at least 2 images, found 1"):
        ganbench.score(toy_images[:1], toy_reference, detector=None)
    card = ganbench.score(toy_images[:3], toy_reference, detector=None)
    assert card["fd[lite0]"].value > 0
    assert card["precision[lite0]"].value is None
    assert "7" in card["precision[lite0]"].reason  # the smallest number that it takes
    card = ganbench.score(toy_images[:3], toy_reference, detector=None, per_image=True)
    by_index = {"copy_of[lite0]", "alike[lite0]", "blend_of[lite0]", "explained[lite0]"}
    assert [set(row) for row in card.per_image] == [{"name", "duplicate_of"} | by_index] * 3
    assert any(text.startswith("per image: no distances to real images with lite0") for text in card.warnings)


def test_nan_features_are_an_error_that_names_the_image(
    toy_reference: Reference, toy_images: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = Extractor.__call__

    def broken(self: Extractor, pixels: np.ndarray):
        features, logits = honest(self, pixels)
        features[3, 7] = np.nan
        return features, logits

    monkeypatch.setattr(Extractor, "__call__", broken)
    with pytest.raises(MetricError, match="3"):
        ganbench.score(toy_images, toy_reference, detector=None, cache=False)


@pytest.mark.slow
@pytest.mark.usefixtures("own_instruments")  # an extractor that takes no time
def test_one_truncated_image_among_a_thousand(toy_images: np.ndarray, tmp_path: Path, half: str) -> None:
    folder = tmp_path / "generated"
    folder.mkdir()
    with_faces = [image for _, image in toyfaces(20, seed=5)]
    for i in range(1, 1001):
        Image.fromarray(np.roll(with_faces[i % 20], i // 20, axis=1)).save(folder / f"{i}.jpg")
    broken = folder / "417.jpg"
    broken.write_bytes(broken.read_bytes()[:-100])
    chosen = {"reference": toy_images, "features": "own_instruments.features:thumbnail"}
    with pytest.raises(SourceError, match=r"1 of 1000 images cannot be read: 417\.jpg .*--skip-bad 1"):
        ganbench.score(folder, detector=None, metrics=["fd"], **chosen)
    card = ganbench.score(folder, detector=half, metrics=["fd", "afd"], skip_bad=1, **chosen)
    assert (card["fd[thumbnail]"].n, card["afd[half]"].n) == (999, 999)
    assert card.source["skipped"] == ["417.jpg"]
    assert any("417.jpg was left out" in text for text in card.warnings)
    shutil.rmtree(folder)


def test_a_negative_seed_is_refused(toy_reference: Reference, toy_images: np.ndarray) -> None:
    with pytest.raises(GanbenchError, match="seed -1: expected 0 or more"):
        ganbench.score(toy_images, toy_reference, detector=None, seed=-1)


def test_unknown_names_suggest(toy_reference: Reference, toy_images: np.ndarray) -> None:
    for arguments in ({"features": "lite"}, {"metrics": ["recal"]}, {"detector": "opencv-cascad"}):
        with pytest.raises(UnknownName, match="Did you mean"):
            ganbench.score(toy_images, toy_reference, **{"detector": None, **arguments})
    with pytest.raises(UnknownName, match="no reference named"):
        ganbench.score(toy_images, "anime-faces-65")


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
