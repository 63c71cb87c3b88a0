"""Extractors through torch-fidelity on weights of the user's, and extractors of the user's own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision
from random_networks import clip_state, dinov2_state, write_dinov2_code, write_vgg16

from ganbench.errors import AssetError, AssetMissing, GanbenchError, MetricError, UnknownName
from ganbench.features.registry import EXTRACTORS, load_extractor
from ganbench.features.spec import BuildOptions


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    coarse = np.random.default_rng(4).integers(0, 256, (2, 8, 8, 3), dtype=np.uint8)
    return coarse.repeat(8, axis=1).repeat(8, axis=2)


@pytest.fixture(scope="module")
def vgg16_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_vgg16(tmp_path_factory.mktemp("vgg16"))


def relative(found: np.ndarray, expected: torch.Tensor) -> float:
    return float(np.abs(found - expected.numpy()).max() / expected.abs().max())


@pytest.mark.slow
def test_vgg16_is_torch_fidelitys(vgg16_weights: Path, images: np.ndarray) -> None:
    from torch_fidelity.feature_extractor_vgg16 import FeatureExtractorVGG16

    (expected,) = FeatureExtractorVGG16("vgg16", ["fc2_relu"], str(vgg16_weights))(
        torch.from_numpy(images).permute(0, 3, 1, 2)
    )
    ours = load_extractor("vgg16", BuildOptions(weights=vgg16_weights, device="cpu"))
    features, logits = ours(images)
    assert features.shape == (2, 4096)
    assert logits is None
    assert relative(features, expected) <= 1e-4
    assert float(expected.std(0).max()) > 1e-3
    assert "tf1 to 224 px" in ours.spec.protocol
    assert "not the published weights" in ours.spec.protocol


@pytest.mark.slow
def test_clip_is_torch_fidelitys(images: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from torch_fidelity.feature_extractor_clip import FeatureExtractorCLIP

    state = clip_state()
    torch.save(state, tmp_path / "clip.pth")

    class Program:
        state_dict = staticmethod(lambda: dict(state))

    monkeypatch.setattr(torch.jit, "load", lambda *_, **__: Program())
    (expected,) = FeatureExtractorCLIP("clip-vit-b-32", ["clip"], "unused")(
        torch.from_numpy(images).permute(0, 3, 1, 2)
    )
    monkeypatch.undo()
    ours = load_extractor("clip-vit-b-32", BuildOptions(weights=tmp_path / "clip.pth", device="cpu"))
    assert relative(ours(images)[0], expected) <= 1e-4
    torch.save({**state, "visual.conv1.weight": torch.zeros(768, 3, 16, 16)}, tmp_path / "b16.pth")
    with pytest.raises(AssetError, match="another"):
        load_extractor("clip-vit-b-32", BuildOptions(weights=tmp_path / "b16.pth", device="cpu"))


def test_a_torchscript_program_that_is_not_the_published_one_is_not_opened(tmp_path: Path) -> None:
    torch.jit.script(torch.nn.Linear(2, 2)).save(str(tmp_path / "program.pt"))
    with pytest.raises(AssetError, match="TorchScript program"):
        load_extractor("clip-vit-b-32", BuildOptions(weights=tmp_path / "program.pt", device="cpu"))


def test_dinov2_takes_its_code_from_the_hub_folder(
    images: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    weights = dinov2_state("dinov2-vit-s-14")
    torch.save(weights, tmp_path / "dino.pth")
    options = BuildOptions(weights=tmp_path / "dino.pth", device="cpu")
    with pytest.raises(AssetMissing, match=r"torch.hub.load\('facebookresearch/dinov2', 'dinov2_vits14'"):
        load_extractor("dinov2-vit-s-14", options)
    write_dinov2_code(tmp_path)
    from torch_fidelity.interpolate_compat_tensorflow import interpolate_bilinear_2d_like_tensorflow1x

    x = torch.from_numpy(images).permute(0, 3, 1, 2).float()
    x = interpolate_bilinear_2d_like_tensorflow1x(x, (224, 224), align_corners=False)
    x = torchvision.transforms.functional.normalize(x / 255, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    expected = x.mean((2, 3)) @ weights["linear.weight"].t()
    assert relative(load_extractor("dinov2-vit-s-14", options)(images)[0], expected) <= 1e-4


@pytest.mark.parametrize("name", [name for name in EXTRACTORS if not EXTRACTORS[name].exportable])
def test_without_weights_the_command_is_named(name: str) -> None:
    with pytest.raises(AssetMissing, match="--weights PATH/"):
        load_extractor(name)
    with pytest.raises(UnknownName, match="one resize protocol"):
        load_extractor(f"{name}:clean")


@pytest.mark.slow
def test_weights_of_another_network_are_refused(vgg16_weights: Path, tmp_path: Path) -> None:
    torch.save({"a": torch.zeros(2)}, tmp_path / "a.pth")
    with pytest.raises(AssetError, match="weights of another network, not vgg16"):
        load_extractor("vgg16", BuildOptions(weights=tmp_path / "a.pth", device="cpu"))
    with pytest.raises(AssetError, match="weights of another network, not inception"):
        load_extractor("inception", BuildOptions(weights=vgg16_weights, device="cpu"))


MODULE = """
import torch

