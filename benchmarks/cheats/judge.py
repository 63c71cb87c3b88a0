"""How a submission is judged: what its scorecard, a board and a comparison with others say of it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ganbench
from cheats.base import Attack, Made
from cheats.files import valid
from cheats.pool import Pool
from ganbench.errors import GanbenchError

_LONGEST = 1800.0  # seconds that one command may take
_FLAGGING = ("copies", "authenticity", "blends", "near_duplicates")  # metrics of one submission that flags follow from
RESULTS = ("fd", "kd", "afd", "copies", "near_duplicates", "authenticity", "blends")


@dataclass(frozen=True)
class Outcome:
    """What came of one trial.

    Attributes:
        attack: its name.
        trial: its number.
        results: values by metric, of lite0 and of the detector; what could not be measured is missing.
        flags: kinds of flags on the scorecard and, where it was on one, on the board.
        per_image: share of its guilty images that were found; of honest work, share of images found guilty.
        shared: share of its images that it shares with another, by ``ganbench overlap``; None where nobody asked.
        ranked: ``below`` or ``above`` an honest GAN on the board; empty where it was on none.
        refused: why it could not be scored; that is one way to be caught.
        seconds: that scoring it took.
    """

    attack: str
    trial: int
    results: dict[str, float] = field(default_factory=dict)
    flags: list[str] = field(default_factory=list)
    per_image: float | None = None
    shared: float | None = None
    ranked: str = ""
    refused: str = ""
    seconds: float = 0.0


@dataclass
class Judge:
    """Scores submissions by ganbench as it is installed.

    Attributes:
        reference: what is scored against, one for each extractor.
        features: extractors.
        pool: where the honest entry of a board comes from.
        folder: for submissions while they are judged.
        boards: whether every first trial goes onto a board.
        whole: whether every trial is measured by all metrics, not the first one alone. Later ones tell how often an
            attack is caught, and take half as long with the metrics that flags follow from.
    """

    reference: Sequence[str]
    features: Sequence[str]
    pool: Pool
    folder: Path
    boards: bool = True
    whole: bool = False

    def __call__(self, attack: Attack, trial: int, made: Made) -> Outcome:
        """Judge a submission."""
        entry = made.entry.write(self.folder, "entry")
        started = time.perf_counter()
        try:
            metrics = None if self.whole or trial == 0 else list(_FLAGGING)
            card = ganbench.score(entry, list(self.reference), self.features, metrics=metrics, cache=False).to_dict()
        except GanbenchError as e:
            if not attack.on_board:
                return Outcome(attack.name, trial, refused=str(e))
            card = {"results": []}
        seconds = time.perf_counter() - started
        results = _results(card)
        flags = _kinds(card)
        shared, ranked, refused = None, "", ""
        if attack.on_board or (self.boards and trial == 0 and not attack.honest):
            others = [other.write(self.folder, f"other{number}") for number, other in enumerate(made.others)]
            more, ranked, refused = self._board(entry, others)
            flags |= more
            if others:
                shared = self._shared(entry, others, len(made.entry.files))
        by = "near_duplicates" if "repeated" in attack.caught_by else "blends" if attack.group == "blend" else "copies"
        found = results.get(by)
        found = shared if made.others else found
        per_image = None if found is None else min(1.0, found / made.guilty)
        return Outcome(attack.name, trial, results, sorted(flags), per_image, shared, ranked, refused, seconds)

    def _board(self, entry: Path, others: Sequence[Path]) -> tuple[set[str], str, str]:
        """Return flags of the entry on a board, its rank against an honest one, and why it is not on it, if so."""
        out = self.folder / "board.json"
        out.unlink(missing_ok=True)
        options = [f"--reference={name}" for name in self.reference] + [f"--features={name}" for name in self.features]
        done = _run("leaderboard", entry, *others, self._honest(), *options, "--json", out, "--quiet")
        if not out.exists():
            raise GanbenchError(f"no board: {done.stderr.strip()[-500:]}")
        board = json.loads(out.read_text("utf-8"))
        for missing in board["not_ranked"]:
            if missing["name"].startswith("entry"):
                return _kinds(missing), "below", missing["reason"]
        places = [(one, number) for number, part in enumerate(board["boards"]) for one in part["entries"]]
        mine, my_board = next((one, number) for one, number in places if Path(one["path"]).name == entry.name)
        honest, its_board = next((one, number) for one, number in places if Path(one["path"]).name == "honest.tgz")
        order = [one["name"] for one, number in places if number == my_board]
        # First on a board of its own is above anybody.
        below = my_board == its_board and order.index(mine["name"]) > order.index(honest["name"])
        return _kinds(mine) | _kinds(mine["scorecard"] or {}), "below" if below else "above", ""

    def _honest(self) -> Path:
        path = self.folder / "honest.tgz"
        if not path.exists():
            import numpy as np

            valid(self.pool.samples(np.random.default_rng(0), 1000)).write(self.folder, "honest")
        return path

    def _shared(self, entry: Path, others: Sequence[Path], count: int) -> float | None:
        """Return the largest share of the entry's images that is another's too; None without such a command."""
        out = self.folder / "overlap.json"
        out.unlink(missing_ok=True)
        done = _run("overlap", entry, *others, "--json", out)
        if not out.exists():
            if "No such command" in done.stderr:
                return None
            raise GanbenchError(f"no overlap: {done.stderr.strip()[-500:]}")
        pairs = json.loads(out.read_text("utf-8"))["pairs"]
        return max((pair["shared"] for pair in pairs), default=0) / count


def _run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ganbench", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=_LONGEST, check=False)


def _results(card: dict[str, Any]) -> dict[str, float]:
    """Return the first value of every metric that is told."""
    found: dict[str, float] = {}
    for row in card["results"]:
        metric = row["id"].partition("[")[0]
        if metric in RESULTS and row["value"] is not None:
            found.setdefault(metric, row["value"])
    return found


def _kinds(told: dict[str, Any]) -> set[str]:
    return {flag["kind"] for flag in told.get("flags") or []}
