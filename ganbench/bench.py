"""The benchmark: a grid of variants, seeds and overrides; every cell is trained, sampled, scored and probed.

A cell is a run folder. What is finished in it is never done again, so a killed bench goes on where it was.
"""

from __future__ import annotations

import json
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import tomlkit
import torch
from tomlkit.exceptions import ParseError

from ganbench.cores import available_cores, keep_to_cores
from ganbench.diagnostics.curves import measure, of_run
from ganbench.errors import GanbenchError
from ganbench.features.runtime import resolve_device
from ganbench.images.arrays import ArraySource
from ganbench.images.sources import Source, open_source
from ganbench.progress import set_quiet, track
from ganbench.scoring import ScoreOptions, score_source
from ganbench.storage import atomic_write
from ganbench.training.data import TrainingImages, decode_source
from ganbench.training.loop import LoopOptions, Stopped
from ganbench.training.recipe import Recipe, load_recipe
from ganbench.training.run_folder import RunFolder
from ganbench.training.sampling import load_generator, sample
from ganbench.training.start import train
from ganbench.training.trainer import Trainer

SAMPLES = 1000
TRIAL_STEPS = 20  # of the dry run


@dataclass(frozen=True)
class Grid:
    """What to run. ``overrides`` maps a label to ``--set`` texts; every label is run with every variant and seed."""

    variants: list[str]
    seeds: list[int]
    overrides: dict[str, list[str]] = field(default_factory=lambda: {"": []})
    preset: str = "cpu"
    gradnorm_steps: int = 100
    score_every: int | None = None


@dataclass(frozen=True)
class Cell:
    """One run of the grid."""

    name: str
    recipe: Recipe


@dataclass(frozen=True)
class Place:
    """Where and on what the cells run; plain values, so that processes can pass it on."""

    data: str
    limit: int | None
    resize: str | None
    out: Path
    device: str
    reference: str | None
    detector: str | None

    def open(self) -> Source:
        """Open the training images."""
        source = open_source(self.data, resize=self.resize)
        return source if self.limit is None else source.first(self.limit)


def load_grid(path: Path) -> Grid:
    """Read a grid from TOML: ``variants``, ``seeds``, ``preset``, ``gradnorm_steps``, ``score_every``, ``[overrides]``.

    Raises:
        GanbenchError: unreadable, or keys that a grid has not got.
    """
    try:
        data = tomlkit.parse(path.read_text("utf-8")).unwrap()
    except OSError as e:
        raise GanbenchError(f"cannot read the grid {path}: {e.strerror}") from e
    except (ParseError, UnicodeDecodeError) as e:
        raise GanbenchError(f"{path} is not TOML: {e}") from e
    known = ("variants", "seeds", "overrides", "preset", "gradnorm_steps", "score_every")
    unknown = sorted(set(data) - set(known))
    if unknown or not data.get("variants"):
        raise GanbenchError(f"{path}: a grid has variants = [...], and may have {', '.join(known[1:])}; got {unknown}")
    return Grid(**({"seeds": [0]} | data))


def cells_of(grid: Grid, more: list[str] | None = None) -> list[Cell]:
    """Return the cells, variants outermost; ``more`` are overrides of all of them.

    Raises:
        GanbenchError: an unknown variant or setting.
    """
    cells = []
    for variant in grid.variants:
        for label, sets in grid.overrides.items():
            for seed in grid.seeds:
                recipe = load_recipe(variant, grid.preset, [*(more or []), *sets, f"training.seed={seed}"])
                parts = [Path(variant).stem, *([label] if label else []), f"seed{seed}"]
                cells.append(Cell("-".join(parts), recipe))
    return cells


def estimate(cells: list[Cell], place: Place) -> list[float]:
    """Return the seconds that training will take, per cell, from a short trial of each different recipe."""
    pixels = decode_source(place.open())
    known: dict[str, float] = {}
    seconds = []
    with track("trying", len(cells)) as advance:
        for cell in cells:
            key = cell.recipe.model_copy(update={"variant": "", "title": ""}).to_toml().replace(cell.name, "")
            key = "\n".join(line for line in key.splitlines() if not line.startswith("seed"))
            if key not in known:
                known[key] = _seconds_per_step(cell.recipe, pixels, place.device)
            seconds.append(known[key] * cell.recipe.steps(len(pixels)))
            advance(1)
    return seconds


def _seconds_per_step(recipe: Recipe, pixels: np.ndarray, device: str) -> float:
    trainer = Trainer(recipe, torch.device(resolve_device(device)))
    images = TrainingImages(pixels, "", batch=recipe.training.batch, seed=0)
    for step in range(2):
        trainer.train_step(images.load(step))
    start = time.perf_counter()
    for step in range(TRIAL_STEPS):
        trainer.train_step(images.load(step))
    trainer.losses()  # waits for the GPU
    return (time.perf_counter() - start) / TRIAL_STEPS


