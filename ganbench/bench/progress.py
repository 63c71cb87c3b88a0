"""Progress over a whole grid: steps done, and the time left by what every recipe was seen to take."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from ganbench.bench.grid import Cell, Plan, cost_of
from ganbench.runs.facts import steps_done
from ganbench.runs.speed import speed_of
from ganbench.system.progress import in_words, track
from ganbench.training.run_folder import RunFolder


@dataclass
class _Course:
    """One cell: steps done and to do, and when this process first saw it at which step."""

    cost: str
    total: int
    step: int
    since: tuple[float, int] | None = None
    over: bool = False


class GridProgress:
    """Counts the steps of all cells; a bar at a terminal, texts for whoever asks."""

    def __init__(self, plan: Plan, cells: list[Cell], images: int, jobs: int) -> None:
        """Look at what is done already.

        Args:
            plan: of the benchmark.
            cells: of the grid.
            images: number of training images.
            jobs: cells at a time.
        """
        self._cells, self._jobs = cells, jobs
        self._seconds: dict[str, float] = {}  # per step, by cost_of, as last seen
        self._courses: list[_Course] = []
        for cell in cells:
            folder = plan.workspace.folder / cell.name
            total = cell.recipe.steps(images)
            cost = cost_of(cell.recipe)
            self._courses.append(_Course(cost, total, min(total, steps_done(folder))))
            speed = speed_of(RunFolder(folder)) if RunFolder(folder).recipe_file.is_file() else None
            if speed is not None:
                self._seconds[cost] = cell.recipe.training.batch / speed.images_per_second
        self._advance = lambda count, note: None

    @contextmanager
    def bar(self) -> Iterator[None]:
        """Show the bar while the block runs."""
        total, done = (sum(getattr(c, name) for c in self._courses) for name in ("total", "step"))
        with track("bench", total, done, unit="steps", left=False) as self._advance:
            yield

    def reach(self, number: int, step: int) -> None:
        """Take in that a cell has reached a step."""
        course, now = self._courses[number], time.monotonic()
        if course.since is None:
            course.since = now, step
        elif step > course.since[1]:
            self._seconds[course.cost] = (now - course.since[0]) / (step - course.since[1])
        self._move(course, step, f"{self._cells[number].name} at {step:,} of {course.total:,}; {self.left()}")

    def finish(self, number: int) -> None:
        """Take in that a cell has come to its end, good or bad."""
        self._courses[number].over = True
        self._move(self._courses[number], self._courses[number].total, self.left())

    def left(self) -> str:
        """Return how many cells came to their end, good or bad, and the training time left, as far as that is known."""
        over = sum(course.over for course in self._courses)
        text = f"{over} of {len(self._courses)} cells done"
        seconds = self.seconds_left()
        return text if seconds is None else f"{text}, {in_words(seconds)} of training left"

    def seconds_left(self) -> float | None:
        """Return the time left of the training; recipes not yet seen count like the mean of those that were."""
        left = [course for course in self._courses if not course.over and course.step < course.total]
        if not left:
            return 0.0
        if not self._seconds:
            return None
        mean = float(np.mean(list(self._seconds.values())))
        each = [(course.total - course.step) * self._seconds.get(course.cost, mean) for course in left]
        return max(sum(each) / self._jobs, *each)

    def _move(self, course: _Course, step: int, note: str) -> None:
        self._advance(step - course.step, note)
        course.step = step
