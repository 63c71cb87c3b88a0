"""Extractor ``inception`` against torch-fidelity, pytorch-fid and clean-fid on the same random weights and images."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric
from torch_fidelity.metric_isc import isc_features_to_metric
from torch_fidelity.metric_kid import kid_features_to_metric
from torch_fidelity.metric_prc import prc_features_to_metric

from ganbench.errors import AssetError, AssetMissing, UnknownName
from ganbench.features import inception
from ganbench.features.extractor import Extractor
from ganbench.features.registry import load_extractor
from ganbench.features.runtime import TorchRunner
from ganbench.features.spec import BuildOptions

sys.path.insert(0, str(Path(__file__).parent))
from random_inception import random_images

FEATURES, LOGITS = "2048", "logits_unbiased"


@pytest.fixture(scope="module")
def weights(inception_weights: Path) -> Path:
    return inception_weights


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return random_images(8, seed=1)


@pytest.fixture(scope="module")
def fidelity(weights: Path) -> torch.nn.Module:
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    return FeatureExtractorInceptionV3("inception-v3-compat", [FEATURES, LOGITS], str(weights))


@pytest.fixture(scope="module")
def expected(fidelity: torch.nn.Module, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    features, logits = fidelity(torch.from_numpy(images).permute(0, 3, 1, 2))
    return features.numpy(), logits.numpy()


@pytest.fixture(scope="module")
def extractor(weights: Path) -> Extractor:
    return load_extractor("inception", BuildOptions(weights=weights, device="cpu"))


def relative(found: np.ndarray, expected: np.ndarray) -> float:
    """Return the largest difference relative to the largest expected number."""
    return float(np.abs(found - expected).max() / np.abs(expected).max())


@pytest.mark.slow
def test_features_and_logits_are_torch_fidelitys(
    extractor: Extractor, images: np.ndarray, expected: tuple[np.ndarray, np.ndarray]
) -> None:
    features, logits = extractor(images)
    assert features.shape == (8, 2048)
    assert logits is not None
    assert logits.shape == (8, 1008)
    assert relative(features, expected[0]) <= 1e-4
    assert relative(logits, expected[1]) <= 1e-4
    # The comparison means something only if the images differ in their features.
    assert expected[0].std(0).mean() > 0.05


@pytest.mark.slow
def test_large_and_odd_images_are_too(extractor: Extractor, fidelity: torch.nn.Module) -> None:
    images = np.ascontiguousarray(random_images(2, seed=3, size=340)[:, :, :301])
    features, logits = fidelity(torch.from_numpy(images).permute(0, 3, 1, 2))
    found = extractor(images)
    assert relative(found[0], features.numpy()) <= 1e-4
    assert relative(found[1], logits.numpy()) <= 1e-4


@pytest.mark.slow
def test_pytorch_and_bf16_agree_with_the_export(
    extractor: Extractor, weights: Path, images: np.ndarray, expected: tuple[np.ndarray, np.ndarray]
) -> None:
    options = BuildOptions(weights=weights, device="cpu")
    in_torch = Extractor(extractor.spec, TorchRunner(inception.build(extractor.spec, options), "cpu", "fp32"))
    assert relative(in_torch(images)[0], expected[0]) <= 1e-4
    rough = load_extractor("inception", BuildOptions(weights=weights, device="cpu", precision="bf16"))
    features, logits = rough(images)
    assert features.dtype == logits.dtype == np.float32
    stated = re.search(r"bf16, feature error ([0-9.]+) % of fp32 on 4 smooth images", rough.spec.protocol)
    assert stated is not None
    # Random deep networks amplify rounding far more than trained ones; what is stated must be what other images show.
    error = np.linalg.norm(features - expected[0]) / np.linalg.norm(expected[0])
    assert 0.2 < error / (float(stated[1]) / 100) < 5
    assert rough.spec.key() != extractor.spec.key()
    assert replace(rough.spec, note="") == rough.spec


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cuda_agrees_with_the_cpu(extractor: Extractor, weights: Path, images: np.ndarray) -> None:
    expected = extractor(images)
    found = load_extractor("inception", BuildOptions(weights=weights, device="cuda"))(images)
    assert relative(found[0], expected[0]) <= 1e-4
    assert relative(found[1], expected[1]) <= 1e-4
    rough = load_extractor("inception", BuildOptions(weights=weights, device="cuda", precision="bf16"))(images)
    assert 0 < relative(rough[0], expected[0]) < 0.3


@pytest.mark.slow
def test_pytorch_fid_protocol(weights: Path, images: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = pytorch_fid_network(weights, monkeypatch)
    with torch.no_grad():
        expected = theirs(torch.from_numpy(images).permute(0, 3, 1, 2) / 255)[0].squeeze().numpy()
    ours = load_extractor("inception:pytorch-fid", BuildOptions(weights=weights, device="cpu"))
    assert "pytorch-fid to 299 px" in ours.spec.protocol
    assert relative(ours(images)[0], expected) <= 1e-4


@pytest.mark.slow
def test_clean_protocol(weights: Path, images: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    """clean-fid's resizer and its wrapper around the TorchScript file, made here from the same weights."""
    import cleanfid.inception_torchscript as tool
    from cleanfid.resize import build_resizer

    network = pytorch_fid_network(weights, monkeypatch, resize_input=False, normalize_input=False)

    class Program(torch.nn.Module):
        def eval(self) -> Program:
            return self

        def layers(self, x: torch.Tensor) -> torch.Tensor:
            return network(x)[0]

    class Layers:
        forward = staticmethod(lambda x: network(x)[0])

    program = Program()
    object.__setattr__(program, "layers", Layers)
    monkeypatch.setattr(tool.torch.jit, "load", lambda path: program)
    wrapper = tool.InceptionV3W("unused", download=False)
    resized = np.stack([build_resizer("clean")(image) for image in images])
    with torch.no_grad():
        expected = wrapper(torch.from_numpy(resized).permute(0, 3, 1, 2)).numpy()
    ours = load_extractor("inception:clean", BuildOptions(weights=weights, device="cpu"))
    assert relative(ours(images)[0], expected) <= 1e-4


