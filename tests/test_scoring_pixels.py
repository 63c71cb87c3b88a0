"""Scoring by pixels alone: no network is asked for, and every way to the real side leads to the same number."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import ganbench
from ganbench.errors import GanbenchError, SourceError, UnknownName
from ganbench.features.extractor import Extractor
from ganbench.metrics.wavelet import fwd
from ganbench.references.reference import Reference
from ganbench.scoring.options import ScoreOptions
from ganbench.scoring.plan import Plan
from ganbench.statistics.packets import PacketSet
from ganbench.toyfaces import toyfaces


@pytest.fixture(scope="module")
def faces() -> np.ndarray:
    return np.stack([image for _, image in toyfaces(90, size=32, seed=4)])


@pytest.fixture
def no_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError("a network was asked for")

    monkeypatch.setattr("ganbench.features.registry.load_extractor", refuse)
    monkeypatch.setattr("ganbench.features.collect.load_extractor", refuse)
    monkeypatch.setattr("ganbench.scoring.look.load_detector", refuse)


@pytest.mark.usefixtures("no_networks")
def test_real_images_are_enough(faces: np.ndarray, tmp_path: Path) -> None:
    real, fake = faces[:50], faces[50:]
    card = ganbench.score(fake, real, metrics="fwd")
    row = card["fwd[pixels]"]
    expected = fwd(real=PacketSet.of(real), fake=PacketSet.of(fake))
    assert (row.value, row.low, row.high, row.n) == (expected.value, expected.low, expected.high, 40)
    assert row.protocol.endswith("50 images, 32x32 as they were; Haar, level 3: 64 packets of 48 numbers; fwd v1")
    assert [found.id for found in card.rows] == ["fwd[pixels]"]
    assert card.reference["pixels"]["data"]["count"] == 50
    assert card.reference["pixels"]["level"] == 3
    np.save(tmp_path / "real.npy", real)
    assert ganbench.score(fake, tmp_path / "real.npy", metrics="fwd")["fwd"].value == row.value


@pytest.mark.slow
def test_a_reference_serves_whatever_the_extractor(faces: np.ndarray, lite0: Extractor, tmp_path: Path) -> None:
    Reference.build(faces[:50], lite0).save(tmp_path / "toys.lite0.npz")
    alone = ganbench.score(faces[50:], tmp_path / "toys.lite0.npz", metrics="fwd")
    both = ganbench.score(faces[50:], tmp_path / "toys.lite0.npz", metrics=["fd", "duplicates", "fwd"])
    expected = fwd(real=PacketSet.of(faces[:50]), fake=PacketSet.of(faces[50:])).value
    assert alone["fwd"].value == both["fwd"].value == pytest.approx(expected, rel=1e-5)  # float32 in the file
    assert {row.id for row in both.rows} == {"fd[lite0]", "duplicates[pixels]", "fwd[pixels]"}
    loaded = Reference.load(tmp_path / "toys.lite0.npz")
    assert both["fd"].value == ganbench.score(faces[50:], loaded, metrics="fd")["fd"].value
    old = replace(loaded, packets=None, schema=2)
    card = ganbench.score(faces[50:], old, metrics=["fd", "fwd"])
    assert card["fd"].value == both["fd"].value
    assert "lacks the wavelet packets of its images: build it anew" in card["fwd"].reason


@pytest.mark.usefixtures("no_networks")
def test_sizes_that_do_not_fit_are_rows_with_the_reason(faces: np.ndarray) -> None:
    def reason(fake: np.ndarray, real: np.ndarray) -> str:
        card = ganbench.score(fake, real, metrics=["fwd", "duplicates"])
        assert card["duplicates"].value is not None
        return card["fwd"].reason

    assert "is of 16x16 images, these are 32x32 pixels" in reason(faces[:9], faces[:, :16, :16])
    assert "both sides must be multiples of 4" in reason(faces[:9, :30, :30], faces[:, :30, :30])
    assert "8 pixels a side or more, not 32x4" in reason(faces[:9, :, :4], faces[:, :, :4])


@pytest.mark.parametrize(
    ("options", "error", "why"),
    [
        ({"references": ("no-such-faces",)}, UnknownName, "no reference named 'no-such-faces'"),
        ({"references": ("missing/faces.zip",)}, UnknownName, "no such file"),
        ({"features": ("inception",)}, GanbenchError, "--features inception: no metric asked for .fwd. reads features"),
        ({"detector": "opencv-cascade"}, GanbenchError, "no metric asked for .fwd. needs a detector"),
    ],
)
def test_choices_that_nothing_reads_are_refused(options: dict[str, object], error: type[Exception], why: str) -> None:
    with pytest.raises(error, match=why):
        Plan.of(ScoreOptions(metrics=("fwd",), **options))


def test_the_real_side_is_part_of_the_plan(faces: np.ndarray) -> None:
    def plan(real: np.ndarray) -> Plan:
        return Plan.of(ScoreOptions(metrics=("fwd",), references=(real,)))

    assert plan(faces[:20]).key == plan(faces[:20]).key != plan(faces[:21]).key


@pytest.mark.usefixtures("no_networks")
def test_images_that_cannot_be_read_are_told(image_folder: Path) -> None:
    (image_folder / "3.jpg").write_bytes(b"no image")
    run: Callable[..., object] = ganbench.score
    with pytest.raises(SourceError, match="3.jpg"):
        run(image_folder, image_folder, metrics="fwd")
