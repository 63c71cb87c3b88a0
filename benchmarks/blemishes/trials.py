"""The trials: which there are, each explained once, by several processes where there are several cores."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from blind.journal import Journal

from blemishes.base import LEVELS, Fault
from blemishes.catalogue import FAULTS
from blemishes.pool import FACES, GAN, Pool, twin_draw
from ganbench.errors import GanbenchError
from ganbench.system.progress import track
from ganbench.system.tasks import Died, Tell
from ganbench.system.workers import Workers

CLEAN = "clean"
BY_NAME = {fault.name: fault for fault in FAULTS}
Explain = Callable[[np.ndarray], list[dict[str, Any]]]


@dataclass(frozen=True)
class Trial:
    """One set of images; ``fault`` is ``CLEAN`` and ``level`` empty where it has none."""

    material: str
    fault: str
    level: str
    number: int

    @property
    def key(self) -> str:
        """What it is called in the journal."""
        return "/".join(filter(None, (self.material, self.fault, self.level, str(self.number))))


def all_trials(materials: Sequence[str], faults: Sequence[str], trials: int, honest: int) -> list[Trial]:
    """Return what is to be tried: the first trial of everything first, so that a table is whole early."""
    cells = [
        Trial(material, fault, level, number)
        for number in range(trials)
        for material in materials
        for fault in faults
        for level in LEVELS
    ]
    twins = [Trial(GAN, CLEAN, "", number) for number in range(trials) if GAN in materials]
    real = [Trial(FACES, CLEAN, "", number) for number in range(honest) if FACES in materials]
    return twins + cells + real


def images_of(trial: Trial, pool: Pool, faces: Pool, count: int, seed: int) -> np.ndarray:
    """Return the set of a trial, uint8 (count, 64, 64, 3)."""
    if trial.fault == CLEAN:
        own = np.random.default_rng([seed, 1, trial.number])
        return pool.pixels[pool.clean(count, twin_draw(seed, trial.number) if pool.material == GAN else own)]
    fault = BY_NAME[trial.fault]
    return pool.spoilt(fault, trial.level, count, seed, trial.number, direction(fault, trial, pool, faces))


def direction(fault: Fault, trial: Trial, pool: Pool, faces: Pool) -> int:
    """Return +1 or -1.

    Real faces get either in turn. Samples are led away from real faces, or a fault would mend what the generator does
    wrong; and never enlarged, which would blur them.
    """
    if pool.material == GAN and fault.number is not None:
        return 1 if fault.number(pool.pixels) >= fault.number(faces.pixels) else -1
    if pool.material == GAN and fault.before_resize:
        return -1
    return 1 if trial.number % 2 == 0 else -1


def run(
    trials: Sequence[Trial],
    pools: dict[str, Pool],
    faces: Pool,
    journal: Journal,
    *,
    count: int,
    seed: int,
    jobs: int,
    explain: Explain,
    start: Callable[[], None],
) -> None:
    """Explain every set that is not in the journal yet.

    Args:
        trials: the sets.
        pools: what they are drawn from, by material.
        faces: the pool of real faces.
        journal: where outcomes go.
        count: images of a set.
        seed: of everything random.
        jobs: processes.
        explain: images to findings; a name that a new process can import.
        start: called once in every process.
    """
    left = [trial for trial in trials if trial.key not in journal]
    with track("explaining", len(trials), len(trials) - len(left), unit="sets") as advance:

        def done(trial: Trial, findings: list[dict[str, Any]], seconds: float) -> None:
            journal.add(trial.key, {"findings": findings, "seconds": round(seconds, 3)})
            advance(1, trial.key)

        sets = (
            images_of(trial, pools[trial.material], faces, count, seed) for trial in left
        )  # made as they are wanted
        with Workers(_Explained(explain, start), jobs) as workers:
            for number, told in workers.run(sets):
                if isinstance(told, Died):
                    raise GanbenchError(f"{left[number].key} is lost: {told.why}. Call the same again: it goes on")
                done(left[number], *told)


@dataclass
class _Explained:
    """What a process does; ``start`` is called before its first set."""

    explain: Explain
    start: Callable[[], None]
    started: bool = False

    def __call__(self, images: np.ndarray, tell: Tell) -> tuple[list[dict[str, Any]], float]:
        if not self.started:
            self.start()
            self.started = True
        before = time.perf_counter()
        return self.explain(images), time.perf_counter() - before


def write_sheet(path: Path, pools: Sequence[Pool], faces: Pool, faults: Sequence[str], seed: int) -> None:
    """Write a picture: a row for every fault and direction, eight images clean and at each strength."""
    from PIL import Image

    rows, few = [], 200
    for pool, name, number in itertools.product(pools, faults, (0, 1)):
        rng = BY_NAME[name].random(seed, pool.material, number)
        clean = pool.clean(few, rng if pool.material == FACES else twin_draw(seed, number))
        trials = [Trial(pool.material, name, level, number) for level in LEVELS]
        sets = [pool.pixels[clean], *(images_of(trial, pool, faces, few, seed) for trial in trials)]
        rows.append(np.hstack([np.hstack(list(images[:8])) for images in sets]))
    Image.fromarray(np.vstack(rows)).save(path)
