"""Instruments and references are used when a metric needs them, and only then."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import ganbench
from ganbench.errors import GanbenchError, ReferenceError
from ganbench.references.reference import Reference
from ganbench.scoring.options import ScoreOptions
from ganbench.scoring.plan import Plan


@pytest.mark.slow
def test_a_missing_detector_is_a_row_with_the_command(toy_reference: Reference, toy_images: np.ndarray) -> None:
    row = ganbench.score(toy_images, toy_reference, detector="opencv-cascade")["afd[opencv-cascade]"]
    assert row.value is None
    assert "ganbench assets add lbpcascade_animeface PATH" in row.reason


def test_absent_weights_and_references_are_rows_never_substitutes(toy_reference: Reference, toy_images: np.ndarray,
                                                                  monkeypatch: pytest.MonkeyPatch,
                                                                  tmp_path: Path) -> None:  # fmt: skip
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    card = ganbench.score(toy_images, toy_reference, features=["inception", "lite0"], detector=None)
    assert card["fid[inception]"].value is None
    assert "ganbench assets fetch inception" in card["fid[inception]"].reason
    assert card["kid[inception]"].value is None
    assert card["fd[lite0]"].value > 0


@pytest.mark.slow
def test_a_reference_of_another_extractor_is_refused(toy_reference: Reference, toy_images: np.ndarray) -> None:
    with pytest.raises(ReferenceError, match=r"built with lite0 v1.*scored with lite0 v1.*bf16.*precision"):
        ganbench.score(toy_images, toy_reference, detector=None, precision="bf16")


def test_a_metric_on_detections_needs_no_extractor(
    toy_images: np.ndarray, half: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ganbench.scoring.plan.specify_extractor", _not_called)
    monkeypatch.setattr("ganbench.features.collect.load_extractor", _not_called)
    card = ganbench.score(toy_images, detector=half, metrics="afd")
    assert [(row.id, row.value) for row in card.rows] == [("afd[half]", 0.5)]
    assert card.reference == {}


def test_a_metric_on_features_needs_no_detector(
    toy_reference: Reference, toy_images: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ganbench.scoring.plan.load_detector", _not_called)
    monkeypatch.setattr("ganbench.scoring.look.load_detector", _not_called)
    assert [row.id for row in ganbench.score(toy_images, toy_reference, metrics="fd").rows] == ["fd[lite0]"]


def test_pixels_need_nothing(toy_images: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ganbench.scoring.plan.specify_extractor", _not_called)
    monkeypatch.setattr("ganbench.scoring.plan.load_detector", _not_called)
    monkeypatch.setattr("ganbench.scoring.look.load_detector", _not_called)
    assert [row.id for row in ganbench.score(toy_images, metrics="duplicates").rows] == ["duplicates[pixels]"]


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
    choices: dict[str, object], message: str, toy_images: np.ndarray, half: str
) -> None:
    with pytest.raises(GanbenchError, match=message):
        ganbench.score(toy_images, **choices)


def test_fid_on_inception_features_is_fd(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    plan = Plan.of(ScoreOptions(features=("inception",), metrics=("fid", "fd", "is"), detector=None))
    assert list(plan.results()) == ["fid[inception]", "is[inception]"]


def test_two_references_of_one_extractor_are_refused(toy_reference: Reference, toy_images: np.ndarray) -> None:
    with pytest.raises(ReferenceError, match="toys and anime-faces-64 are both references of lite0"):
        ganbench.score(toy_images, [toy_reference, "anime-faces-64"], detector=None)


@pytest.mark.slow
def test_a_second_reference_serves_a_second_extractor(
    toy_reference: Reference, toy_images: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tiny.py").write_text(
        "import torch\n\n\nclass Means(torch.nn.Module):\n    name, input_size = 'means', 8\n\n"
        "    def forward(self, x):\n        return x.mean((2, 3)) / 255\n"
    )
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ReferenceError, match="built with lite0 v1"):  # for nobody: it is not dropped without a word
        ganbench.score(toy_images, toy_reference, features="tiny:Means", detector=None)
    built = Plan.of(ScoreOptions(features=("tiny:Means",), references=(toy_images[:30],), detector=None))
    other = built.references["means"]
    card = ganbench.score(
        toy_images, [other, toy_reference], features=["lite0", "tiny:Means"], detector=None, metrics="kd"
    )
    assert [row.id for row in card.rows] == ["kd[lite0]", "kd[means]"]
    assert all(row.value is not None for row in card.rows)
    assert card.reference.keys() == {"lite0", "means"}
    alone = ganbench.score(toy_images, toy_reference, features=["lite0", "tiny:Means"], detector=None, metrics="kd")
    assert alone["kd[lite0]"] == card["kd[lite0]"]
    assert "reference toys was built with lite0" in alone["kd[means]"].reason
