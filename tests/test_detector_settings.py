"""Settings of detectors: declared once, given by name, read as their type, shown in the protocol."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from ganbench.cli.app import app
from ganbench.cli.options import detector_options, parse_settings
from ganbench.detectors.base import DetectorOptions
from ganbench.detectors.cascade import CascadeSettings
from ganbench.detectors.registry import load_detector
from ganbench.detectors.settings import resolve, shown, spelled
from ganbench.errors import GanbenchError
from ganbench.toyfaces import toyfaces


@dataclass(frozen=True)
class Settings:
    share: float = 0.25
    count: int = 3
    strict: bool = False
    colours: str = "rgb"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, Settings()),
        ({"share": "0.5", "count": "7", "strict": "yes", "colours": "bgr"}, Settings(0.5, 7, True, "bgr")),
        ({"share": 1, "count": np.int64(2), "strict": True}, Settings(1.0, 2, True)),
        ({"share": np.float32(0.5)}, Settings(0.5)),
        ({"share": "1e-3", "strict": "Off"}, Settings(0.001)),
    ],
)
def test_values_are_read_as_the_settings_type(given: dict[str, object], expected: Settings) -> None:
    found = resolve(Settings(), given, "toy")
    assert found == expected
    assert [type(getattr(found, name)) for name in ("share", "count", "strict")] == [float, int, bool]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"share": "much"}, "--detector-set share=much: expected a number"),
        ({"share": "nan"}, "expected a number"),
        ({"share": float("inf")}, "expected a number"),
        ({"share": True}, "--detector-set share=yes: expected a number"),
        ({"share": None}, "expected a number"),
        ({"count": "2.5"}, "expected a whole number"),
        ({"count": 2.0}, "expected a whole number"),
        ({"count": False}, "expected a whole number"),
        ({"strict": "perhaps"}, "expected yes or no"),
        ({"strict": 1}, "expected yes or no"),
        ({"colours": 3}, "expected text"),
        ({"shore": 1}, r"no such setting\. Did you mean 'share'\? It has: share, count, strict, colours\."),
        ({"zzz": 1}, r"--detector-set zzz: the detector toy has no such setting\. It has: share, count"),
        ({"conf": 1}, r"--conf: the detector toy has no such setting\. Did you mean 'count'\? It has"),
    ],
)
def test_what_is_wrong_with_a_value_is_said(given: dict[str, object], message: str) -> None:
    with pytest.raises(GanbenchError, match=message):
        resolve(Settings(), given, "toy")


def test_every_digit_is_shown() -> None:
    """Protocols tell settings apart: two that differ must not look the same."""
    assert shown(Settings(0.5, 7, True)) == ["share 0.5", "count 7", "strict yes", "colours rgb"]
    assert shown(Settings(0.1234567891))[0] == "share 0.1234567891"
    assert shown(Settings(1e-7))[0] == "share 1e-07"
    assert spelled("conf", 0.8) == "--conf 0.8"
    assert spelled("least", 0.8) == "--detector-set least=0.8"


def test_short_forms_and_the_others_are_one_mapping() -> None:
    assert parse_settings(["least=0.2", "lowest-red = 90", "colours="]) == {
        "least": "0.2",
        "lowest_red": "90",
        "colours": "",
    }
    assert detector_options("cpu", ["least=0.2"], None, 0.5, None) == DetectorOptions(
        "cpu", {"least": "0.2", "iou": 0.5}
    )
    for texts in (["least"], ["=3"]):
        with pytest.raises(GanbenchError, match="expected KEY=VALUE"):
            parse_settings(texts)
    with pytest.raises(GanbenchError, match="least is given twice"):
        parse_settings(["least=1", "least=2"])
    with pytest.raises(GanbenchError, match=r"conf is given twice: --conf 0\.5, and 0\.6"):
        detector_options("cpu", ["conf=0.6"], 0.5, None, None)


def test_detector_set_does_what_the_short_forms_do() -> None:
    short = load_detector("yolo-nano", DetectorOptions.of(conf=0.6, imgsz=96))
    long = load_detector("yolo-nano", DetectorOptions(settings={"conf": "0.6", "imgsz": "96"}))
    assert short.protocol == long.protocol
    with pytest.raises(GanbenchError, match=r"--conf 1\.5: expected a number between 0 and 1"):
        load_detector("yolo-nano", DetectorOptions(settings={"conf": "1.5"}))
    with pytest.raises(GanbenchError, match=r"Did you mean 'imgsz'\? It has: conf, iou, imgsz"):
        load_detector("yolo-nano", DetectorOptions(settings={"imgs": 64}))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("upscale", 0.0),
        ("upscale", 17.0),
        ("border", -1.0),
        ("scale_factor", 1.0),
        ("min_neighbors", 0),
        ("min_size", 1.1),
    ],
)
def test_settings_of_the_cascade_that_it_would_choke_on(name: str, value: float) -> None:
    with pytest.raises(GanbenchError, match=f"--detector-set {name}="):
        CascadeSettings(**{name: value})


@pytest.fixture
def sides(tmp_path: Path, own_instruments: Path, rng: np.random.Generator) -> list[str]:
    np.save(tmp_path / "faces.npy", np.stack([image for _, image in toyfaces(20, seed=9)]))
    np.save(tmp_path / "noise.npy", rng.integers(0, 256, (20, 64, 64, 3), dtype=np.uint8))
    return ["--real", "faces.npy", "--fake", "noise.npy"]


def calibrate(*arguments: str) -> str:
    done = CliRunner().invoke(app, ["afd", "calibrate", *arguments])
    assert done.exit_code == 0, done.output
    return done.stdout


def test_calibrate_finds_the_threshold_of_any_detector(sides: list[str]) -> None:
    own = ["--detector", "own_instruments.detectors:Skin", "--detector-set", "lowest_red=90"]
    result = json.loads(calibrate(*sides, *own, "--fpr", "0", "--json"))
    assert result["protocol"] == "skin v1, least 0.001, lowest red 90, strict no, colours rgb"
    told = calibrate(*sides, *own, "--fpr", "0")
    wanted = f"--detector-set lowest_red=90 --detector-set least={result['threshold']:.4g}"
    assert f"use it: --detector own_instruments.detectors:Skin {wanted}  (n = 20 and 20)" in told
    refused = CliRunner().invoke(app, ["afd", "calibrate", *sides, *own, "--detector-set", "least=0.3"])
    assert isinstance(refused.exception, GanbenchError)
    assert "least is the threshold that calibrate looks for" in str(refused.exception)


def test_where_no_threshold_is_strict_enough(sides: list[str]) -> None:
    swapped = ["--real", sides[3], "--fake", sides[1], "--fpr", "0"]
    assert json.loads(calibrate(*swapped, "--json"))["threshold"] is None
    assert "choose a larger --fpr" in calibrate(*swapped)