def pytorch_fid_network(weights: Path, monkeypatch: pytest.MonkeyPatch, **options: bool) -> torch.nn.Module:
    import pytorch_fid.inception as tool

    monkeypatch.setattr(tool, "load_state_dict_from_url", lambda *_, **__: torch.load(weights, weights_only=True))
    return tool.InceptionV3([3], **options).eval()


@pytest.mark.slow
def test_end_to_end_against_torch_fidelity(weights: Path, tmp_path: Path, fidelity: torch.nn.Module) -> None:
    """FID, KID, IS, precision and recall of two folders, the decoders and all; 24 images against 24."""
    import ganbench

    folders, sets = {}, {}
    for side, seed in (("real", 10), ("fake", 11)):
        folders[side] = tmp_path / side
        folders[side].mkdir()
        images = random_images(24, seed)
        if side == "fake":
            images = (images * 0.85).astype(np.uint8)
        for i, image in enumerate(images):
            Image.fromarray(image).save(folders[side] / f"{i:03}.png")
        sets[side] = fidelity(torch.from_numpy(images).permute(0, 3, 1, 2))
    (real, _), (fake, logits) = sets["real"], sets["fake"]
    fid = fid_statistics_to_metric(*(fid_features_to_statistics(x) for x in _narrowed(fake, real)), False)
    kid = kid_features_to_metric(fake, real, kid_subsets=1, kid_subset_size=24, verbose=False)
    isc = isc_features_to_metric(logits, splits=10, shuffle=True)
    prc = prc_features_to_metric(fake, real, prc_neighborhood=3, prc_batch_size=100, save_cpu_ram=False, verbose=False)
    metrics = ["fd", "kd", "inception_score", "precision", "recall"]
    card = ganbench.score(
        folders["fake"], folders["real"], "inception", None, metrics=metrics, weights=weights, cache=False, device="cpu"
    )
    found = {row.id: row.value for row in card.rows}
    expected = {
        "fid[inception]": fid["frechet_inception_distance"],
        "kid[inception]": kid["kernel_inception_distance_mean"],
        "is[inception]": isc["inception_score_mean"],
        "precision[inception]": prc["precision"],
        "recall[inception]": prc["recall"],
    }
    assert {name: found[name] for name in expected} == pytest.approx(expected, rel=1e-3)


