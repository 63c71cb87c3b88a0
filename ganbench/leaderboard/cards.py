"""Scorecards in files: whoever wrote them, what is in them can be ranked, or is refused with the reason."""

from __future__ import annotations

import math
from pathlib import Path

from ganbench.errors import GanbenchError
from ganbench.metrics.registry import metric_of
from ganbench.scoring.scorecard import ARROWS, Row, Scorecard

MOST_BYTES = 32 << 20  # a scorecard has some kilobytes; with thousands of warnings, some hundred
_TEXTS = ("id", "better", "protocol", "title", "unit", "interval", "reason")


def read_card(path: Path) -> Scorecard:
    """Read a scorecard.

    Raises:
        GanbenchError: it cannot be read, is none, or holds what cannot be ranked.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise GanbenchError(f"{path} is not a scorecard of ganbench: it has more than {MOST_BYTES >> 20} MiB")
        card = Scorecard.from_json(path.read_text("utf-8"))
    except OSError as e:
        raise GanbenchError(f"cannot read {path}: {e.strerror}") from e
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as e:
        raise GanbenchError(f"{path} is not a scorecard of ganbench") from e
    tables = (card.source, card.reference, card.versions)
    if not all(isinstance(table, dict) for table in tables) or not all(isinstance(w, str) for w in card.warnings):
        raise GanbenchError(f"{path} is not a scorecard of ganbench")
    for row in card.rows:
        if why := _fault(row):
            raise GanbenchError(f"{path}: {row.id}: {why}")
    return card


def _fault(row: Row) -> str:
    """Say why a row cannot be ranked: it is of the wrong form, or of another direction than its metric. Or ""."""
    if not all(isinstance(getattr(row, name), str) for name in _TEXTS):
        return f"{', '.join(_TEXTS)} are to be texts"
    if not all(number is None or type(number) is int for number in (row.n, row.seed)):
        return f"n and seed are to be whole numbers, not {row.n!r} and {row.seed!r}"
    numbers = [number for number in (row.value, row.low, row.high) if number is not None]
    if not all(isinstance(number, int | float) and math.isfinite(number) for number in numbers):
        return f"its value and interval, {row.value!r} ({row.low!r} to {row.high!r}), are not finite numbers"
    if row.better not in ARROWS:
        return f"its direction is {row.better!r}, not one of {', '.join(ARROWS)}"
    metric = metric_of(row.id)
    if row.value is not None and metric is not None and row.better != metric.better:
        return (
            f"its direction is {row.better!r} here, and that of {metric.name} is {metric.better!r}. "
            "Score the images again with this version of ganbench"
        )
    return ""
