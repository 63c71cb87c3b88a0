"""ONNX Runtime: the device that is there, and nothing left behind."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ganbench.detectors.base import DetectorOptions
from ganbench.detectors.registry import load_detector
from ganbench.errors import GanbenchError
from ganbench.system import onnx_runtime


class _Session:
    """A stand-in for a session, which says where it runs."""

    def __init__(self, providers: list[str]) -> None:
        self.providers = providers

    def get_providers(self) -> list[str]:
        return self.providers


@pytest.mark.parametrize(
    ("device", "has", "runs_on", "note"),
    [
        ("cuda", [], ["CPUExecutionProvider"], "the ONNX Runtime that is installed has no CUDA"),
        ("cuda", ["CUDAExecutionProvider"], ["CPUExecutionProvider"], "its CUDA libraries do not load"),
        ("cuda", ["CUDAExecutionProvider"], ["CUDAExecutionProvider", "CPUExecutionProvider"], ""),
        ("auto", [], ["CPUExecutionProvider"], ""),
        ("cpu", ["CUDAExecutionProvider"], ["CPUExecutionProvider"], ""),
    ],
)
def test_the_device_is_taken_where_it_is(
    device: str, has: list[str], runs_on: list[str], note: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime, asked = onnx_runtime.load_onnx_runtime(), []
    monkeypatch.setattr(runtime, "get_available_providers", lambda: [*has, "CPUExecutionProvider"])
    monkeypatch.setattr(
        runtime,
        "InferenceSession",
        lambda path, options, providers, enable_fallback: asked.append(providers) or _Session(runs_on),
    )
    _, said = onnx_runtime.open_file("net.onnx", device)
    assert note in said
    assert bool(said) == bool(note)
    assert ("CUDAExecutionProvider" in asked[0]) == (device != "cpu" and bool(has))
    with pytest.raises(GanbenchError, match="unknown device"):
        onnx_runtime.open_file("net.onnx", "gpu")


def test_cuda_with_the_standard_install_is_a_note(tmp_path: Path) -> None:
    said: list[str] = []
    load_detector("yolo-nano", DetectorOptions("cuda"), note=said.append)
    assert len(said) == 1
    assert "the detector ran on the CPU, with the same result" in said[0]


@pytest.mark.slow
def test_nothing_is_left_in_the_home_folder(image_folder: Path, tmp_path: Path) -> None:
    """ONNX Runtime would keep a database there, of what it reports to its makers."""
    places = {"HOME": str(tmp_path / "home"), "GANBENCH_HOME": str(tmp_path / "ours"), "TMPDIR": str(tmp_path / "tmp")}
    for place in places.values():
        Path(place).mkdir()
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "ORT_"))}
    command = [sys.executable, "-m", "ganbench", "detect", str(image_folder)]
    subprocess.run(command, env={**kept, **places}, check=True, capture_output=True)
    assert not [path for path in (*(tmp_path / "home").rglob("*"), *(tmp_path / "tmp").rglob("*")) if path.is_file()]
