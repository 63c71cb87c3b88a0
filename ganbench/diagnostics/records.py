"""Recorded gradient norms as a file: of a run folder, or of anybody's own loop, read behind a wall and checked."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ganbench.errors import GanbenchError
from ganbench.system.frames import column_of, parts_of
from ganbench.system.parse import read_text
from ganbench.system.wall import wall

if TYPE_CHECKING:
    import pandas as pd

_MOST_BYTES = 64 << 20  # 10,000 steps of 10 layers with 3 seeds take 50 MB
_MOST_KEPT = 1 << 30  # of a file that a training goes on with
_MOST_LAYERS = 1000
_MOST_CURVES = 100
_WHOLE = ("seed", "step", "layer")
_NUMBERS = ("norm", "log_norm", "at_bound")
# What probes record since later: absent in older files. The first of these are no lengths or shares.
_SIGNED = ("activation_mean",)
_LATER = ("weight_norm", "input_gradient", "spectral_norm", "update_ratio", "activation_std", "dead_units", *_SIGNED)
_SHARES = ("at_bound", "dead_units")
_GROUPS = ("curve", "network")  # tell the parts of a file apart, in this order
_ROUNDING = 1e-6  # by which a stored logarithm may differ from that of the stored norm


def read_records(path: Path) -> pd.DataFrame:
    """Return recorded gradient norms: what findings and figures are made of.

    Args:
        path: a CSV file as the probe of a run writes it.

    Returns:
        Columns ``seed``, ``step`` and ``layer`` (int64, layers from 1), ``name`` (text), then ``norm``, ``log_norm``,
        ``at_bound`` and what else the probe records (float64; NaN where there is none), one row for each.

    Raises:
        GanbenchError: there is no such file, or it holds something else.
    """
    with wall(lambda why: GanbenchError(f"{path}: no readable gradient norms: {why}. Probe the run again")):
        frame = _parse(read_text(path, _MOST_BYTES), (*_WHOLE, "name", *_NUMBERS), ())
        _check(frame)
        return frame


def read_curves(path: Path) -> list[tuple[str, pd.DataFrame]]:
    """Return the curves of a table of gradient norms from anybody's loop, by name.

    Args:
        path: a CSV file with the columns ``step``, ``layer``, ``name`` and ``norm`` at least, as ``to_frame().to_csv``
            writes it. Columns ``curve``, ``network`` and ``seed`` tell several series apart.

    Returns:
        Name (an empty text where the file has but one curve, without a name) and records of each, as ``read_records``
        gives them.

    Raises:
        GanbenchError: there is no such file, or it holds something else.
    """
    with wall(lambda why: GanbenchError(f"{path}: no readable gradient norms: {why}. See docs/gradnorm.md")):
        frame = _parse(read_text(path, _MOST_BYTES), ("step", "layer", "name", "norm"), _GROUPS)
        names = [", ".join(filter(None, cells)) for cells in zip(*(frame[g] for g in _GROUPS), strict=True)]
        curves = parts_of(frame.drop(columns=list(_GROUPS)).assign(curve=column_of(names)), "curve")
        if len(curves) > _MOST_CURVES:
            raise ValueError(f"it has more than {_MOST_CURVES} curves")
        if not curves:
            raise ValueError("it has no rows")
        parts = [(name, curve.drop(columns="curve")) for name, curve in curves]
        for _, curve in parts:
            _check(curve)
        return parts


def joined(frames: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return the records of several networks as one table, which ``read_curves`` takes apart by the column ``network``.

    Args:
        frames: as ``to_frame`` gives them, by network.
    """
    import pandas as pd

    parts = [f.assign(network=column_of([name] * len(f)))[["network", *f.columns]] for name, f in frames.items()]
    return pd.concat(parts)


def text_before(path: Path | None, columns: Sequence[str], step: int) -> str:
    """Return a file of records as it was before a step, without the line that a kill may have cut.

    Args:
        path: of the file; of None, or where there is none, only the head is returned.
        columns: of the file, ``step`` among them.
        step: from which on records are left out.

    Raises:
        GanbenchError: the file holds something else.
    """
    kept = io.StringIO()
    writer = csv.writer(kept, lineterminator="\n")
    writer.writerow(columns)
    if path is not None and path.is_file():
        with wall(lambda why: GanbenchError(f"{path}: no records that can be gone on with: {why}.")):
            lines = csv.reader(read_text(path, _MOST_KEPT).splitlines())
            if next(lines, None) != list(columns):
                raise ValueError("other columns than are recorded today")
            place = list(columns).index("step")
            writer.writerows(row for row in lines if len(row) == len(columns) and int(row[place]) < step)
    return kept.getvalue()


