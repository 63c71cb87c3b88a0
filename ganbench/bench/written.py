"""``bench.json``: what a folder's bench is, for the processes that share it and for whoever collects their results."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from ganbench.bench.grid import Cell, Plan
from ganbench.errors import GanbenchError
from ganbench.images.source import Source
from ganbench.runs.facts import settings_of
from ganbench.system.outputs import write_text
from ganbench.system.parse import faults_of, parse_json, read_text
from ganbench.system.text import json_text
from ganbench.system.versions import library_versions
from ganbench.system.wall import wall
from ganbench.training.recipe import Recipe

FILE = "bench.json"
SCHEMA = 1
_MOST_BYTES = 16 << 20  # a cell takes about 1 kB
_SHOWN = 5

_UNSET = "not set"

Facts = dict[str, str]
Difference = tuple[str, str, str]  # what, the one value, the other


class WrittenCell(BaseModel):
    """A cell: its settings as JSON texts by their names, and how many steps it is to train."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    settings: Facts
    variant: str
    seed: int
    steps: int


class Written(BaseModel):
    """A bench as its folder says it.

    Attributes:
        ganbench_bench: number of this format.
        cells: by name, in the order of the grid.
        samples: images that are drawn from every generator.
        gradnorm_steps: steps that are probed.
        images: digest of the training images.
        label: what they were called.
        key: of the plan of scoring.
        scoring: what stands behind that key, by its names.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    ganbench_bench: int = SCHEMA
    cells: dict[str, WrittenCell]
    samples: int
    gradnorm_steps: int
    images: str
    label: str
    key: str
    scoring: Facts

    @classmethod
    def of(cls, plan: Plan, cells: list[Cell], source: Source, images: int) -> Written:
        """Return what to write of a bench.

        Args:
            plan: of the bench.
            cells: all of its grid.
            source: the training images.
            images: how many of them can be read.
        """
        return cls(
            cells={cell.name: _written(cell, images) for cell in cells},
            samples=plan.grid.samples,
            gradnorm_steps=plan.grid.gradnorm_steps,
            images=source.digest(),
            label=source.label,
            key=plan.scoring.key,
            scoring=_scoring(plan),
        )

    @classmethod
    def read(cls, folder: Path) -> Written:
        """Read a folder's ``bench.json``.

        Raises:
            GanbenchError: absent, damaged, or of another format.
        """
        path = folder / FILE
        with wall(lambda why: GanbenchError(f"{path} is damaged: {why}. Run the bench once more: it is written anew")):
            try:
                found = cls.model_validate(parse_json(read_text(path, _MOST_BYTES)))
            except FileNotFoundError as e:
                raise GanbenchError(
                    f"{folder}: no {FILE} in it, so it is not the folder of a bench. Give what --out of 'ganbench "
                    "bench' named; a bench of an older version is written down by running it once more"
                ) from e
            except ValidationError as e:
                raise GanbenchError(f"{path} is not what this version writes: {faults_of(e)}") from e
        if found.ganbench_bench != SCHEMA:
            raise GanbenchError(f"{path} is of format {found.ganbench_bench}, and this version reads {SCHEMA}")
        for name in found.cells:
            if Path(name).name != name or name.startswith("."):
                raise GanbenchError(f"{path} is damaged: {name[:80]!r} is no name of a cell")
        return found

    def write(self, folder: Path) -> Path:
        """Write ``bench.json``; returns its path."""
        write_text(folder / FILE, json_text(self.model_dump(mode="json")))
        return folder / FILE

    def differences(self, other: Written) -> list[Difference]:
        """Return in what another bench differs."""
        mine, theirs = dict(self._facts()), dict(other._facts())
        return [
            (key, mine.get(key, _UNSET), theirs.get(key, _UNSET))
            for key in dict.fromkeys([*mine, *theirs])
            if mine.get(key) != theirs.get(key)
        ]

    def _facts(self) -> Iterator[tuple[str, str]]:
        yield "images", f"{self.label} ({self.images[:8]})" if self.images else self.label
        yield "samples", str(self.samples)
        yield "gradnorm_steps", str(self.gradnorm_steps)
        yield from ((f"scoring {name}", value) for name, value in self.scoring.items())
        yield "scoring", self.key[:12]
        for name, cell in self.cells.items():
            yield f"cell {name}", f"{cell.variant}, {cell.steps} steps"
            yield from ((f"{name}: {key}", value) for key, value in cell.settings.items())


def tell_differences(differences: list[Difference], here: str, there: str) -> str:
    """Return the first few differences in one line.

    Args:
        differences: as ``Written.differences`` returns them.
        here: where the first value of each stands.
        there: where the second one stands.
    """
    shown = [f"{key} is {_short(a)} in {here}, {_short(b)} in {there}" for key, a, b in differences[:_SHOWN]]
    more = len(differences) - _SHOWN
    return "; ".join(shown) + (f"; and {more} more" if more > 0 else "")


def _written(cell: Cell, images: int) -> WrittenCell:
    return WrittenCell(
        settings=texts_of(cell.recipe),
        variant=cell.recipe.variant,
        seed=cell.recipe.training.seed,
        steps=cell.recipe.steps(images),
    )


def texts_of(recipe: Recipe) -> Facts:
    """Return the settings that decide what a cell comes to, as JSON texts; its seed and its steps stand apart."""
    ignored = ("training.steps", "training.epochs")
    return {key: json.dumps(value) for key, value in settings_of(recipe).items() if key not in ignored}


def _scoring(plan: Plan) -> Facts:
    scoring = plan.scoring
    return {
        "metrics": ", ".join(scoring.metric_names),
        **{part.name: part.identity[:12] or part.missing[:80] for part in scoring.instruments},
        **{f"reference of {name}": part.identity()[:12] for name, part in scoring.references.items()},
        "seed": str(scoring.options.seed),
        "resize": str(scoring.options.resize),
        **{f"version of {name}": version for name, version in library_versions().items()},
    }


def _short(value: str) -> str:
    return value if len(value) <= 60 else value[:59] + "…"
