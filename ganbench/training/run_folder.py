"""The run folder: recipe, environment, metrics, checkpoint and sample sheets of one training run."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from pathlib import Path

from ganbench.errors import GanbenchError
from ganbench.system.storage import atomic_write, write_text
from ganbench.system.text import json_text
from ganbench.system.versions import library_versions
from ganbench.system.wall import wall
from ganbench.training.recipe import Recipe, load_resolved


class RunFolder:
    """Paths and small files of a run."""

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        self.recipe_file = self.path / "recipe.toml"
        self.checkpoint = self.path / "checkpoint.pt"
        self.metrics = self.path / "metrics.jsonl"
        self.environment = self.path / "environment.json"
        self.samples = self.path / "samples"
        self.scorecard = self.path / "scorecard.json"

    @classmethod
    def open(cls, path: Path) -> RunFolder:
        """Open an existing run.

        Raises:
            GanbenchError: not a run folder.
        """
        run = cls(path)
        if not run.recipe_file.is_file():
            raise GanbenchError(f"{path} is not a training run (no recipe.toml in it)")
        return run

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
        if not self.metrics.is_file():
            return []
        lines = []
        for text in self.metrics.read_text("utf-8", errors="replace").splitlines():
            with contextlib.suppress(GanbenchError), wall(GanbenchError):
                line = json.loads(text)
                if isinstance(line, dict) and type(line.get("step")) is int and all(map(_is_logged, line.items())):
                    lines.append(line)
        return lines

    def rewind(self, step: int) -> None:
        """Drop what was logged after a step: the resumed run logs it again."""
        kept = [line for line in self.read_metrics() if line["step"] <= step]
        with atomic_write(self.metrics, "w") as f:
            f.writelines(json.dumps(line) + "\n" for line in kept)
        for sheet in self.samples.glob("*.png"):
            if sheet.stem.isdigit() and int(sheet.stem) > step:
                sheet.unlink()

    def sweep(self) -> None:
        """Remove the temporary files of a process that was killed while it wrote; call it with the lock in hand."""
        for folder in (self.path, self.samples):
            for leftover in folder.glob(".*.tmp"):
                leftover.unlink(missing_ok=True)

    def log(self, line: dict[str, object]) -> None:
        """Append one line to the metrics.

        Raises:
            OSError: the disk is full.
        """
        with self.metrics.open("a", encoding="utf-8") as f:
            f.write(json.dumps(line) + "\n")

    def lock(self) -> int:
        """Keep other processes from training into the same folder; returns the handle that ``unlock`` takes.

        Raises:
            GanbenchError: another process trains here, or the folder cannot be made.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            handle = os.open(self.path / ".lock", os.O_CREAT | os.O_RDWR, 0o644)
        except OSError as e:
            raise GanbenchError(f"cannot make the run folder {self.path}: {e.strerror}") from e
        if sys.platform == "win32":  # which has no fcntl; two runs in one folder are then the user's to avoid
            return handle
        import fcntl

        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as e:
            os.close(handle)
            raise GanbenchError(f"{self.path}: another process is training into this folder") from e
        return handle

    def unlock(self, handle: int) -> None:
        """Let other processes train here again."""
        os.close(handle)
        (self.path / ".lock").unlink(missing_ok=True)


def _is_logged(item: tuple[str, object]) -> bool:
    """Tell whether a name and its value are what a run logs: numbers, and warnings."""
    name, value = item
    return isinstance(value, str) if name == "warning" else type(value) in (int, float)
