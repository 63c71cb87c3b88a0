"""Data frames with any text: names of files may hold what is no UTF-8, which pandas refuses where pyarrow is there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


def frame_of(rows: Sequence[Mapping[str, object]], columns: Sequence[str] | None = None) -> pd.DataFrame:
    """Return a data frame of rows.

    Args:
        rows: what stands in each, by column.
        columns: the columns, in order; default: all that come up.
    """
    import pandas as pd

    names = list(columns if columns is not None else dict.fromkeys(name for row in rows for name in row))
    found = dict(enumerate(column_of([row.get(name) for row in rows]) for name in names))
    frame = pd.DataFrame(found, columns=range(len(names)), index=range(len(rows)))
    frame.columns = pd.Index(column_of(names))  # afterwards: of the keys of a dictionary pandas makes texts of its own
    return frame


def column_of(values: Sequence[object]) -> Any:
    """Return values as a column that pandas can hold: as they are, or as objects if a text among them is no UTF-8."""
    import pandas as pd

    try:
        for value in values:
            if isinstance(value, str):
                value.encode()
    except UnicodeEncodeError:
        return pd.Series(values, dtype=object)
    return values


def parts_of(frame: pd.DataFrame, column: str) -> list[tuple[str, pd.DataFrame]]:
    """Return the rows of each text of a column, in order of appearance: ``groupby`` for any text."""
    values = frame[column].tolist()
    return [(text, frame[[value == text for value in values]]) for text in dict.fromkeys(values)]
