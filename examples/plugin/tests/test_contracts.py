"""Everything in this package keeps the contract of its kind, by the name that its entry point gives it."""

from pathlib import Path

import pytest
import torch

from ganbench.detectors.registry import load_detector
from ganbench.errors import AssetMissing
from ganbench.features.registry import load_extractor
from ganbench.features.spec import BuildOptions
from ganbench.metrics.registry import METRICS
from ganbench.models.registry import MODELS
from ganbench.testing import check_detector, check_extractor, check_metric, check_model, check_objective
from ganbench.training.objectives.registry import OBJECTIVES


@pytest.mark.parametrize("name", ["one_face", "spread"])
def test_metrics(name: str) -> None:
    check_metric(METRICS[name])


def test_extractor() -> None:
    check_extractor(load_extractor("thumbnail"))


def test_extractor_with_weights(tmp_path: Path) -> None:
    torch.save({"1.weight": torch.rand(64, 768)}, tmp_path / "matrix.pth")
    check_extractor(load_extractor("projection", BuildOptions(weights=tmp_path / "matrix.pth")))
    with pytest.raises(AssetMissing, match="--weights"):
        load_extractor("projection")


def test_detector() -> None:
    check_detector(load_detector("skin"))


def test_objective() -> None:
    check_objective(OBJECTIVES["lsgan"], real_label=0.9)


@pytest.mark.parametrize("spectral", [True, False])
def test_model(spectral: bool) -> None:
    check_model(MODELS["residual"], width=2, spectral=spectral)
