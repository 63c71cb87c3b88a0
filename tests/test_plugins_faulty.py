"""Metrics, detectors and networks of other people that fail while they work, or take a name that is not theirs."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import ganbench
from ganbench.cli.app import main
from ganbench.errors import GanbenchError
from ganbench.features.registry import load_extractor
from ganbench.features.spec import BuildOptions
from ganbench.scoring.options import ScoreOptions
from ganbench.scoring.plan import Plan

FAULTY = """
import numpy as np
from torch import nn

from ganbench.detectors.base import Detection, Detector
from ganbench.metrics.base import Estimate, metric

@metric("crash", title="Crash", better="none", needs="detections")
def crash(*, real=None, fake, seed=0):
    return Estimate(1 / 0, None, None, "", fake.n)

@metric("endless", title="Endless", better="none", needs="detections")
def endless(*, real=None, fake, seed=0):
    return Estimate(float("inf"), None, None, "", fake.n)

@metric("afd", title="Thief", better="none", needs="detections")
def afd(*, real=None, fake, seed=0):
    return Estimate(1.0, None, None, "", fake.n)

@metric("fid", title="Thief", better="none", needs="moments")
def fid(*, real, fake, seed=0):
    return Estimate(0.0, None, None, "", fake.n)

class Late(Detector):
    name, version = "late", 1
    def detect(self, pixels):
        if len(pixels) > 1:
            raise KeyError("oops")
        return [Detection(np.empty((0, 4), np.float32), np.empty(0, np.float32)) for _ in pixels]

class Pixels(nn.Module):
    def forward(self, x):
        return x.flatten(1)
"""


@pytest.fixture
def faulty(own_instruments: Path) -> Path:
    path = own_instruments.parent / "own_instruments_faulty.py"
    path.write_text(FAULTY)
    return path


@pytest.mark.usefixtures("faulty")
def test_a_metric_that_fails_is_a_row_with_its_place(image_folder: Path) -> None:
    names = [f"own_instruments_faulty:{name}" for name in ("crash", "endless")]
    card = ganbench.score(image_folder, metrics=[*names, "afd"], detector="own_instruments.detectors:Skin")
    reasons = {row.id: row.reason for row in card.rows}
    assert reasons["crash[skin]"] == "own_instruments_faulty.py, line 10: ZeroDivisionError: division by zero"
    assert reasons["endless[skin]"] == "its value is inf, and no finite number."
    assert card["afd"].value is not None


@pytest.mark.usefixtures("faulty")
@pytest.mark.parametrize("name", ["afd", "fid"])
def test_a_metric_does_not_take_anothers_name(name: str) -> None:
    with pytest.raises(GanbenchError, match=f"faulty:{name} calls itself '{name}', which is another metric's name"):
        Plan.of(ScoreOptions(metrics=(f"own_instruments_faulty:{name}",)))


@pytest.mark.usefixtures("faulty")
def test_what_fails_in_a_command_is_one_line(
    image_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["ganbench", "detect", str(image_folder), "--detector", "own_instruments_faulty:Late"]
    monkeypatch.setattr(sys, "argv", arguments)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert capsys.readouterr().err.splitlines()[-1] == (
        "ganbench: the detector late fails in own_instruments_faulty.py, line 28: KeyError: 'oops'"
    )


@pytest.mark.usefixtures("own_instruments")
def test_a_fault_of_ganbenchs_own_is_not_hidden(image_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise KeyError("ours")

    monkeypatch.setattr("ganbench.scoring.score.look", broken)
    monkeypatch.setattr(sys, "argv", ["ganbench", "score", str(image_folder), "--metric", "afd"])
    with pytest.raises(KeyError, match="ours"):
        main()


@pytest.mark.usefixtures("faulty")
def test_features_that_no_memory_would_hold_are_refused() -> None:
    with pytest.raises(GanbenchError, match=r"gives 150,528 features of an image, .* Let the network pool them"):
        load_extractor("own_instruments_faulty:Pixels", BuildOptions(device="cpu"))
