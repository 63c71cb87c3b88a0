"""lite0 features: against an independent definition of the network, across runtimes, batch sizes and orders."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from ganbench.errors import AssetError, GanbenchError, MetricError, UnknownName
from ganbench.features import export, lite
from ganbench.features.cpu import runs_on_cpu
from ganbench.features.export import exported
from ganbench.features.extractor import Extractor
from ganbench.features.lite0 import FORM
from ganbench.features.registry import load_extractor
from ganbench.features.runtime import TorchRunner, resolve_device
from ganbench.features.spec import BuildOptions
from ganbench.system.cores import available_cores


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    """Return 40 images of smooth random colour."""
    rng = np.random.default_rng(5)
    coarse = rng.integers(0, 256, (40, 8, 8, 3), dtype=np.uint8)
    return coarse.repeat(8, axis=1).repeat(8, axis=2)


@pytest.mark.slow
def test_the_network_equals_the_published_definition(lite0: Extractor) -> None:
    """The package that the weights were made for defines the network independently; equal in float32 to rounding."""
    from efficientnet_lite_pytorch import EfficientNet

    theirs = EfficientNet.from_name("efficientnet-lite0")
    theirs.load_state_dict(torch.load(FORM.weights(), weights_only=True))
    theirs.eval()
    ours = lite.build(FORM, lite0.spec, BuildOptions())
    x = torch.rand(3, 3, 224, 224, generator=torch.Generator().manual_seed(1)) * 255
    with torch.no_grad():
        expected = theirs.extract_features((x - 127) / 128).mean((2, 3))
        torch.testing.assert_close(ours(x), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.slow
def test_onnx_runtime_and_torch_agree(lite0: Extractor, images: np.ndarray) -> None:
    network = lite.build(FORM, lite0.spec, BuildOptions())
    in_torch = Extractor(lite0.spec, TorchRunner(network, "cpu", "fp32"))
    expected, _ = in_torch(images[:8])
    found, logits = lite0(images[:8])
    assert logits is None
    assert found.dtype == np.float32
    assert found.shape == (8, 1280)
    # Relative to the largest feature: float32 sums in another order differ by a few units in the last place.
    assert np.abs(found - expected).max() <= 1e-4 * np.abs(expected).max()


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_features_do_not_depend_on_batch_size_or_order(images: np.ndarray, precision: str) -> None:
    extractor = load_extractor("lite0", BuildOptions(device="cpu", precision=precision))
    at_once, _ = extractor(images)
    one_by_one = np.concatenate([extractor(images[i : i + 1])[0] for i in range(len(images))])
    order = np.random.default_rng(0).permutation(len(images))
    # Few images run in a call where a graph is exported; PyTorch's convolutions may round otherwise in a batch.
    tolerance = 0 if runs_on_cpu(precision) else 1e-2 * np.abs(at_once).max()
    np.testing.assert_allclose(one_by_one, at_once, rtol=0, atol=tolerance)
    np.testing.assert_allclose(extractor(images[order])[0], at_once[order], rtol=0, atol=tolerance)


@pytest.mark.slow
def test_many_threads_may_use_one_extractor(lite0: Extractor, images: np.ndarray) -> None:
    expected, _ = lite0(images)
    with ThreadPoolExecutor(4) as pool:
        for found, _ in pool.map(lite0, [images] * 4):
            np.testing.assert_array_equal(found, expected)


@pytest.mark.slow
def test_the_padding_is_part_of_the_convolutions(lite0: Extractor, tmp_path: Path) -> None:
    """ONNX Runtime merges it only in the form in which it is exported; left alone it costs a seventh of the time."""
    graph = exported(lite0.spec, partial(lite.build, FORM, lite0.spec, BuildOptions()))
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "optimized.onnx")
    options.log_severity_level = 3
    onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    kinds = [node.op_type for node in onnx.load(tmp_path / "optimized.onnx").graph.node]
    assert kinds.count("Conv") == 49
    assert "Pad" not in kinds


@pytest.mark.slow
def test_changed_code_is_exported_anew(lite0: Extractor, monkeypatch: pytest.MonkeyPatch, ganbench_home: Path) -> None:
    build = partial(lite.build, FORM, lite0.spec, BuildOptions())
    graph, made = exported(lite0.spec, build), []
    monkeypatch.setenv("GANBENCH_HOME", str(ganbench_home / "fresh"))
    monkeypatch.setattr(export, "_export_apart", lambda *task: made.append(1) or graph)
    exported(lite0.spec, build)
    exported(lite0.spec, build)
    assert len(made) == 1
    folder = ganbench_home / "fresh" / "cache" / "onnx"
    (before,) = folder.glob("*.cache")
    monkeypatch.setattr(export, "_code_hash", lambda: "of other code")
    monkeypatch.setattr(export, "_CACHE", replace(export._CACHE, limit_bytes=before.stat().st_size + 1000))
    exported(lite0.spec, build)
    assert len(made) == 2
    # There is room for one: the old one is gone, and the new one is used.
    assert not before.exists()
    exported(lite0.spec, build)
    assert len(made) == 2


class Watcher(torch.nn.Module):
    """Notes which float32 arithmetic is allowed while it runs."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.seen = _allowed()
        return x.mean((2, 3))


def _allowed() -> tuple[bool, bool]:
    """Return whether matrix products and convolutions may use TF32."""
    if hasattr(torch.backends.cuda.matmul, "fp32_precision"):
        return torch.backends.cuda.matmul.fp32_precision == "tf32", torch.backends.cudnn.conv.fp32_precision == "tf32"
    return torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32


