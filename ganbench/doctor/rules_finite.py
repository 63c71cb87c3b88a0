"""Numbers that are none: a loss, a score or a gradient that is not finite."""

from __future__ import annotations

import numpy as np

from ganbench.doctor.finding import BOTH, Finding
from ganbench.doctor.records import Records

_MAY_BE_ABSENT = ("made_spread", "gain", "seen_first", "held_out_score")  # NaN where they do not apply


def not_finite(records: Records) -> list[Finding]:
    """A loss, a score or a layer's gradient is NaN or infinite."""
    first: dict[str, int] = {}
    for name, series in records.numbers.items():
        bad = np.nonzero(~np.isfinite(series.values))[0]
        if len(bad) and name not in _MAY_BE_ABSENT:
            first[name] = int(series.steps[bad[0]])
    for network, frame in records.layers.items():
        if len(bad_rows := frame[np.isinf(frame["norm"]) | np.isinf(frame["update"])]):
            first[f"{network}'s {bad_rows['name'].iloc[0]}"] = int(bad_rows["step"].iloc[0])
    if not first:
        return []
    at = min(first.values())
    names = [name for name, step in first.items() if step == at]
    where = next((n for n in ("discriminator", "generator") if all(name.startswith(n) for name in names)), BOTH)
    return [
        Finding(
            "not finite", where, at, at, 1000.0,
            f"{', '.join(names[:3])}{' and more' if len(names) > 3 else ''} became NaN or infinite by step {at}",
            "Go back to a checkpoint from before. A smaller optimizer.lr or training.clip_grad_norm=1 keeps numbers "
            "small; fp16 overflows at 65,504: bf16, fp32 or a gradient scaler does not",
        )
    ]  # fmt: skip
