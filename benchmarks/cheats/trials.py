"""The trials, one after the other or in several processes: what was done stays done when the process is killed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from cheats.base import Attack
from cheats.judge import Judge, Outcome
from cheats.pool import Pool
from ganbench.errors import GanbenchError
from ganbench.system.progress import track
from ganbench.system.storage import atomic_write
from ganbench.system.tasks import Died, Tell
from ganbench.system.workers import Workers


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


def run(attacks: Sequence[Attack], trials: int, to: Journal, open_room: Callable[[], Room], jobs: int) -> None:
    """Try everything that is not in the journal yet.

    Args:
        attacks: which.
        trials: of each.
        to: where outcomes go.
        open_room: makes the room; a process can import it.
        jobs: processes, each on cores of its own.

    Raises:
        GanbenchError: a process that died.
    """
    left = to_do(attacks, trials, to.outcomes)
    tasks = [(attack.name, trial) for attack, trial in left]
    known = len(to.outcomes)
    with (
        track("attacks", len(left) + known, known, unit="trials") as advance,
        Workers(_Try(open_room), jobs) as workers,
    ):
        for _, outcome in workers.run(tasks):
            if isinstance(outcome, Died):
                raise GanbenchError(f"a trial is lost: {outcome.why}. Call the same again: it goes on")
            to.add(outcome)
            advance(1, outcome.attack)


@dataclass
class _Try:
    """What a process does: it opens a room of its own, and tries one attack after the other."""

    open_room: Callable[[], Room]
    room: Room | None = None

    def __call__(self, task: tuple[str, int], tell: Tell) -> Outcome:
        self.room = self.room or self.open_room()
        return self.room(*task)
