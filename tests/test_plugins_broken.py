"""What is wrong with somebody else's detector is said in one sentence, before the work."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from ganbench.detectors.answers import detections
from ganbench.detectors.base import DetectorOptions
from ganbench.detectors.registry import load_detector
from ganbench.errors import GanbenchError

BROKEN = """
from dataclasses import dataclass
import numpy as np
from ganbench.detectors.base import Detection, Detector

class Fine(Detector):
    name, version = "fine", 1
    def detect(self, pixels):
        return [Detection(np.empty((0, 4), np.float32), np.empty(0, np.float32)) for _ in pixels]

class Nameless(Fine):
    name = None

class Unversioned(Fine):
    version = "one"

class Abstract(Detector):
    name, version = "abstract", 1

class Crashes(Fine):
    def __init__(self, settings=None, *, device="auto"):
        raise KeyError("no weights here")

class Forgets(Fine):
    def __init__(self, settings=None, *, device="auto"):
        pass

class Short(Fine):
    def detect(self, pixels):
        return []

class Flat(Fine):
    def detect(self, pixels):
        return [Detection(np.empty(4, np.float32), np.empty(1, np.float32)) for _ in pixels]

class Mute(Fine):
    protocol = "something"

class Thawed(Fine):
    @dataclass
    class Settings:
        least: float = 0.1

class Plain(Fine):
    class Settings:
        least: float = 0.1

class Needy(Fine):
    @dataclass(frozen=True)
    class Settings:
        least: float

class Listed(Fine):
    @dataclass(frozen=True)
    class Settings:
        colours: tuple = ()

class Lost(Fine):
    @dataclass(frozen=True)
    class Settings:
        least: "Nowhere" = 0.1

class Misled(Fine):
    threshold = "least"

class Picky(Fine):
    @dataclass(frozen=True)
    class Settings:
        least: float = 0.1
        def __post_init__(self):
            if self.least > 0.5:
                raise ValueError("too much")

def function():
    return Fine()

class Other:
    pass
"""


@pytest.fixture
def broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own_instruments_broken.py").write_text(BROKEN)
    monkeypatch.syspath_prepend(tmp_path)


@pytest.mark.usefixtures("broken")
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Nameless", "needs a name"),
        ("Unversioned", "and a version"),
        ("Abstract", "is no detector yet: it lacks detect"),
        ("Crashes", "fails: KeyError: 'no weights here'"),
        ("Forgets", "fails: AttributeError"),
        ("Short", "must return a list with one Detection per image"),
        ("Flat", r"holds boxes \(M, 4\) and scores \(M,\), not \(4,\) and \(1,\)"),
        ("Mute", "its protocol must start with its name and version"),
        ("Thawed", "its Settings must be a frozen dataclass"),
        ("Plain", "its Settings must be a frozen dataclass"),
        ("Needy", "its setting least needs a default"),
        ("Listed", "its setting colours must be a bool, int, float or str"),
        ("Lost", "the types of its Settings cannot be read"),
        ("Misled", "its threshold 'least' is none of its settings"),
        ("function", "is no detector: it is function, not a class derived from Detector"),
        ("Other", "is no detector: it is Other, not a class derived from Detector"),
        ("Absent", "has no 'Absent'"),
    ],
)
def test_what_is_wrong_with_a_detector_is_said(name: str, message: str) -> None:
    with pytest.raises(GanbenchError, match=message):
        load_detector(f"own_instruments_broken:{name}")


@pytest.mark.usefixtures("broken")
def test_a_check_of_somebody_elses_is_shown_with_its_place() -> None:
    load_detector("own_instruments_broken:Fine")
    load_detector("own_instruments_broken:Picky", DetectorOptions(settings={"least": 0.4}))
    with pytest.raises(GanbenchError, match="the detector fine refuses its settings: ValueError: too much"):
        load_detector("own_instruments_broken:Picky", DetectorOptions(settings={"least": 0.6}))


WORKERS = """
import os
import sys

import numpy as np

from ganbench.detectors.base import Detection, Detector


def nothing():
    return Detection(np.empty((0, 4), np.float32), np.empty(0, np.float32))


class Raises(Detector):
    name, version = "raises", 1

    def detect(self, pixels):
        return [self.one() for _ in pixels] if len(pixels) > 1 else [nothing()]

    def one(self):
        raise ValueError("no such\\nthing")


class Ends(Raises):
    name = "ends"

    def one(self):
        sys.exit("enough")


class Dies(Raises):
    name = "dies"

    def one(self):
        os._exit(7)


class Fewer(Raises):
    name = "fewer"

    def detect(self, pixels):
        return [nothing()]


class Endless(Raises):
    name = "endless"

    def one(self):
        return Detection(np.full((1, 4), np.nan, np.float32), np.ones(1, np.float32))


class Bare(Raises):
    name = "bare"

    def one(self):
        raise BaseException("out")
"""


@pytest.fixture
def crashing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (tmp_path / "crashing.py").write_text(WORKERS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield
    sys.modules.pop("crashing", None)


@pytest.mark.usefixtures("crashing")
@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("Raises", "the detector raises fails in crashing.py, line 21: ValueError: no such thing"),
        ("Ends", "the detector ends fails in crashing.py, line 28: SystemExit: it ends the program (enough)"),
        ("Bare", "the detector bare fails in crashing.py, line 56: BaseException: out"),
        ("Fewer", "fewer: detect must return a list with one Detection per image: 12 images gave 1"),
        ("Endless", "endless: a Detection whose boxes or scores are not finite numbers"),
    ],
)
def test_answers_are_checked_for_every_batch(name: str, line: str) -> None:
    detector = load_detector(f"crashing:{name}")
    with pytest.raises(GanbenchError) as caught:
        detections(detector, np.zeros((12, 64, 64, 3), np.uint8))
    assert str(caught.value) == line


@pytest.mark.slow
@pytest.mark.usefixtures("crashing")
def test_what_ends_a_worker_process_is_named(image_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(image_folder, tmp_path / "again")
    command = ["leaderboard", "generated", "again", "--metric", "afd", "--detector", "crashing:Dies", "--jobs", "2"]
    done = subprocess.run(
        [sys.executable, "-m", "ganbench", *command, "--quiet"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    line = "its process ended with exit code 7 while it scored with crashing:Dies"
    assert done.stderr.splitlines() == [f"not scored: {folder}: {line}" for folder in ("generated", "again")]


@pytest.mark.usefixtures("crashing")
@pytest.mark.parametrize("kind", ["BaseException", "GeneratorExit", "SystemExit", "ZeroDivisionError"])
def test_whatever_an_import_raises_is_one_line(kind: str, tmp_path: Path) -> None:
    module = f"raises_{kind.lower()}"
    (tmp_path / f"{module}.py").write_text(f"raise {kind}('out')\n")
    with pytest.raises(GanbenchError, match=f"importing {module} failed: {kind}: out"):
        load_detector(f"{module}:Thing")
