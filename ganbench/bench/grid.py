"""The grid: what to run, where, and what it is scored with."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ganbench.errors import GanbenchError
from ganbench.images.source import Source
from ganbench.images.sources import open_source
from ganbench.runs.facts import settings_of
from ganbench.scoring.plan import Plan as ScoringPlan
from ganbench.system.parse import MOST_TOML_BYTES, faults_of, parse_toml, read_text
from ganbench.system.urls import masked
from ganbench.system.wall import wall
from ganbench.training.recipe import Recipe, load_recipe
from ganbench.training.stored import copy_of

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._=,-]*")  # becomes a folder's name on every system

Seeds = Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=1)]


class Grid(BaseModel):
    """What to run: every variant with every seed and every label of ``overrides``.

    ``overrides`` maps labels to ``--set`` texts, ``seeds_of`` maps variants to seeds of their own.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    variants: list[str] = Field(min_length=1)
    seeds: Seeds = [0]
    seeds_of: dict[str, Seeds] = {}
    overrides: dict[str, list[str]] = Field({"": []}, min_length=1)
    preset: str = "cpu"
    samples: int = Field(1000, ge=2)
    gradnorm_steps: int = Field(100, ge=0)
    score_every: int | None = Field(None, ge=1)
    save_every: int = Field(250, ge=1)


@dataclass(frozen=True)
class Cell:
    """One run of the grid; ``name`` is its folder's."""

    name: str
    recipe: Recipe


@dataclass(frozen=True)
class Workspace:
    """Where and on what the cells run; plain values, so that processes can pass it on.

    Attributes:
        data: the training images.
        out: where the results go: a folder, or a URL in an object store.
    """

    data: str
    out: Path | str
    limit: int | None = None
    resize: str | None = None
    device: str = "auto"
    recursive: bool = False
    skip_bad: int = 0

    def cell(self, name: str) -> Path | str:
        """Return where a cell lies: its folder, or its URL."""
        return f"{self.out.rstrip('/')}/{name}" if isinstance(self.out, str) else self.out / name

    @property
    def folder(self) -> Path:
        """Where the results are looked at: the folder, or the copies on this machine of what is small at the URL."""
        return copy_of(self.out) if isinstance(self.out, str) else self.out

    @property
    def label(self) -> str:
        """Where the results lie, for people."""
        return masked(str(self.out))

    def open(self) -> Source:
        """Open the training images."""
        source = open_source(self.data, resize=self.resize, recursive=self.recursive, skip_bad=self.skip_bad)
        return source if self.limit is None else source.first(self.limit)


@dataclass(frozen=True, eq=False)
class Plan:
    """All that the cells of a benchmark share; ``threads`` of each, where they are stated."""

    grid: Grid
    workspace: Workspace
    scoring: ScoringPlan
    threads: int | None = None


def load_grid(path: Path) -> dict[str, object]:
    """Read a grid's settings from TOML, for ``make_grid``.

    Raises:
        GanbenchError: unreadable.
    """
    with wall(lambda why: GanbenchError(f"{path} is not TOML: {why}")):
        try:
            return parse_toml(read_text(path, MOST_TOML_BYTES))
        except OSError as e:
            raise GanbenchError(f"cannot read the grid {path}: {e.strerror}") from e


def make_grid(settings: dict[str, object]) -> Grid:
    """Check a grid's settings.

    Raises:
        GanbenchError: settings that a grid has not got, or values that are not allowed.
    """
    try:
        return Grid.model_validate(settings)
    except ValidationError as e:
        raise GanbenchError(f"the grid: {faults_of(e)}. Settings: {', '.join(Grid.model_fields)}") from e


def cells_of(grid: Grid, more: list[str] | None = None) -> list[Cell]:
    """Return the cells, variants outermost; ``more`` are overrides of all of them.

    Raises:
        GanbenchError: an unknown variant or setting, a label that cannot be a folder's name, or two cells of one name.
    """
    cells: dict[str, Cell] = {}
    for stray in grid.seeds_of.keys() - set(grid.variants):
        raise GanbenchError(f"the grid: seeds_of names {stray}, which is not among the variants")
    for variant in grid.variants:
        for label, sets in grid.overrides.items():
            for seed in grid.seeds_of.get(variant, grid.seeds):
                recipe = load_recipe(variant, grid.preset, [*(more or []), *sets, f"training.seed={seed}"])
                stem = Path(variant).stem if variant.endswith(".toml") else variant
                name = "-".join([stem, *([label] if label else []), f"seed{seed}"])
                if not _NAME.fullmatch(name):
                    raise GanbenchError(f"{name!r} cannot be a folder's name; use letters, digits and . _ = , -")
                if name in cells:
                    raise GanbenchError(
                        f"two cells of the grid are called {name}: a variant, label or seed comes twice"
                    )
                cells[name] = Cell(name, recipe)
    return list(cells.values())


def shard_of(cells: list[Cell], text: str) -> list[Cell]:
    """Return a fixed part of the cells, ``I/N``: every N-th one from the I-th on, counted from 0.

    Neighbours differ in cost less than the ends of the grid do, so that the parts take about as long.

    Raises:
        GanbenchError: no such text, or no such part.
    """
    first, slash, count = text.partition("/")
    if not (slash and first.isdecimal() and count.isdecimal() and len(first) < 7 and len(count) < 7 and int(count)):
        raise GanbenchError(f"--shard {text}: expected I/N, such as 0/4 for the first of four parts")
    if int(first) >= int(count):
        raise GanbenchError(
            f"--shard {text}: parts are counted from 0, so that the last of {int(count)} is {int(count) - 1}/{count}. "
            f"A job array of {int(count)} has the indices 0-{int(count) - 1}"
        )
    return cells[int(first) :: int(count)]


def cost_of(recipe: Recipe) -> str:
    """Return a text that recipes share whose steps cost the same."""
    ignored = ("variant", "preset", "training.steps", "training.epochs")
    return json.dumps({key: value for key, value in settings_of(recipe).items() if key not in ignored}, sort_keys=True)
