"""Instruments in threads: the same bits as in one, with a cold cache, and nothing of the process left changed."""

from __future__ import annotations

import os
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

import ganbench
from ganbench.detectors.registry import load_detector
from ganbench.features import export
from ganbench.features.collect import collect_features
from ganbench.features.extractor import Extractor
from ganbench.features.registry import load_extractor
from ganbench.features.runtime import TorchRunner
from ganbench.features.spec import BuildOptions, ExtractorSpec
from ganbench.images.sources import open_source
from ganbench.system import assets, storage
from ganbench.system.shared_state import SharedState
from ganbench.toyfaces import toyfaces

CASCADE = Path(__file__).resolve().parents[2] / "shared" / "data" / "lbpcascade_animeface.xml"
THREADS = 4


@pytest.fixture
def faces() -> np.ndarray:
    return np.stack([image for _, image in toyfaces(24, seed=3)])


def measure(faces: np.ndarray, detectors: list[str]) -> list[np.ndarray]:
    """Return all numbers that the instruments give, loaded anew."""
    extractor = load_extractor("lite0", BuildOptions(device="cpu"))
    features = collect_features(open_source(faces), extractor, cap=24, seed=0, what="", cache=True)
    numbers = [features.sample, features.moments.mean, features.moments.scatter]
    for name in detectors:
        for found in load_detector(name).detect(faces):
            numbers += [found.boxes, found.scores]
    card = ganbench.score(faces, detector=detectors[-1], metrics=["fd", "precision", "afd"])
    return [*numbers, *(np.array([row.value, row.low, row.high]) for row in card.rows)]


@pytest.mark.slow
def test_a_cold_cache_and_four_threads(faces: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    detectors = ["yolo-nano"]
    monkeypatch.setenv("GANBENCH_HOME", str(tmp_path))
    if CASCADE.is_file():
        assets.add("lbpcascade_animeface", CASCADE)
        detectors.append("opencv-cascade")
    exports, honest = [], export._export_apart
    monkeypatch.setattr(export, "_export_apart", lambda *task: exports.append(1) or honest(*task))
    filters, threads, umask = list(warnings.filters), cv2.getNumThreads(), os.umask(0o077)
    os.umask(umask)
    together = threading.Barrier(THREADS, timeout=60)

    def work(_: int) -> list[np.ndarray]:
        together.wait()
        return measure(faces, detectors)

    with ThreadPoolExecutor(THREADS) as pool:
        results = list(pool.map(work, range(THREADS)))
    assert exports == [1]
    alone = measure(faces, detectors)
    for result in results:
        for found, expected in zip(result, alone, strict=True):
            np.testing.assert_array_equal(found, expected)
    assert warnings.filters == filters
    assert cv2.getNumThreads() == threads
    assert os.umask(umask) == umask
    assert not list(tmp_path.rglob("*.tmp"))


def test_a_setting_of_the_process_is_held_until_the_last_thread_leaves() -> None:
    value = ["theirs"]

    def change() -> object:
        before = value[0]
        value[0] = "ours"
        return lambda: value.__setitem__(0, before)

    state = SharedState(change)
    with state:
        with state:
            assert value == ["ours"]
        assert value == ["ours"]
        thread = threading.Thread(target=lambda: [state.__enter__(), state.__exit__()])
        thread.start()
        thread.join()
        assert value == ["ours"]
    assert value == ["theirs"]


def whole() -> bool:
    """Tell whether matrix products keep all digits of float32."""
    matmul = torch.backends.cuda.matmul
    return matmul.fp32_precision == "ieee" if hasattr(matmul, "fp32_precision") else not matmul.allow_tf32


class Waits(torch.nn.Module):
    """Waits until two threads are inside, and notes whether float32 is whole then."""

    def __init__(self) -> None:
        super().__init__()
        self.inside, self.seen = threading.Barrier(2, timeout=60), []

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.inside.wait()
        self.seen.append(whole())
        return x.mean((2, 3))


def test_float32_stays_whole_while_any_thread_computes() -> None:
    network = Waits()
    spec = ExtractorSpec("waits", 1, 3, 8, "bicubic-aa", "0" * 64)
    extractor = Extractor(spec, TorchRunner(network, "cpu", "fp32"))
    pixels = np.zeros((1, 16, 16, 3), np.uint8)
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high")
    try:
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(extractor, [pixels] * 6))
        assert network.seen == [True] * 6
        assert not whole()
    finally:
        torch.set_float32_matmul_precision(before)


def test_files_are_written_without_asking_for_the_umask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """To ask for it is to change it, for every thread."""
    expected = 0o666 & ~(umask := os.umask(0o027))
    os.umask(umask)
    monkeypatch.setattr(storage.os, "umask", lambda mask: pytest.fail("asked"))
    with storage.atomic_write(tmp_path / "file") as f:
        f.write(b"x")
    monkeypatch.undo()
    if os.name == "posix":
        assert (tmp_path / "file").stat().st_mode & 0o777 == expected


def test_files_that_another_process_evicted_are_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("keep", "old", "gone"):
        (tmp_path / name).write_bytes(bytes(100))
    honest = Path.stat

    def stat(self: Path, **options: bool) -> os.stat_result:
        if self.name == "gone":
            raise FileNotFoundError(self)
        return honest(self, **options)

    monkeypatch.setattr(Path, "stat", stat)
    storage.evict(tmp_path, 100, keep=tmp_path / "keep")
    monkeypatch.undo()
    assert {path.name for path in tmp_path.iterdir()} == {"keep", "gone"}
