"""Recorded gradient norms as a file: the ``gradnorm.csv`` of a run folder, read behind a wall and checked."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ganbench.errors import GanbenchError
from ganbench.system.parse import read_text
from ganbench.system.wall import wall

if TYPE_CHECKING:
    import pandas as pd

_MOST_BYTES = 64 << 20  # 10,000 steps of 10 layers with 3 seeds take 50 MB
_MOST_LAYERS = 1000
_WHOLE = ("seed", "step", "layer")
_NUMBERS = ("norm", "log_norm", "at_bound")
_ROUNDING = 1e-6  # by which a stored logarithm may differ from that of the stored norm


def read_records(path: Path) -> pd.DataFrame:
    """Return recorded gradient norms: what findings and figures are made of.

    Args:
        path: a CSV file as the probe of a run writes it.

    Returns:
        Columns ``seed``, ``step`` and ``layer`` (int64, layers from 1), ``name`` (text), ``norm``, ``log_norm`` and
        ``at_bound`` (float64; NaN where there is none), one row for each.

    Raises:
        GanbenchError: there is no such file, or it holds something else.
    """
    with wall(lambda why: GanbenchError(f"{path}: no readable gradient norms: {why}. Probe the run again")):
        frame = _parse(read_text(path, _MOST_BYTES))
        _check(frame)
        return frame


def _parse(text: str) -> pd.DataFrame:
    import pandas as pd

    if "\0" in text:
        raise ValueError("a character of code 0")
    kinds: dict[str, Any] = {"name": str, **dict.fromkeys(_WHOLE, np.int64), **dict.fromkeys(_NUMBERS, np.float64)}
    # Only an empty cell is no number, and a layer may be called NA.
    empty = {column: ["", "nan"] for column in _NUMBERS}
    return pd.read_csv(
        io.StringIO(text), usecols=list(kinds), dtype=kinds, keep_default_na=False, na_values=empty, index_col=False
    )[list(kinds)]


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
    norm, logarithm, bound = (frame[column].to_numpy() for column in _NUMBERS)
    if (norm < 0).any() or (bound < 0).any() or (bound > 1).any():
        raise ValueError("a norm below 0, or a share outside 0 to 1")
    with np.errstate(all="ignore"):
        right = np.isclose(logarithm, np.log(norm), rtol=_ROUNDING, atol=_ROUNDING, equal_nan=True)
    if not right.all():
        raise ValueError("logarithms that are not those of the norms")