def check_frame(frame: pd.DataFrame, what: str) -> pd.DataFrame:
    """Return a data frame of records as ``read_records`` gives them, or say why it is none.

    Args:
        frame: anybody's.
        what: names it in the error.

    Raises:
        GanbenchError: it holds something else.
    """
    with wall(lambda why: GanbenchError(f"{what} holds no gradient norms: {why}. Give what probe.to_frame() returns")):
        _require(list(frame.columns), ("step", "layer", "name", "norm"))
        whole = {c: frame.get(c, 0) for c in _WHOLE}
        numbers = {c: frame.get(c, np.nan) for c in (*_NUMBERS, *_LATER)}
        checked = frame.assign(**whole, **numbers)[[*_WHOLE, "name", *numbers]].reset_index(drop=True)
        checked = checked.astype(dict.fromkeys(_WHOLE, np.int64) | dict.fromkeys(numbers, np.float64))
        _fill(checked, "log_norm" in frame)
        _check(checked)
        return checked


def _parse(text: str, required: Sequence[str], groups: Sequence[str]) -> pd.DataFrame:
    import pandas as pd

    if "\0" in text:
        raise ValueError("a character of code 0")
    numbers = (*_NUMBERS, *_LATER)
    kinds: dict[str, Any] = {**dict.fromkeys(_WHOLE, np.int64), "name": str, **dict.fromkeys(numbers, np.float64)}
    kinds |= dict.fromkeys(groups, str)
    # Only an empty cell is no number, and a layer may be called NA.
    empty = {column: ["", "nan"] for column in numbers}
    frame = pd.read_csv(
        io.StringIO(text), usecols=lambda column: column in kinds, dtype=kinds, keep_default_na=False, na_values=empty,
        index_col=False,
    )  # fmt: skip
    present = list(frame.columns)
    _require(present, required)
    absent = {name: 0 if name in _WHOLE else np.nan if name in numbers else "" for name in kinds if name not in present}
    frame = frame.assign(**absent)[list(kinds)]
    _fill(frame, "log_norm" in present)
    return frame


def _require(present: Sequence[str], required: Sequence[str]) -> None:
    missing = [name for name in required if name not in present]
    if missing:
        raise ValueError(f"it has no column {', '.join(missing)}")


def _fill(frame: pd.DataFrame, known: bool) -> None:
    """Compute the logarithms where they are not there."""
    if not known:
        with np.errstate(all="ignore"):
            frame["log_norm"] = np.log(frame["norm"])


def _check(frame: pd.DataFrame) -> None:
    layers = frame["layer"].unique()
    if not len(frame):
        raise ValueError("it has no rows")
    if len(layers) > _MOST_LAYERS or set(layers) != set(range(1, len(layers) + 1)):
        raise ValueError(f"its layers are not 1 to {_MOST_LAYERS:,} at most")
    if (frame[["seed", "step"]] < 0).any(axis=None):
        raise ValueError("a step or a seed below 0")
    if frame.duplicated(list(_WHOLE)).any():
        raise ValueError("a layer twice at one step")
    if (frame.groupby("layer")["name"].nunique() != 1).any():
        raise ValueError("a layer of two names")
    lengths = [column for column in (*_NUMBERS, *_LATER) if column not in ("log_norm", *_SIGNED)]
    if (frame[lengths] < 0).any(axis=None) or (frame[list(_SHARES)] > 1).any(axis=None):
        raise ValueError("a norm below 0, or a share outside 0 to 1")
    norm, logarithm = frame["norm"].to_numpy(), frame["log_norm"].to_numpy()
    with np.errstate(all="ignore"):
        right = np.isclose(logarithm, np.log(norm), rtol=_ROUNDING, atol=_ROUNDING, equal_nan=True)
    if not right.all():
        raise ValueError("logarithms that are not those of the norms")
