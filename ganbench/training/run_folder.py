"""The run folder: recipe, environment, metrics, checkpoint and sample sheets of one training run."""

from __future__ import annotations

import contextlib
import json
import re
from pathlib import Path
from typing import Any

from ganbench.errors import GanbenchError
from ganbench.system.leftovers import sweep
from ganbench.system.outputs import write_text
from ganbench.system.storage import atomic_write
from ganbench.system.text import json_text
from ganbench.system.versions import library_versions
from ganbench.system.wall import wall
from ganbench.training.recipe import Recipe, load_resolved

LOCK = ".lock"  # see hold.py
_NAMES = (
    "recipe.toml", "checkpoint.pt", "metrics.jsonl", "vitals.jsonl", "good.pt", "environment.json", "samples",
    "samples.npz", "scorecard.json", "explanation.json", "gradnorm.csv", "probe.csv", "status.json", "step.json",
    "logs", LOCK,
)  # fmt: skip


class RunFolder:
    """Paths and small files of a run.

    Every path is asked for through ``inside``: a run folder may come from anybody, and no link in it leads out of it.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path)

    def inside(self, name: str) -> Path:
        """Return the path of something in the folder, which need not exist.

        Raises:
            GanbenchError: a link leads out of the folder.
        """
        wanted = self.path / name
        try:
            escapes = not wanted.resolve().is_relative_to(self.path.resolve())
        except (OSError, RuntimeError):  # links that go round in a circle
            escapes = True
        if escapes:
            raise GanbenchError(
                f"{wanted} is a link that leads out of the run folder, and is not followed. "
                "Put there what it points to, or remove it"
            )
        return wanted

    @property
    def recipe_file(self) -> Path:
        """What is trained; it marks a folder as a run."""
        return self.inside("recipe.toml")

    @property
    def checkpoint(self) -> Path:
        """The state of the training."""
        return self.inside("checkpoint.pt")

    @property
    def step_file(self) -> Path:
        """The step of the checkpoint, where that one lies in an object store and was not copied."""
        return self.inside("step.json")

    @property
    def status(self) -> Path:
        """How a cell of a bench ended."""
        return self.inside("status.json")

    @property
    def metrics(self) -> Path:
        """The log."""
        return self.inside("metrics.jsonl")

    @property
    def vitals(self) -> Path:
        """What was measured of the training itself; see ``vitals.py``."""
        return self.inside("vitals.jsonl")

    @property
    def good(self) -> Path:
        """An earlier checkpoint, to which a run in trouble goes back."""
        return self.inside("good.pt")

    @property
    def environment(self) -> Path:
        """On what, and with which versions."""
        return self.inside("environment.json")

    @property
    def samples(self) -> Path:
        """The folder of sample sheets."""
        return self.inside("samples")

    @property
    def scored_samples(self) -> Path:
        """The images that the scorecard is of."""
        return self.inside("samples.npz")

    @property
    def scorecard(self) -> Path:
        """The scorecard."""
        return self.inside("scorecard.json")

    @property
    def explanation(self) -> Path:
        """What differs between the samples and real images."""
        return self.inside("explanation.json")

    @property
    def gradnorm(self) -> Path:
        """The gradient norms of the probe."""
        return self.inside("gradnorm.csv")

    @property
    def probe(self) -> Path:
        """What the probe recorded while the run was trained."""
        return self.inside("probe.csv")

    def log_folder(self, logger: str) -> Path:
        """Return the folder of what a logger keeps: its name, with ``-`` for what is no letter or digit."""
        return self.inside("logs/" + re.sub(r"\W", "-", logger, flags=re.ASCII))

    def refuse_links(self) -> None:
        """Refuse a folder of which any part that is read, written or cleared is a link out of it.

        Raises:
            GanbenchError: there is one.
        """
        for name in _NAMES:
            self.inside(name)

    @classmethod
    def open(cls, path: Path) -> RunFolder:
        """Open an existing run.

        Raises:
            GanbenchError: not a run folder, or one with links that lead out of it.
        """
        run = cls(path)
        if not run.recipe_file.is_file():
            raise GanbenchError(f"{path} is not a training run (no recipe.toml in it)")
        run.refuse_links()
        return run

    def is_begun(self) -> bool:
        """Tell whether there is anything of a training in the folder that could be lost."""
        return self.recipe_file.is_file() and (
            self.checkpoint.is_file() or bool(self.read_metrics()) or any(self.samples.glob("*.png"))
        )

    def recipe(self) -> Recipe:
        """Return the recipe the run was started with."""
        return load_resolved(self.recipe_file)

    def start(self, recipe: Recipe, extra: dict[str, object]) -> None:
        """Create the folder of a new run; the recipe, which marks it as one, comes last."""
        write_text(self.environment, json_text({**library_versions(), **extra}))
        self.write_recipe(recipe)

    def write_recipe(self, recipe: Recipe) -> None:
        """Write ``recipe.toml``."""
        write_text(self.recipe_file, recipe.to_toml())

    def sheet(self, step: int) -> Path:
        """Return the path of the sample sheet of a step."""
        return self.samples / f"{step:07d}.png"

    def read_metrics(self) -> list[dict[str, float]]:
        """Return the logged lines in order, without those that a kill cut short and what else is no line of a log."""
        return [line for line in _lines(self.metrics) if all(map(_is_logged, line.items()))]

    def read_vitals(self) -> list[dict[str, Any]]:
        """Return the lines of ``vitals.jsonl`` in order, unchecked but for their steps; none where there is no file."""
        return _lines(self.vitals)

    def rewind(self, step: int) -> None:
        """Drop what was logged after a step: the resumed run logs it again."""
        logs: list[tuple[Path, list[dict[str, Any]]]] = [(self.metrics, list(self.read_metrics()))]
        logs += [(self.vitals, self.read_vitals())] if self.vitals.is_file() else []
        for path, lines in logs:
            with atomic_write(path, "w") as f:
                f.writelines(json.dumps(line) + "\n" for line in lines if line["step"] <= step)
        for sheet in self.samples.glob("*.png"):
            if sheet.stem.isdigit() and int(sheet.stem) > step:
                sheet.unlink()

    def sweep(self) -> None:
        """Remove the temporary files of processes that were killed while they wrote."""
        for folder in (self.path, self.samples):
            sweep(folder)

    def log(self, line: dict[str, object]) -> None:
        """Append one line to the metrics.

        Raises:
            OSError: the disk is full.
        """
        _append(self.metrics, line)

    def log_vitals(self, line: dict[str, object]) -> None:
        """Append one line to the vitals.

        Raises:
            OSError: the disk is full.
        """
        _append(self.vitals, line)


def _append(path: Path, line: dict[str, object]) -> None:
    with path.open("a", encoding="utf-8") as f:
        f.write(json.dumps(line) + "\n")


def _lines(path: Path) -> list[dict[str, Any]]:
    """Return the lines of a log that are objects with a step, in order."""
    if not path.is_file():
        return []
    lines = []
    for text in path.read_text("utf-8", errors="replace").splitlines():
        with contextlib.suppress(GanbenchError), wall(GanbenchError):
            line = json.loads(text)
            if isinstance(line, dict) and type(line.get("step")) is int:
                lines.append(line)
    return lines


def _is_logged(item: tuple[str, object]) -> bool:
    """Tell whether a name and its value are what a run logs: numbers, and warnings."""
    name, value = item
    return isinstance(value, str) if name == "warning" else type(value) in (int, float)
