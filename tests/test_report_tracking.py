"""Whether AFD follows FD while a run trains: rank correlations worked out by hand."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from synthetic_runs import make_card, make_run

from ganbench.leaderboard.agreement import trackings
from ganbench.leaderboard.boards import Leaderboard
from ganbench.leaderboard.entries import Entry, collect
from ganbench.report.page import make_page
from ganbench.training.run_folder import RunFolder

AFD, FD = "afd[yolo-nano]", "fd[lite0]"


def _entries(folder: Path, scores: list[tuple[float, float]]) -> list[Entry]:
    run = make_run(folder / "dcgan-seed0", "dcgan", 0, make_card({FD: (100.0, 99.0, 101.0)}))
    for step, (rate, distance) in enumerate(scores, 2000):
        RunFolder(run).log({"step": step, AFD: rate, FD: distance})
    return collect([run], lambda: None)


@pytest.mark.parametrize(
    ("scores", "correlation"),
    [
        ([(0.0, 300), (0.1, 250), (0.4, 240), (0.8, 200), (0.9, 150)], -1.0),
        # Ranks 1 3 2 5 4 against 5 4 3 2 1: 1 - 6 (16 + 1 + 1 + 9 + 9) / (5 * 24) = -0.8.
        ([(0.0, 300), (0.4, 250), (0.1, 240), (0.9, 200), (0.8, 150)], -0.8),
        ([(0.9, 300), (0.8, 301), (0.7, 302), (0.6, 303), (0.5, 304)], -1.0),
        ([(0.0, 300), (0.0, 250), (0.0, 240), (0.0, 200), (0.0, 150)], None),
    ],
)
def test_rank_correlations(tmp_path: Path, scores: list[tuple[float, float]], correlation: float | None) -> None:
    (found,) = trackings(_entries(tmp_path, scores))
    assert (found.run, found.rate, found.distance, found.checkpoints) == ("dcgan-seed0", AFD, FD, 5)
    assert found.correlation == (None if correlation is None else pytest.approx(correlation, abs=1e-12))


def test_the_page_says_it(tmp_path: Path) -> None:
    falling = [(0.0, 300), (0.4, 250), (0.1, 240), (0.9, 200), (0.8, 150)]
    page = make_page(Leaderboard.of(_entries(tmp_path, falling), FD))
    line = re.search(r'<th scope="row">dcgan-seed0</th>(<td data-label="results">.*?)</tr>', page)
    assert line is not None
    assert re.findall(r">([^<>]+)</td>", line[1]) == ["afd[yolo-nano], fd[lite0]", "5", "-0.80"]


def test_too_few_checkpoints_and_no_runs_say_nothing(tmp_path: Path) -> None:
    assert trackings(_entries(tmp_path, [(0.1, 300), (0.2, 250), (0.3, 240), (0.4, 200)])) == []
    assert trackings([Entry("card", tmp_path / "card.json")]) == []