@pytest.mark.slow
def test_float32_is_whole_inside_a_program_that_allows_less(lite0: Extractor, images: np.ndarray) -> None:
    network = Watcher()
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high")
    allowed = _allowed()  # convolutions as the tests before left them
    try:
        assert allowed[0]
        Extractor(replace(lite0.spec, feature_size=3), TorchRunner(network, "cpu", "fp32"))(images[:2])
        assert network.seen == (False, False)
        assert torch.get_float32_matmul_precision() == "high"
        assert _allowed() == allowed
    finally:
        torch.set_float32_matmul_precision(before)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cuda_agrees_with_the_cpu(lite0: Extractor, images: np.ndarray) -> None:
    expected, _ = lite0(images)
    found, _ = load_extractor("lite0", BuildOptions(device="cuda"))(images)
    assert np.abs(found - expected).max() <= 1e-4 * np.abs(expected).max()
    rough, _ = load_extractor("lite0", BuildOptions(device="cuda", precision="bf16"))(images)
    assert 0 < np.abs(rough - expected).max() < 0.1 * expected.max()


@pytest.mark.slow
def test_one_export_serves_every_image_size(lite0: Extractor) -> None:
    for height, width in ((64, 64), (96, 80), (300, 300)):
        features, _ = lite0(np.full((2, height, width, 3), 90, np.uint8))
        # Resizing keeps a constant image constant, so its features cannot depend on its size.
        np.testing.assert_allclose(features[0], lite0(np.full((1, 224, 224, 3), 90, np.uint8))[0][0], atol=2e-4)


def test_an_empty_batch_gives_no_features(lite0: Extractor) -> None:
    assert lite0(np.empty((0, 64, 64, 3), np.uint8))[0].shape == (0, 1280)


def test_float_images_are_refused(lite0: Extractor) -> None:
    with pytest.raises(MetricError, match="takes uint8 images"):
        lite0(np.zeros((1, 64, 64, 3)))


def test_another_weights_file_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "weights.pth"
    other.write_bytes(b"not weights")
    with pytest.raises(AssetError, match="not the lite0 weights"):
        load_extractor("lite0", BuildOptions(weights=other))


def test_unknown_names_are_explained() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'lite0'"):
        load_extractor("light0")
    with pytest.raises(UnknownName, match="one resize protocol"):
        load_extractor("lite0:clean")
    with pytest.raises(GanbenchError, match="unknown device"):
        resolve_device("tpu")
    with pytest.raises(GanbenchError, match="unknown precision"):
        load_extractor("lite0", BuildOptions(precision="int4"))


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has CUDA")
def test_cuda_that_is_not_there_is_an_error() -> None:
    with pytest.raises(GanbenchError, match="finds no CUDA device"):
        resolve_device("cuda")
    assert resolve_device("auto") == "cpu"


@pytest.mark.slow
def test_a_damaged_export_is_made_again(lite0: Extractor, ganbench_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good = exported(lite0.spec, partial(lite.build, FORM, lite0.spec, BuildOptions()))
    monkeypatch.setenv("GANBENCH_HOME", str(ganbench_home / "fresh"))
    monkeypatch.setattr(export, "_export_apart", lambda *task: good)
    load_extractor("lite0", BuildOptions(device="cpu"))
    (kept,) = (ganbench_home / "fresh" / "cache" / "onnx").glob("*.cache")
    whole = kept.read_bytes()
    kept.write_bytes(whole[: len(whole) // 2])
    load_extractor("lite0", BuildOptions(device="cpu"))
    assert kept.read_bytes() == whole


def test_a_cache_that_cannot_be_written_costs_a_note_only(
    lite0: Extractor, images: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = exported(lite0.spec, partial(lite.build, FORM, lite0.spec, BuildOptions()))
    monkeypatch.setattr(export, "_export_apart", lambda *task: graph)
    blocked = tmp_path / "file-in-the-way"
    blocked.write_text("")
    monkeypatch.setenv("GANBENCH_HOME", str(blocked))
    notes: list[str] = []
    extractor = load_extractor("lite0", BuildOptions(device="cpu"), note=notes.append)
    assert len(notes) == 1
    assert notes[0].startswith("the cache: the exported network was not kept: cannot write")
    np.testing.assert_array_equal(extractor(images[:2])[0], lite0(images[:2])[0])


def test_a_cached_export_spares_importing_torch(lite0: Extractor) -> None:
    import subprocess
    import sys

    code = (
        "import sys; from ganbench.features.registry import load_extractor;"
        "from ganbench.features.spec import BuildOptions;"
        "load_extractor('lite0', BuildOptions(device='cpu')); sys.exit('torch' in sys.modules)"
    )
    load_extractor("lite0", BuildOptions(device="cpu"))
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.slow
def test_bf16_is_part_of_the_protocol_and_close(images: np.ndarray, lite0: Extractor) -> None:
    rough = load_extractor("lite0", BuildOptions(device="cpu", precision="bf16"))
    # The error on the probe looks large; what it does to results stands beside it.
    stated = r"bf16, feature error [0-9.]+ % of fp32 on 4 smooth images \(on real faces 5 %, .* FD by 0.5 %\)$"
    assert re.search(stated, rough.spec.protocol)
    assert rough.spec.key() != lite0.spec.key()
    exact = lite0(images[:4])[0]
    # bfloat16 has 8 bits of mantissa; through sixteen blocks the error stays within a few per cent of the largest.
    assert 0 < np.abs(rough(images[:4])[0] - exact).max() < 0.1 * exact.max()


def test_the_runtime_knows_its_cores() -> None:
    assert available_cores() >= 1
