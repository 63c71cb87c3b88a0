"""Long work says where it stands: without a terminal, in a line a minute."""

from __future__ import annotations

import io
import re
import sys
import threading

import numpy as np
import pytest

from ganbench.system import progress
from ganbench.system.progress import in_words, set_quiet, track


class Clock:
    """Time that passes when the work says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(progress, "time", made)
    monkeypatch.setattr(progress, "_lines", progress._Lines())
    return made


def _said(capsys: pytest.CaptureFixture[str]) -> list[str]:
    captured = capsys.readouterr()
    assert captured.out == ""
    return captured.err.splitlines()


def test_a_line_after_ten_seconds_and_then_one_a_minute(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    with track("wgan", 3000, 100, unit="steps") as advance:
        for _ in range(200):
            clock.now += 1
            advance(10, "D 0.31  G 1.20  64 images/s")
    lines = _said(capsys)
    assert lines[0] == "wgan: 200 of 3,000 steps, D 0.31  G 1.20  64 images/s, about 5 min left"
    assert [line.split()[1] for line in lines] == ["200", "800", "1,400", "2,000"]


@pytest.mark.parametrize("seed", range(20))
def test_whatever_is_inside_of_what_there_is_at_most_a_line_a_minute(
    clock: Clock, capsys: pytest.CaptureFixture[str], seed: int
) -> None:
    rng = np.random.default_rng(seed)
    start = clock.now
    for _ in range(rng.integers(1, 4)):
        entries, images = int(rng.integers(1, 40)), int(rng.integers(1, 40))
        with track("scoring", entries, unit="entries") as outer:
            for _ in range(entries):
                with track("features", images if rng.random() < 0.5 else None, unit="images") as inner:
                    for _ in range(images):
                        clock.now += rng.exponential(0.5)
                        inner(1)
                outer(1)
    lines = _said(capsys)
    assert len(lines) <= 1 + (clock.now - start) / 60
    assert len(lines) >= (clock.now - start - 30) // 75
    assert all(re.match(r"scoring: \d+ of \d+ entries(, about .+ left)?(; features: \d+.*)?$", line) for line in lines)


def test_short_work_says_nothing_however_long_ago_the_last_was(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(5):
        clock.now += 1000
        with track("decoding", 9) as advance:
            for _ in range(9):
                clock.now += 1
                advance(1)
    assert _said(capsys) == []


def test_quiet_says_nothing(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    set_quiet(True)
    try:
        with track("decoding", 9) as advance:
            clock.now += 500
            advance(1)
    finally:
        set_quiet(False)
    assert _said(capsys) == []


def test_threads_do_not_share_lines(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    def work(name: str) -> None:
        with track(name, 3) as advance:
            advance(1)
            clock.now += 15
            advance(1)

    with track("outer", 3) as advance:
        advance(1)
        thread = threading.Thread(target=work, args=("other",))
        thread.start()
        thread.join()
        advance(1)
    lines = _said(capsys)
    assert lines == ["other: 2 of 3, about 15 s left", "outer: 2 of 3, about 15 s left"]


def test_a_closed_standard_error_does_not_cost_the_work(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = io.StringIO()
    closed.close()
    with track("decoding", 9) as advance:
        monkeypatch.setattr(sys, "stderr", closed)
        clock.now += 100
        advance(1)


def test_durations_are_said_as_a_person_would() -> None:
    assert [in_words(s) for s in (3.4, 89, 95, 3600, 7300)] == [
        "about 3 s", "about 89 s", "about 2 min", "about 60 min", "about 2.0 h",
    ]  # fmt: skip
