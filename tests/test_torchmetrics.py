"""The torchmetrics classes against the metrics themselves, in one process and over two."""

from __future__ import annotations

import json
import multiprocessing
import sys
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from waiting import wait_for_end

from ganbench.errors import MetricError, ReferenceError, UnknownName
from ganbench.features.extractor import Extractor
from ganbench.features.spec import ExtractorSpec
from ganbench.metrics.frechet import fd
from ganbench.metrics.kernel import kd
from ganbench.references.reference import Reference
from ganbench.statistics.features import FeatureSet

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerContext

SIZE = 12
# Features are float32, and batches of another size may round otherwise: values agree to 1e-6.


def tiny_extractor() -> Extractor:
    """Return an extractor that needs no network: a fixed random projection of the image resized to 4x4."""
    projection = np.random.default_rng(3).normal(0, 0.05, (48, SIZE)).astype(np.float32)

    def run(pixels: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> list[np.ndarray]:
        small = np.einsum("ah,nhwc,wb->nabc", rows, pixels.astype(np.float32), columns)
        return [small.reshape(len(pixels), -1) @ projection + 100]

    return Extractor(ExtractorSpec("tiny", 1, SIZE, 4, "bicubic-aa", "0" * 64), run)


def images(count: int, seed: int, darker: float = 1.0) -> torch.Tensor:
    """Return uint8 images (count, 3, 16, 16)."""
    rng = np.random.default_rng(seed)
    return torch.from_numpy((rng.integers(0, 256, (count, 3, 16, 16)) * darker).astype(np.uint8))


def features_of(batch: torch.Tensor) -> FeatureSet:
    return FeatureSet.of(tiny_extractor()(batch.permute(0, 2, 3, 1).numpy())[0])


REAL, FAKE = images(60, 1), images(40, 2, 0.8)


def classes() -> tuple[type, type]:
    """Return the classes; importing torchmetrics takes seconds, which only these tests have to wait for."""
    from ganbench.torchmetrics import FrechetDistance, KernelDistance

    return FrechetDistance, KernelDistance


@pytest.fixture
def expected() -> dict[type, float]:
    real, fake = features_of(REAL), features_of(FAKE)
    values = fd(real=real, fake=fake).value, kd(real=real, fake=fake).value
    return dict(zip(classes(), values, strict=True))


@pytest.fixture(params=["FrechetDistance", "KernelDistance"])
def kind(request: pytest.FixtureRequest) -> type:
    (found,) = [one for one in classes() if one.__name__ == request.param]
    return found


def test_two_streams_equal_the_metric(kind: type, expected: dict[type, float]) -> None:
    metric = kind(tiny_extractor())
    for part in REAL.split(7):
        metric.update(part, real=True)
    for part in FAKE.split(9):
        metric.update(part)
    assert metric.compute().item() == pytest.approx(expected[kind], rel=1e-6)
    metric.reset()
    with pytest.raises(MetricError, match="at least 2"):
        metric.compute()


def test_a_reference_is_the_real_side(kind: type, expected: dict[type, float], tmp_path: Path) -> None:
    extractor = tiny_extractor()
    reference = Reference(features_of(REAL), extractor.spec, (16, 16), None, {"label": "real", "count": 60})
    metric = kind(extractor, reference)
    metric.update(FAKE)
    assert metric.compute().item() == pytest.approx(expected[kind], rel=1e-6)
    with pytest.raises(MetricError, match="come from the reference"):
        metric.update(REAL, real=True)
    with pytest.raises(ReferenceError, match="Bring them to the same size"):
        metric.update(FAKE[:, :, :8])
    # From a file: the sample is kept in float16 there, the covariance in float32.
    reference.save(tmp_path / "real.npz")
    from_file = kind(extractor, tmp_path / "real.npz")
    from_file.update(FAKE)
    assert from_file.compute().item() == pytest.approx(expected[kind], rel=1e-2)


def test_states_merge_and_copies_are_apart(kind: type, expected: dict[type, float]) -> None:
    first = kind(tiny_extractor())
    first.update(REAL[:25], real=True)
    first.update(FAKE[:15])
    second = deepcopy(kind(tiny_extractor()))
    second.update(REAL[25:], real=True)
    second.update(FAKE[15:])
    copy = first.clone()
    copy.merge_state(second)
    assert copy.compute().item() == pytest.approx(expected[kind], rel=1e-6)
    assert first.compute().item() != pytest.approx(expected[kind], rel=1e-3)


def test_half_precision_does_not_reach_the_states(kind: type, expected: dict[type, float]) -> None:
    metric = kind(tiny_extractor()).half()
    metric.update(REAL, real=True)
    metric.update(FAKE)
    metric.set_dtype(torch.float16)
    assert metric.compute().item() == pytest.approx(expected[kind], rel=1e-6)


def test_wrong_images_and_names_are_refused() -> None:
    kind, _ = classes()
    metric = kind(tiny_extractor())
    with pytest.raises(MetricError, match="uint8 images"):
        metric.update(FAKE.float() / 255)
    with pytest.raises(MetricError, match="uint8 images"):
        metric.update(FAKE.permute(0, 2, 3, 1))
    with pytest.raises(UnknownName, match=r"no reference named 'absent.npz'"):
        kind(tiny_extractor(), "absent.npz")
    with pytest.raises(MetricError, match="no reference anime-faces-64 for tiny"):
        kind(tiny_extractor(), "anime-faces-64")


# How many of the real and of the fake images the first of two processes sees; the second sees the others.
SHARES = {"unequal": (20, 25), "one kind each": (60, 0)}


@pytest.fixture(scope="module")
def computed(forkserver: ForkServerContext, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, list[float]]]:
    """Return what each of two processes computes, by the shares."""
    folder = tmp_path_factory.mktemp("ranks")
    first = forkserver.Process(target=_both_ranks, args=(folder,))
    first.start()
    wait_for_end(first, 120)
    assert first.exitcode == 0
    return [json.loads((folder / f"{rank}.json").read_text()) for rank in range(2)]


@pytest.mark.slow
@pytest.mark.parametrize("share", SHARES)
def test_two_processes_agree_with_one(
    expected: dict[type, float], computed: list[dict[str, list[float]]], share: str
) -> None:
    for values in computed:
        assert values[share] == pytest.approx([expected[one] for one in classes()], rel=1e-6)


def _one_rank(folder: Path, rank: int) -> None:
    torch.distributed.init_process_group("gloo", init_method=f"file://{folder}/store", rank=rank, world_size=2)
    values: dict[str, list[float]] = {}
    for share, (reals, fakes) in SHARES.items():
        for kind in classes():
            metric = kind(tiny_extractor())
            mine = slice(None, reals) if rank == 0 else slice(reals, None)
            if len(REAL[mine]):
                metric.update(REAL[mine], real=True)
            mine = slice(None, fakes) if rank == 0 else slice(fakes, None)
            if len(FAKE[mine]):
                metric.update(FAKE[mine])
            values.setdefault(share, []).append(metric.compute().item())
    (folder / f"{rank}.json").write_text(json.dumps(values))
    torch.distributed.destroy_process_group()


def _both_ranks(folder: Path) -> None:
    """Be the first process; the second is a copy of this one, which has the imports done and no thread yet."""
    classes()
    second = multiprocessing.get_context("fork").Process(target=_one_rank, args=(folder, 1))
    second.start()
    _one_rank(folder, 0)
    second.join()
    sys.exit(second.exitcode)