@pytest.mark.slow
def test_weights_go_to_the_extractor_that_needs_them(weights: Path, images: np.ndarray) -> None:
    import ganbench

    card = ganbench.score(
        images, random_images(8, 4), ["lite0", "inception"], None, weights=weights, metrics=["fd"], cache=False
    )
    assert card["fd[lite0]"].value > 0
    assert card["fid[inception]"].value > 0
    with pytest.raises(AssetError, match="not the lite0 weights"):
        ganbench.score(images, random_images(8, 4), "lite0", None, weights=weights)


def _narrowed(*sets: torch.Tensor) -> list[torch.Tensor]:
    """Turn feature sets into coordinates of the space that they span: no distance changes, and 2048 become 48.

    torch-fidelity decomposes a general D x D matrix, which takes a quarter of a minute at 2048.
    """
    basis, _ = torch.linalg.qr(torch.cat(sets).double().t())
    return [x.double() @ basis for x in sets]


def test_absent_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    with pytest.raises(AssetMissing, match="ganbench assets fetch inception"):
        load_extractor("inception")
    with pytest.raises(AssetError, match="no such weights file"):
        load_extractor("inception", BuildOptions(weights=tmp_path / "absent.pth"))


@pytest.mark.slow
def test_damaged_and_foreign_weights_are_refused(weights: Path, tmp_path: Path) -> None:
    whole = weights.read_bytes()
    cases = {
        "cut.pth": (whole[: len(whole) // 2], "not a readable weights file"),
        "text.pth": (b"<html>404</html>", "not a readable weights file"),
        "empty.pth": (b"", "not a readable weights file"),
    }
    for name, (content, _) in cases.items():
        (tmp_path / name).write_bytes(content)
    torch.save({"conv.weight": torch.zeros(3, 3)}, tmp_path / "other.pth")
    cases["other.pth"] = (b"", "weights of another network, not inception")
    torch.save([1, 2], tmp_path / "list.pth")
    cases["list.pth"] = (b"", "holds no state dictionary")
    for name, (_, message) in cases.items():
        with pytest.raises(AssetError, match=message) as e:
            load_extractor("inception", BuildOptions(weights=tmp_path / name, device="cpu"))
        assert "\n" not in str(e.value)
        assert name in str(e.value)


@pytest.mark.slow
def test_weights_that_would_run_code_are_refused(tmp_path: Path) -> None:
    """A pickle that calls something is not loaded, and what it calls is not called."""
    marker = tmp_path / "marker"

    class Trap:
        def __reduce__(self) -> tuple:
            return Path.touch, (marker,)

    torch.save({"x": Trap()}, tmp_path / "trap.pth")
    with pytest.raises(AssetError, match="not a readable weights file"):
        load_extractor("inception", BuildOptions(weights=tmp_path / "trap.pth", device="cpu"))
    assert not marker.exists()


@pytest.mark.slow
def test_the_protocol_says_what_the_weights_are(extractor: Extractor) -> None:
    assert extractor.spec.protocol.startswith("inception v1, tf1 to 299 px, weights ")
    assert "not the published weights" in extractor.spec.protocol
    assert load_extractor.__module__ == "ganbench.features.registry"


@pytest.mark.slow
def test_unknown_protocol(weights: Path) -> None:
    with pytest.raises(UnknownName, match="Did you mean 'clean'"):
        load_extractor("inception:cleen", BuildOptions(weights=weights))
    with pytest.raises(UnknownName, match="Did you mean 'inception'"):
        load_extractor("incption:clean", BuildOptions(weights=weights))


@pytest.mark.slow
def test_a_cached_export_spares_importing_torch(extractor: Extractor, weights: Path) -> None:
    import subprocess

    code = (
        "import sys; from pathlib import Path; from ganbench.features.registry import load_extractor;"
        "from ganbench.features.spec import BuildOptions;"
        "load_extractor('inception', BuildOptions(weights=Path(sys.argv[1]), device='cpu'));"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code, str(weights)], check=False).returncode == 0
