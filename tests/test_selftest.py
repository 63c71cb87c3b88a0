"""``selftest`` passes here, and names the culprit where one stage is altered."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from ganbench import selftest
from ganbench.cli.app import app
from ganbench.detectors.yolo import YoloNano
from ganbench.errors import AssetError, GateFailed
from ganbench.features import lite, lite0
from ganbench.features.cpu import CpuRunner
from ganbench.metrics.registry import METRICS
from ganbench.selftest import data, stages
from ganbench.selftest.arrays import bells, checkable, stream
from ganbench.selftest.checks import array_check, number_check
from ganbench.system.storage import shipped_dir


def culprits() -> list[str]:
    """Return the culprits of a self-test while something is altered."""
    found = selftest.run()
    assert not found.ok
    assert "FAIL" in found.certificate
    return found.culprits


@pytest.mark.slow
def test_it_passes_here_to_the_bit_twice(tmp_path: Path) -> None:
    found = selftest.run()
    assert found.ok, found.to_json()
    assert found.culprits == []
    assert all(stage.seconds < 60 for stage in found.stages)
    assert found.certificate.startswith("ganbench ")
    assert f"PASS; {len(found.made)} of {len(found.made)} checks" in found.certificate
    done = CliRunner().invoke(app, ["selftest", "--json", str(tmp_path / "found.json")])
    assert done.exit_code == 0
    assert found.certificate in done.output  # with the digest of all results in it
    assert json.loads((tmp_path / "found.json").read_text())["ok"] is True


@pytest.mark.slow
def test_another_resampling_of_pillow_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = Image.Image.resize

    def other(self: Image.Image, size: tuple[int, int], resample: Any = None, *rest: Any, **more: Any) -> Image.Image:
        return honest(self, size, Image.Resampling.BILINEAR, *rest, **more)

    monkeypatch.setattr(Image.Image, "resize", other)
    assert culprits() == ["resampling"]
    done = CliRunner().invoke(app, ["selftest"])
    assert isinstance(done.exception, GateFailed)
    assert "the culprit is resampling." in str(done.exception)
    assert "FAIL resampling" in done.output
    assert "Pillow, pillow-lanczos-64x64: off by up to" in done.output
    assert "Pillow, pillow-bilinear-64x64" not in done.output


@pytest.mark.slow
def test_other_weights_are_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "lite0.pth"
    content = bytearray(lite0.FORM.weights().read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    monkeypatch.setattr(lite.LiteForm, "weights", lambda self: path if self.name == "lite0" else Path(self.file()))
    assert culprits() == ["weights: lite0"]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["kd", "copies"])
def test_another_metric_is_found(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    honest = METRICS[name]

    def compute(**sides: Any) -> Any:
        found = honest.compute(**sides)
        return replace(found, value=found.value * 0.98, low=None, high=None)

    compute.__module__ = honest.compute.__module__
    monkeypatch.setitem(METRICS._entries, name, replace(honest, compute=compute))
    assert culprits() == [f"metrics: {name}"]


@pytest.mark.slow
def test_another_decoder_network_detector_and_reference_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = Image.Image.convert
    with monkeypatch.context() as patch:
        patch.setattr(Image.Image, "convert", lambda self, *a, **k: honest(self, *a, **k).point(lambda x: x ^ 8))
        assert culprits() == ["decoding"]
    run = CpuRunner.__call__
    with monkeypatch.context() as patch:
        patch.setattr(CpuRunner, "__call__", lambda self, *a: [1.001 * part for part in run(self, *a)])
        assert culprits() == ["network"]
    detect = YoloNano.detect
    with monkeypatch.context() as patch:
        patch.setattr(YoloNano, "detect", lambda self, pixels: detect(self, pixels[:, :, ::-1]))
        assert culprits() == ["detector"]
    with monkeypatch.context() as patch:
        patch.setattr(stages.Reference, "identity", lambda self: "0" * 64)
        assert culprits() == ["reference"]


def test_every_metric_of_ours_has_a_value() -> None:
    must = data.expected().metrics
    ours = [name for name in METRICS if METRICS[name].compute.__module__.startswith("ganbench.")]
    lacking = [name for name in ours if checkable(METRICS[name]) and name not in must]
    assert lacking == [], "run: python selftest/make.py"
    stale = [name for name in must if name not in METRICS or must[name]["version"] != METRICS[name].version]
    assert stale == [], "run: python selftest/make.py"


def test_fixed_arrays_are_what_they_were() -> None:
    assert stream("real", 6).tolist() == [88, 179, 139, 215, 8, 35]
    many = bells("real", 1000, 16)
    assert abs(many.mean()) < 0.05
    assert 1.0 < many.std() < 1.3


def test_damaged_values_are_told_from_a_wrong_installation(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for path in shipped_dir("selftest").iterdir():
        if path.name in (data.PICTURES, data.ARRAYS, data.CARD):
            (tmp_path / path.name).write_bytes(path.read_bytes())
    monkeypatch.setattr(data, "shipped_dir", lambda name: tmp_path)
    content = bytearray((tmp_path / data.ARRAYS).read_bytes())
    content[1000] ^= 1
    (tmp_path / data.ARRAYS).write_bytes(content)
    with pytest.raises(AssetError, match="not the file of its card"):
        data.expected()
    (tmp_path / data.CARD).unlink()
    with pytest.raises(AssetError, match="Reinstall ganbench"):
        data.expected()


def test_what_is_no_number_is_not_right() -> None:
    assert not array_check("x", np.array([np.nan]), np.array([1.0]), 1.0).ok
    assert not array_check("x", np.zeros(2), np.zeros(3), 1.0).ok
    assert array_check("x", np.zeros(2), np.full(2, 0.5), 1.0).ok
    assert not number_check("x", float("nan"), 1.0, 1.0).ok
    assert number_check("x", 2000.001, 2000.0, 1e-6).ok
