"""Loggers that fail, hang or are slow cost the run nothing, and it says so."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from training_processes import SMALL, noise_images

from ganbench.images.arrays import ArraySource
from ganbench.loggers import several
from ganbench.loggers.base import Begin, Logger
from ganbench.loggers.registry import LOGGERS
from ganbench.loggers.several import Loggers
from ganbench.training.checkpoint import load_checkpoint
from ganbench.training.options import LoopOptions
from ganbench.training.recipe import load_recipe
from ganbench.training.start import train

SHEET = np.zeros((20, 30, 3), np.uint8)


class Kept(Logger):
    """Keeps what it gets; fails where it is told to."""

    calls: list[tuple] = []  # noqa: RUF012  # of the class, to be read after the run
    failing = ""
    pause = 0.0

    def _got(self, *call: object) -> None:
        if self.failing == call[0]:
            raise {"close": SystemExit}.get(str(call[0]), RuntimeError)(f"no {call[0]}\nfor you")
        time.sleep(self.pause)
        type(self).calls.append(call)

    def open(self, begin: Begin) -> None:
        self._got("open", begin.name, begin.step)

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        self._got("scalars", step, values)

    def close(self, *, finished: bool) -> None:
        self._got("close", finished)


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> type[Kept]:
    monkeypatch.setattr(LOGGERS, "_entries", {**LOGGERS._entries, "kept": Kept})
    for name, value in (("calls", []), ("failing", ""), ("pause", 0.0)):
        monkeypatch.setattr(Kept, name, value)
    return Kept


@pytest.mark.parametrize("failing", ["open", "scalars", "close"])
def test_a_logger_that_fails_is_named_and_costs_the_run_nothing(
    failing: str, kept: type[Kept], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "failing", failing)
    source = ArraySource.of("noise", noise_images(), value_range=None, resize=None)
    told: list[str] = []
    recipe = load_recipe("dcgan", "smoke", [*SMALL, "training.steps=4"])
    options = LoopOptions(log_every=1, sheet_every=None, loggers=("kept", "csv"))
    train(recipe, source, tmp_path / "run", options=options, warn=told.append)
    assert load_checkpoint(tmp_path / "run" / "checkpoint.pt")["step"] == 4
    assert (tmp_path / "run" / "logs" / "csv" / "metrics.csv").read_text().count("\n") == 5
    assert (
        told
        == {
            "open": ["--log kept: could not be opened: RuntimeError: no open for you. The run goes on without it"],
            "scalars": [
                "--log kept: RuntimeError: no scalars for you. The run goes on",
                "--log kept: failed 3 times in a row: it gets nothing more. The run goes on",
            ],
            "close": ["--log kept: SystemExit: no close for you. The run goes on"],
        }[failing]
    )


def test_a_logger_that_hangs_holds_nothing_up(kept: type[Kept], monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()
    monkeypatch.setattr(kept, "scalars", lambda self, step, values: released.wait(60))
    monkeypatch.setattr(several, "_WAITING", 2)
    monkeypatch.setattr(several, "_AT_THE_END", 0.1)
    told: list[str] = []
    loggers = Loggers(["kept"], lambda name: Begin("run", Path(), {}), told.append)
    for step in range(9):
        loggers.scalars(step, {"loss": 1.0})
    loggers.close(finished=True)
    released.set()
    assert told == [
        "--log kept: does not keep up; what it has no time for is left out",
        "--log kept: did not finish in time; its last lines may be missing",
    ]


def test_a_slow_logger_gets_what_it_has_time_for(kept: type[Kept], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "pause", 0.02)
    monkeypatch.setattr(several, "_WAITING", 2)
    told: list[str] = []
    loggers = Loggers(["kept"], lambda name: Begin("run", Path(), {}), told.append)
    for step in range(20):
        loggers.scalars(step, {"loss": 1.0})
    loggers.close(finished=True)
    got = [call[1] for call in kept.calls if call[0] == "scalars"]
    assert got == sorted(got)
    assert kept.calls[-1] == ("close", True)
    assert told[-1] == f"--log kept: {20 - len(got)} of its lines and pictures were left out"


def test_few_pictures_wait_for_a_slow_logger(kept: type[Kept], monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()
    shown: list[int] = []
    monkeypatch.setattr(kept, "scalars", lambda self, step, values: released.wait(60))
    monkeypatch.setattr(kept, "image", lambda self, step, name, pixels: shown.append(step))
    monkeypatch.setattr(several, "_PICTURES", 3)
    told: list[str] = []
    loggers = Loggers(["kept"], lambda name: Begin("run", Path(), {}), told.append)
    loggers.scalars(0, {"loss": 1.0})
    for step in range(9):
        loggers.image(step, "samples", SHEET)
    released.set()
    loggers.close(finished=True)
    assert shown == [0, 1, 2]
    assert told[-1] == "--log kept: 6 of its lines and pictures were left out"
