"""Extractors and detectors of other people: from a file, from an installed package, under which names."""

from __future__ import annotations

import json
import sys
import threading
import time
from dataclasses import asdict
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest
from plugins import write_entry_points
from typer.testing import CliRunner

import ganbench
from ganbench.cli.app import app
from ganbench.detectors.base import Detection, Detector
from ganbench.detectors.registry import DETECTORS, load_detector, result_name
from ganbench.detectors.yolo import YoloNano
from ganbench.errors import GanbenchError, UnknownName
from ganbench.features import export
from ganbench.features.registry import EXTRACTORS, load_extractor, specify_extractor, takes_weights
from ganbench.features.spec import BuildOptions, ExtractorSpec
from ganbench.images.sources import open_source
from ganbench.registry import Registry
from ganbench.scoring.cached import score_cached
from ganbench.scoring.options import ScoreOptions
from ganbench.scoring.plan import Plan

CPU = BuildOptions(device="cpu")


@pytest.fixture
def installed(own_instruments: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_entry_points(own_instruments.parent)
    monkeypatch.syspath_prepend(own_instruments.parent)
    for registry in (EXTRACTORS, DETECTORS):
        monkeypatch.setattr(registry, "_entries", dict(registry._entries))
        monkeypatch.setattr(registry, "_plugins_known", False)


@pytest.mark.usefixtures("installed")
def test_an_installed_package_adds_instruments(image_folder: Path) -> None:
    assert list(EXTRACTORS)[:2] == ["lite0", "inception"]
    assert {"thumb", "channels"} <= set(EXTRACTORS)
    assert "skin" in DETECTORS
    card = ganbench.score(image_folder, image_folder, ["thumb", "channels"], "skin", metrics=["fd", "afd"])
    assert [row.id for row in card.rows if row.id.startswith(("fd", "afd"))] == [
        "fd[thumbnail]",
        "fd[channels]",
        "afd[skin]",
    ]
    protocols = {row.id: row.protocol for row in card.rows}
    assert protocols["fd[channels]"].startswith("channels v2, bicubic-aa to 16 px, weights 140bedbf")
    assert "from own_instruments.features:thumbnail" in protocols["fd[thumbnail]"]
    assert protocols["afd[skin]"] == "skin v1, least 0.15, lowest red 95, strict no, colours rgb; afd v1"
    assert not takes_weights("thumb")
    assert not takes_weights("channels")
    assert takes_weights("inception:clean")


@pytest.mark.usefixtures("own_instruments")
def test_a_file_in_the_current_folder_is_enough(image_folder: Path) -> None:
    arguments = ["score", str(image_folder), "--reference", str(image_folder), "--metric", "fd", "--metric", "afd"]
    arguments += [
        "--json",
        "-",
        "--features",
        "own_instruments.features:thumbnail",
        "--detector",
        "own_instruments.detectors:Skin",
    ]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    assert "fd[thumbnail]" in done.output
    assert "afd[skin]" in done.output
    command = ["detect", str(image_folder), "--detector", "own_instruments.detectors:Skin", "--json"]
    found = json.loads(CliRunner().invoke(app, [*command, "--detector-set", "least=0.9"]).stdout)
    assert found["id"] == "afd[skin]"
    assert found["protocol"] == "skin v1, least 0.9, lowest red 95, strict no, colours rgb"


@pytest.mark.usefixtures("own_instruments")
def test_the_name_in_results_is_known_before_it_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("own_instruments.detectors:Skin", "yolo-nano"):
        assert result_name(name) == load_detector(name).name
    assert result_name("yolo:some/where/net.onnx") == "yolo:net.onnx"

    def loaded(*_: object, **__: object) -> None:
        raise AssertionError("loaded")

    monkeypatch.setattr(YoloNano, "__init__", loaded)
    assert result_name("yolo-nano") == "yolo-nano"
    with pytest.raises(UnknownName, match="Did you mean 'yolo-nano'"):
        result_name("yolo-nan")


@pytest.mark.slow
@pytest.mark.usefixtures("own_instruments")
def test_entries_that_are_exported_and_that_are_not_compute_the_same(rng: np.random.Generator) -> None:
    pixels = rng.integers(0, 256, (3, 40, 30, 3), dtype=np.uint8)
    exported = load_extractor("own_instruments.features:ENTRY", CPU)
    in_torch = load_extractor("own_instruments.features:IN_TORCH", CPU)
    assert exported.spec == in_torch.spec
    for found, expected in zip(exported(pixels), in_torch(pixels), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-5)
    with pytest.raises(GanbenchError, match="cannot be handed to the process that exports the network"):
        load_extractor("own_instruments.features:UNSENDABLE", CPU)


@pytest.mark.slow
def test_what_breaks_while_a_network_is_exported_is_said(
    own_instruments: Path, ganbench_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = own_instruments / "features.py"
    module.write_text(module.read_text().replace("    return Channels()", "    raise KeyError('no weights here')", 1))
    with pytest.raises(GanbenchError, match=r"channels: the network could not be exported to ONNX: KeyError"):
        load_extractor("own_instruments.features:ENTRY", CPU)
    monkeypatch.setattr(export.sys, "executable", str(ganbench_home / "no-python"))
    with pytest.raises(GanbenchError, match="cannot be started"):
        load_extractor("own_instruments.features:ENTRY", CPU)


def test_changed_code_is_computed_anew_though_its_version_is_the_same(own_instruments: Path) -> None:
    """References go by the version: a changed comment does not make them useless."""
    pixels = np.full((1, 64, 64, 3), 51, np.uint8)

    def compute() -> tuple[float, float]:
        names = [f"own_instruments.features:{name}" for name in ("thumbnail", "IN_TORCH")]
        found = [load_extractor(name, CPU)(pixels)[0][0, 0] for name in names]
        specs.append([specify_extractor(name, CPU) for name in names])
        identities.append(load_detector("own_instruments.detectors:Skin").identity)
        for module in [name for name in sys.modules if name.startswith("own_instruments")]:
            del sys.modules[module]
        return tuple(map(float, found))

    specs: list[list[ExtractorSpec]] = []
    identities: list[str] = []
    assert compute() == pytest.approx((0.2, 51))
    module = own_instruments / "features.py"
    changed = module.read_text().replace("x.flatten(1) / 255", "x.flatten(1) / 51")
    module.write_text(changed.replace("x.mean(", "2 * x.mean("))
    assert compute() == pytest.approx((1, 102))
    assert specs[0] == specs[1]
    assert [spec.key() for spec in specs[0]] != [spec.key() for spec in specs[1]]
    assert identities[0] != identities[1]  # the same package
    assert load_extractor("lite0", CPU).spec.code == ""


METRIC = """
from ganbench.metrics.base import Estimate, metric

@metric("images", title="Images", better="none", needs="detections")
def images(*, real=None, fake, seed=0):
    return Estimate(float(fake.n), None, None, "", fake.n)
"""


def test_a_cached_scorecard_is_not_that_of_other_code(own_instruments: Path, image_folder: Path) -> None:
    """Whoever writes a metric or a detector scores, changes it, and scores again; nobody raises a version each time."""

    def value() -> float | None:
        plan = Plan.of(ScoreOptions(metrics=("own_metric:images",), detector="own_instruments.detectors:Skin"))
        keys.append(plan.key)
        (row,) = score_cached(open_source(image_folder), plan).rows
        for module in [name for name in sys.modules if name.startswith("own_")]:
            del sys.modules[module]
        return row.value

    keys: list[str] = []
    metric = own_instruments.parent / "own_metric.py"
    metric.write_text(METRIC)
    assert value() == value() == 12
    metric.write_text(METRIC.replace("float(fake.n)", "float(fake.n + 1)"))
    assert value() == 13
    module = own_instruments / "detectors.py"
    module.write_text(module.read_text() + "# changed\n")
    assert value() == 13
    assert keys[0] == keys[1]
    assert len(set(keys)) == 3


def test_a_file_named_without_what_is_in_it(own_instruments: Path) -> None:
    (own_instruments.parent / "own_metric.py").write_text(METRIC)
    with pytest.raises(UnknownName, match=r"unknown metric 'own_metric'\. What is in own_metric.py is called own_metr"):
        Plan.of(ScoreOptions(metrics=("own_metric",)))
    with pytest.raises(UnknownName, match=r"unknown extractor 'own_metric'\. What is in own_metric.py"):
        load_extractor("own_metric")


@pytest.mark.usefixtures("installed")
def test_resize_protocols_of_networks_of_ones_own() -> None:
    with pytest.raises(UnknownName, match="thumb has one resize protocol, its network's own"):
        load_extractor("thumb:tf1", CPU)
    with pytest.raises(UnknownName, match="has one resize protocol, 'bicubic-aa'; 'tf1' is not defined for it"):
        load_extractor("thumb", BuildOptions(device="cpu", resize="tf1"))


def test_nobody_takes_anothers_name(own_instruments: Path) -> None:
    module = own_instruments / "features.py"
    module.write_text(module.read_text().replace('name = "thumbnail"', 'name = "inception:mine"'))
    with pytest.raises(GanbenchError, match="calls itself 'inception:mine', which is another extractor's name"):
        load_extractor("own_instruments.features:thumbnail", CPU)
    module = own_instruments / "detectors.py"
    module.write_text(module.read_text().replace('name = "skin"', 'name = "yolo-nano"'))
    with pytest.raises(GanbenchError, match="calls itself 'yolo-nano', which is another detector's name"):
        load_detector("own_instruments.detectors:Skin")


def test_a_registry_is_complete_for_every_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second thread comes while the first one still reads what is installed."""
    honest = metadata.entry_points
    reading = threading.Event()

    def slow(**which: str) -> object:
        reading.set()
        time.sleep(0.2)
        return honest(**which)

    monkeypatch.setattr("ganbench.registry.metadata.entry_points", slow)
    registry: Registry[object] = Registry("thing", group="console_scripts")
    first = threading.Thread(target=lambda: "ganbench" in registry)
    first.start()
    reading.wait()
    assert "pytest" in registry
    first.join()


def test_detectors_without_load_detector() -> None:
    class Nothing(Detector):
        name, version = "nothing", 3

        def detect(self, pixels: np.ndarray) -> list[Detection]:
            return [Detection(np.empty((0, 4), np.float32), np.empty(0, np.float32)) for _ in pixels]

    detector = Nothing()
    assert detector.protocol == "nothing v3"
    assert asdict(detector.settings) == {}