def run_grid(
    grid: Grid, cells: list[Cell], place: Place, *, jobs: int = 1, warn: Callable[[str], None] = lambda text: None
) -> list[dict[str, Any]]:
    """Run every cell to its end; a cell that fails is recorded and the rest goes on.

    Args:
        grid: for what the cells share.
        cells: what to run.
        place: where.
        jobs: processes at a time, each on its share of the cores.
        warn: is told what a person should know.

    Returns:
        One status per cell, as in its ``status.json``: ``name``, ``state`` (``done`` or ``failed``), ``reason``.

    Raises:
        Stopped: SIGINT or SIGTERM came; what was running was saved.
    """
    if jobs == 1:
        return _one_after_another(grid, cells, place, warn)
    statuses: dict[str, dict[str, Any]] = {}
    decode_source(place.open())  # once, before the processes all look for it
    share = max(1, available_cores() // jobs)
    with ProcessPoolExecutor(jobs) as pool, track("bench", len(cells)) as advance:
        futures = {pool.submit(_in_process, grid, cell, place, share): cell for cell in cells}
        for future in as_completed(futures):
            cell = futures[future]
            try:
                statuses[cell.name] = future.result()
            except Exception as e:  # the process died: out of memory, killed
                statuses[cell.name] = _record(place.out / cell.name, cell, "failed", f"its process died ({e})")
            advance(1)
    return [statuses[cell.name] for cell in cells]


def _one_after_another(
    grid: Grid, cells: list[Cell], place: Place, warn: Callable[[str], None]
) -> list[dict[str, Any]]:
    statuses = []
    for number, cell in enumerate(cells, 1):
        warn(f"cell {number} of {len(cells)}: {cell.name}")
        statuses.append(run_cell(grid, cell, place, warn))
    return statuses


def _in_process(grid: Grid, cell: Cell, place: Place, cores: int) -> dict[str, Any]:
    keep_to_cores(cores)
    torch.set_num_threads(cores)
    set_quiet(True)
    return run_cell(grid, cell, place, lambda text: None)


def run_cell(grid: Grid, cell: Cell, place: Place, warn: Callable[[str], None]) -> dict[str, Any]:
    """Train, score and probe one cell, leaving out what is done already; returns its status."""
    folder = place.out / cell.name
    try:
        for step in _steps(grid, cell, place, folder, warn):
            step()
    except Stopped:
        raise
    except GanbenchError as e:
        return _record(folder, cell, "failed", str(e))
    except Exception as e:  # one cell's fault must not cost the others; the whole story goes to its folder
        with atomic_write(folder / "error.txt", "w") as f:
            f.write(traceback.format_exc())
        return _record(folder, cell, "failed", f"{type(e).__name__}: {e} (see error.txt)")
    return _record(folder, cell, "done", "")


def _steps(
    grid: Grid, cell: Cell, place: Place, folder: Path, warn: Callable[[str], None]
) -> Iterator[Callable[[], object]]:
    run = RunFolder(folder)
    source = place.open()
    if not (folder / "trained").is_file():
        options = LoopOptions(score_every=grid.score_every)
        yield lambda: train(cell.recipe, source, folder, device=place.device, resume=True, options=options, warn=warn)
        yield lambda: (folder / "trained").touch()
    if not run.scorecard.is_file():
        yield lambda: score_run(folder, place.reference, place.detector, place.device)
    if grid.gradnorm_steps and not (folder / "gradnorm.csv").is_file():
        yield lambda: _probe(folder, source, grid.gradnorm_steps, place.device)


def score_run(folder: Path, reference: str | None, detector: str | None, device: str) -> None:
    """Draw 1,000 samples from a run, keep them as ``samples.npz``, and write ``scorecard.json``."""
    generator = load_generator(folder, resolve_device(device))
    with track(f"sampling {folder.name}", SAMPLES) as advance:
        parts = []
        for pixels in sample(generator, SAMPLES, seed=1):
            parts.append(pixels)
            advance(len(pixels))
    images = np.concatenate(parts)
    with atomic_write(folder / "samples.npz") as f:
        np.savez_compressed(f, images=images)
    source = ArraySource.of(folder.name, images, value_range=None, resize=None)
    card = score_source(source, reference, ScoreOptions(detector=detector, device=device))
    card.write(json_file=folder / "scorecard.json")


def _probe(folder: Path, source: Source, steps: int, device: str) -> None:
    curve = of_run(folder)
    training = curve.recipe.training
    images = TrainingImages(decode_source(source), source.digest(), batch=training.batch, seed=training.seed)
    frame = measure(curve, images, steps, device=torch.device(resolve_device(device)))
    with atomic_write(folder / "gradnorm.csv", "w") as f:
        frame.to_csv(f, index=False)


def _record(folder: Path, cell: Cell, state: str, reason: str) -> dict[str, Any]:
    status = {"name": cell.name, "variant": cell.recipe.variant, "seed": cell.recipe.training.seed}
    status |= {"state": state, "reason": reason}
    with atomic_write(folder / "status.json", "w") as f:
        json.dump(status, f, indent=2)
        f.write("\n")
    return status
