"""What a probe has measured, as a data frame."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ganbench.diagnostics.activity import QUANTITIES

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (
    "step", "layer", "name", "norm", "log_norm", "weight_norm", "ratio", "at_bound", "input_gradient",
    "spectral_norm", "update_ratio", *QUANTITIES,
)  # fmt: skip
MEASURED = ("norm", "weight_norm", "at_bound", "spectral_norm", *QUANTITIES)  # at the end of a backward pass


def probe_frame(
    steps: Sequence[int], names: Sequence[str], order: Sequence[int], table: np.ndarray, changes: np.ndarray
) -> pd.DataFrame:
    """Return one row per step and layer, with ``COLUMNS``.

    Args:
        steps: of the records.
        names: of the layers, as they were defined.
        order: the numbers of the layers, as they are to stand.
        table: (steps, len(MEASURED) * layers + 1), the layers as they were defined, then the input gradient.
        changes: 2-norms of what the steps changed of the weights, (steps, layers); the last step may not be over.
    """
    import pandas as pd

    count = len(names)
    columns = {
        "step": np.repeat(steps, count),
        "layer": np.tile(np.arange(1, count + 1), len(steps)),
        "name": np.tile([names[i] for i in order], len(steps)),
    }
    for position, name in enumerate(MEASURED):
        columns[name] = table[:, position * count : (position + 1) * count][:, order].reshape(-1)
    columns["input_gradient"] = np.repeat(table[:, -1], count)
    frame = pd.DataFrame(columns)
    moved = np.full((len(steps), count), np.nan)
    moved[: len(changes)] = changes[:, order]
    with np.errstate(divide="ignore", invalid="ignore"):
        frame["log_norm"] = np.log(frame["norm"])
        frame["ratio"] = frame["norm"] / frame["weight_norm"]
        frame["update_ratio"] = moved.reshape(-1) / frame["weight_norm"]
    return frame[list(COLUMNS)]
