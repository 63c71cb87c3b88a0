"""Reads the records of a run of ours."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ganbench.diagnostics.records import read_records
from ganbench.doctor.records import PROBED, Facts, Records, Scores, Series, Sheet, series_of
from ganbench.doctor.sheets import read_sheet
from ganbench.errors import GanbenchError
from ganbench.system.parse import faults_of, parse_json, read_text
from ganbench.system.wall import wall
from ganbench.training.objectives.registry import OBJECTIVES
from ganbench.training.recipe import Recipe
from ganbench.training.run_folder import RunFolder

if TYPE_CHECKING:
    import pandas as pd

_MOST_BYTES = 256 << 20  # of a log; 150,000 steps take 20 MB
_MOST_SHEETS = 40  # that are looked at, evenly spread over the run
_MOST_LAYERS = 1000
_Number = float | None
_Row = Annotated[list[_Number], Field(min_length=5, max_length=5)]


class _Line(BaseModel):
    """One line of ``vitals.jsonl``; None stands for what is not finite, or does not apply."""

    model_config = ConfigDict(strict=True, extra="allow", allow_inf_nan=False)
    __pydantic_extra__: dict[str, _Number]

    step: Annotated[int, Field(ge=0)]
    layers: dict[str, Annotated[dict[str, _Row], Field(max_length=_MOST_LAYERS)]] = {}
    scores: dict[str, Annotated[list[_Number], Field(min_length=3, max_length=3)]] = {}


def read_run(path: Path, seen: dict[int, Sheet] | None = None) -> Records:
    """Read a run folder.

    Args:
        path: the folder.
        seen: sheets that were read before, by step; those that are read now are added. For whoever looks again.

    Raises:
        GanbenchError: not a run, or records that are damaged.
    """
    run = RunFolder.open(path)
    recipe = run.recipe()
    for log in (run.metrics, run.vitals):
        if log.is_file() and log.stat().st_size > _MOST_BYTES:
            raise GanbenchError(f"{log}: more than {_MOST_BYTES >> 20} MiB, which is no log of a run")
    numbers = series_of([_numbers(line) for line in run.read_metrics()])
    lines = _vitals(run)
    numbers |= series_of([{"step": line.step, **_plain(line.__pydantic_extra__)} for line in lines])
    return Records(
        label=str(path),
        numbers=numbers,
        layers={name: _frame(lines, name) for name in ("discriminator", "generator")} | _probed(run),
        sheets=_sheets(run, recipe.model.size, {} if seen is None else seen),
        scores=_scores(lines, numbers),
        facts=_facts(run, recipe),
    )


def _numbers(line: dict[str, Any]) -> dict[str, float]:
    return {name: value for name, value in line.items() if name != "warning"}


def _plain(values: dict[str, _Number]) -> dict[str, float]:
    return {name: np.nan if value is None else value for name, value in values.items()}


def _vitals(run: RunFolder) -> list[_Line]:
    lines = []
    with wall(lambda why: GanbenchError(f"{run.vitals}: no readable vitals of a run: {why}")):
        for number, line in enumerate(run.read_vitals(), 1):
            try:
                lines.append(_Line.model_validate(line))
            except ValidationError as e:
                raise ValueError(f"line {number}: {faults_of(e)}") from e
    return lines


def _frame(lines: list[_Line], network: str) -> pd.DataFrame:
    """Return the layers of a network, see ``Records``."""
    import pandas as pd

    rows = [
        (line.step, layer, name, *row)
        for line in lines
        for layer, (name, row) in enumerate(line.layers.get(network, {}).items(), 1)
    ]
    columns = ["step", "layer", "name", "norm", "weight_norm", "update", "silent", "at_bound"]
    frame = pd.DataFrame(rows, columns=columns)
    numeric = columns[3:]
    frame[numeric] = frame[numeric].astype(np.float64)
    for name in ("norm", "weight_norm", "update"):  # what was not finite was written as nothing
        frame[name] = frame[name].fillna(np.inf)
    with np.errstate(divide="ignore"):
        frame["log_norm"] = np.log(frame["norm"])
    return frame.drop_duplicates(["step", "layer"], keep="last").sort_values(["step", "layer"], ignore_index=True)


def _probed(run: RunFolder) -> dict[str, pd.DataFrame]:
    """Return what the gradient probe recorded behind the training, which knows gradients alone."""
    if not run.gradnorm.is_file():
        return {}
    frame = read_records(run.gradnorm).drop_duplicates(["step", "layer"])
    return {PROBED: frame.assign(weight_norm=np.nan, update=np.nan, silent=np.nan)}


def _scores(lines: list[_Line], numbers: dict[str, Series]) -> dict[str, Scores]:
    """Return the results of scorecards: with intervals where they were kept, and without from the log of older runs."""
    rows: dict[str, dict[int, list[_Number]]] = {}
    for name, series in numbers.items():
        if "[" in name:
            for step, value in zip(series.steps.tolist(), series.values.tolist(), strict=True):
                rows.setdefault(name, {})[step] = [value, None, None]
    for line in lines:
        for name, triple in line.scores.items():
            rows.setdefault(name, {})[line.step] = triple
    found = {}
    for name, by_step in rows.items():
        steps = np.array(sorted(by_step), np.int64)
        table = np.array([by_step[step] for step in steps.tolist()], np.float64).reshape(-1, 3)
        found[name] = Scores(steps, *table.T)
    return found


def _sheets(run: RunFolder, size: int, seen: dict[int, Sheet]) -> tuple[Sheet, ...]:
    paths = {int(path.stem): path for path in run.samples.glob("*.png") if path.stem.isdecimal()}
    steps = sorted(paths)
    if len(steps) > _MOST_SHEETS:
        steps = [steps[i] for i in np.linspace(0, len(steps) - 1, _MOST_SHEETS).round().astype(int)]
    for step in steps:
        if step not in seen:
            with suppress(GanbenchError):  # a sheet that is being written, or was put there by hand
                seen[step] = Sheet(step, read_sheet(run.inside(f"samples/{paths[step].name}"), size))
    return tuple(seen[step] for step in steps if step in seen)


def _facts(run: RunFolder, recipe: Recipe) -> Facts:
    count = None
    with suppress(GanbenchError), wall(GanbenchError):
        found = parse_json(read_text(run.environment, 1 << 20))
        count = found["images"]["count"]
    objective = None
    with suppress(GanbenchError):  # somebody's that cannot be imported any more
        objective = OBJECTIVES[recipe.objective.name]
    return Facts(
        probability=None if objective is None else "probability" in objective.output,
        penalised=None if objective is None else "grad" in objective.discriminator_formula,
        batch=recipe.training.batch,
        images=count if type(count) is int and count > 0 else None,
        n_critic=recipe.training.n_critic,
        norm=norm if isinstance(norm := getattr(recipe.model, "norm", None), str) else None,
    )