class Colours(torch.nn.Module):
    def __init__(self, scale=1.0):
        super().__init__()
        self.scale = torch.nn.Parameter(torch.tensor([scale]))
    def forward(self, x):
        return x.mean((2, 3)) * self.scale

def colours():
    return Colours()

def marked():
    net = Colours(2.0)
    net.input_size, net.resize, net.name, net.version = 32, "tf1", "colours", 3
    return net

def odd_resize():
    net = Colours()
    net.resize = "nearest"
    return net

def odd_size():
    net = Colours()
    net.input_size = 0
    return net

def images():
    return torch.nn.Identity()

def nothing():
    return None

def broken():
    raise KeyError("no weights here")

constant = 3
"""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own_networks").mkdir()
    (tmp_path / "own_networks" / "nets.py").write_text(MODULE)
    (tmp_path / "own_networks" / "needy.py").write_text("import absent_library_x\n")
    monkeypatch.syspath_prepend(tmp_path)


@pytest.mark.usefixtures("own")
def test_a_network_of_the_users_own(images: np.ndarray) -> None:
    plain = load_extractor("own_networks.nets:colours", BuildOptions(device="cpu"))
    features, logits = plain(images)
    np.testing.assert_allclose(features, images.mean((1, 2)), rtol=1e-3)
    assert logits is None
    assert plain.spec.protocol.startswith("own_networks.nets:colours v1, bicubic-aa to 224 px, weights ")
    marked = load_extractor("own_networks.nets:marked", BuildOptions(device="cpu"))
    assert marked.spec.protocol.startswith("colours v3, tf1 to 32 px, weights ")
    assert marked.spec.protocol.endswith("from own_networks.nets:marked")
    np.testing.assert_allclose(marked(images)[0], 2 * images.mean((1, 2)), rtol=2e-2)
    # Weights decide the hash, and equal weights give equal hashes.
    assert marked.spec.weights_sha256 != plain.spec.weights_sha256
    assert load_extractor("own_networks.nets:colours", BuildOptions(device="cpu")).spec == plain.spec


@pytest.mark.usefixtures("own")
def test_a_network_of_the_users_own_scores(image_folder: Path) -> None:
    import ganbench

    card = ganbench.score(image_folder, image_folder, "own_networks.nets:marked", None, metrics=["fd"], cache=False)
    assert {row.id: row.value for row in card.rows}["fd[colours]"] == pytest.approx(0, abs=1e-6)


@pytest.mark.usefixtures("own")
@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("own_networks.nets:missing", UnknownName, "has no 'missing'"),
        ("own_networks.nets:constant", GanbenchError, "constant is no extractor: it is int"),
        ("own_networks.absent:colours", UnknownName, "no extractor or module"),
        ("incption:clean", UnknownName, "Did you mean 'inception'"),
        ("own_networks.needy:colours", GanbenchError, "No module named 'absent_library_x'"),
        ("own_networks.nets:nothing", GanbenchError, "returned NoneType, not a torch.nn.Module"),
        ("own_networks.nets:broken", GanbenchError, "the factory fails: KeyError: .no weights here"),
        ("own_networks.nets:images", MetricError, "must map"),
        ("own_networks.nets:odd_resize", UnknownName, "the module's resize is 'nearest'"),
        ("own_networks.nets:odd_size", GanbenchError, "input_size must be a positive whole number"),
    ],
)
def test_what_is_wrong_with_it_is_said(name: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        load_extractor(name, BuildOptions(device="cpu"))


@pytest.mark.usefixtures("own")
def test_weights_do_not_apply_to_it(tmp_path: Path) -> None:
    with pytest.raises(AssetError, match="does not apply"):
        load_extractor("own_networks.nets:colours", BuildOptions(weights=tmp_path / "w.pth"))
