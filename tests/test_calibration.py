"""Calibration of a detector's threshold: the ROC curve, its area, and the command."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score
from typer.testing import CliRunner

from ganbench.cli.app import app
from ganbench.detectors.calibration import area, operating_point, roc
from ganbench.errors import MetricError
from ganbench.toyfaces import toyfaces


def test_area_is_that_of_scikit_learn(rng: np.random.Generator) -> None:
    real, fake = rng.normal(0.6, 0.2, 300).round(2), rng.normal(0.4, 0.2, 200).round(2)  # rounded: with ties
    expected = roc_auc_score(np.repeat([1, 0], [300, 200]), np.concatenate([real, fake]))
    assert area(real, fake) == pytest.approx(expected, abs=1e-12)


def test_the_curve_counts_what_passes() -> None:
    real, fake = np.array([0.9, 0.8, 0.3, 0.0]), np.array([0.8, 0.1, 0.0, 0.0, 0.0])
    points = {p.threshold: (p.real, p.fake) for p in roc(real, fake)}
    assert points == {
        float("inf"): (0, 0),
        0.9: (0.25, 0),
        0.8: (0.5, 0.2),
        0.3: (0.75, 0.2),
        0.1: (0.75, 0.4),  # a score of 0 means that there is no box: no threshold lets it pass
    }


def test_the_operating_point_is_the_most_lenient_one_allowed() -> None:
    points = roc(np.array([0.9, 0.8, 0.3]), np.array([0.8, 0.1]))
    assert operating_point(points, 0.0).threshold == 0.9
    assert operating_point(points, 0.5).threshold == 0.3
    assert operating_point(points, 1.0).threshold == 0.1
    assert operating_point(roc(np.array([0.5]), np.array([0.9])), 0.0).real == 0  # nothing separates them


def test_both_sides_are_needed() -> None:
    with pytest.raises(MetricError, match="at least one real image and one without a face"):
        roc(np.array([0.5]), np.array([]))


def test_the_command_finds_a_threshold_that_separates_faces_from_noise(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    np.save(tmp_path / "faces.npy", np.stack([image for _, image in toyfaces(40, seed=9)]))
    np.save(tmp_path / "noise.npy", rng.integers(0, 256, (40, 64, 64, 3), dtype=np.uint8))
    arguments = ["afd", "calibrate", "--real", str(tmp_path / "faces.npy"), "--fake", str(tmp_path / "noise.npy")]
    arguments += ["--fpr", "0", "--plot", str(tmp_path / "roc.png")]
    done = CliRunner().invoke(app, [*arguments, "--json"])
    assert done.exit_code == 0, done.output
    result = json.loads(done.stdout)
    assert result["area"] > 0.99
    assert result["fake"] == 0
    assert result["real"] > 0.9
    assert (result["n_real"], result["n_fake"]) == (40, 40)
    assert (tmp_path / "roc.png").read_bytes().startswith(b"\x89PNG")
    told = CliRunner().invoke(app, arguments)
    assert f"--conf {result['threshold']:.4g}" in told.stdout
