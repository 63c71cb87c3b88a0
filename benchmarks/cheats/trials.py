"""The trials, one after the other or in several processes: what was done stays done when the process is killed."""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from cheats.base import Attack
from cheats.judge import Judge, Outcome
from cheats.pool import Pool
from ganbench.errors import GanbenchError
from ganbench.system.cores import keep_to_cores
from ganbench.system.progress import track
from ganbench.system.storage import atomic_write


class Journal:
    """A file of outcomes, one a line, under a first line with the settings that they depend on."""

    def __init__(self, path: Path, settings: dict[str, object]) -> None:
        """Open it, or begin it.

        Raises:
            GanbenchError: it is of other settings.
        """
        self._path = path
        first = json.dumps(settings, sort_keys=True)
        if not path.exists():
            with atomic_write(path, "w") as f:
                f.write(first + "\n")
        lines = path.read_text("utf-8").split("\n")
        if json.loads(lines[0]) != json.loads(first):
            raise GanbenchError(f"{path} is of other settings: {lines[0]}. Now: {first}. Give another --out")
        whole = lines[1:-1]  # what follows the last line break is half a line, of a process that was killed
        self.outcomes = [Outcome(**json.loads(line)) for line in whole]
        if lines[-1]:
            with atomic_write(path, "w") as f:
                f.write("\n".join([lines[0], *whole]) + "\n")

    def add(self, outcome: Outcome) -> None:
        """Write an outcome down."""
        with self._path.open("a", encoding="utf-8") as f:
            f.write(json.dumps(asdict(outcome)) + "\n")
        self.outcomes.append(outcome)


def to_do(attacks: Sequence[Attack], trials: int, done: Sequence[Outcome]) -> list[tuple[Attack, int]]:
    """Return the trials that are left: the first of every attack first, so that a table is whole early."""
    known = {(outcome.attack, outcome.trial) for outcome in done}

    def all_of() -> Iterator[tuple[Attack, int]]:
        for trial in range(max(trials, *(attack.most or 0 for attack in attacks if attack.honest), 0)):
            for attack in attacks:
                # Of honest work as many as there are: false alarms are rare, and it takes many trials to see them.
                wanted = attack.most or trials if attack.honest and trials > 1 else min(trials, attack.most or trials)
                if trial < wanted and (attack.name, trial) not in known:
                    yield attack, trial

    return list(all_of())


@dataclass(frozen=True)
class Room:
    """Where attacks are made and judged; one in every process.

    Attributes:
        attacks: all there are, by name.
        pool: the faces.
        judge: the judge.
        seed: of everything random.
        count: images of a submission.
    """

    attacks: Mapping[str, Attack]
    pool: Pool
    judge: Judge
    seed: int
    count: int

    def __call__(self, name: str, trial: int) -> Outcome:
        """Make an attack and judge it."""
        attack = self.attacks[name]
        return self.judge(attack, trial, attack.make(self.pool, attack.random(self.seed, trial), self.count))


def run(attacks: Sequence[Attack], trials: int, to: Journal, open_room: Callable[[], Room], jobs: int = 1) -> None:
    """Try everything that is not in the journal yet.

    Args:
        attacks: which.
        trials: of each.
        to: where outcomes go.
        open_room: makes the room; with several processes, something that a new one can import.
        jobs: processes, each on cores of its own.
    """
    left = to_do(attacks, trials, to.outcomes)
    with track("attacks", len(left) + len(to.outcomes), len(to.outcomes), unit="trials") as advance:
        if jobs == 1:
            room = open_room()
            for attack, trial in left:
                to.add(room(attack.name, trial))
                advance(1, attack.name)
            return
        context = multiprocessing.get_context("spawn")
        slots = context.Queue()
        for slot in range(jobs):
            slots.put(slot)
        with ProcessPoolExecutor(jobs, context, _begin, (slots, open_room)) as workers:
            for future in as_completed([workers.submit(_try, attack.name, trial) for attack, trial in left]):
                outcome = future.result()
                to.add(outcome)
                advance(1, outcome.attack)


def _begin(slots: Any, open_room: Callable[[], Room]) -> None:
    global _room
    keep_to_cores(slots.get(), 1)
    _room = open_room()


def _try(name: str, trial: int) -> Outcome:
    assert _room is not None
    return _room(name, trial)


_room: Room | None = None  # of a process that tries attacks for another
