"""Places that can be defended: a position by the value, and beside it whom the intervals do not tell it from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ganbench.leaderboard.better import is_better
from ganbench.scoring.row import Row

NOTE = (
    "Position: by the value. Tied with: the positions that it cannot be told from (the 95 % interval of the difference "
    "holds 0, pair by pair)."
)


@dataclass(frozen=True)
class Standing:
    """Where a row stands among others.

    Attributes:
        position: 1 for the best value; equal values share one.
        tied: positions of the others that it is not significantly different from, ascending, each once.
    """

    position: int
    tied: tuple[int, ...]

    @property
    def ties(self) -> str:
        """The tied positions in short: ``1–4, 6``; "" without any."""
        runs: list[list[int]] = []
        for position in self.tied:
            if runs and position == runs[-1][-1] + 1:
                runs[-1].append(position)
            else:
                runs.append([position])
        return ", ".join(f"{run[0]}–{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)

    def __str__(self) -> str:
        return f"{self.position}, tied with {self.ties}" if self.tied else str(self.position)


def standings(rows: Sequence[Row], better: str) -> list[Standing]:
    """return the standing of every row.

    Args:
        rows: with values that compare, the best first.
        better: ``lower`` or ``higher``.
    """
    positions: list[int] = []
    for number, row in enumerate(rows, 1):
        same = number > 1 and row.value == rows[number - 2].value
        positions.append(positions[-1] if same else number)
    found = []
    for i, row in enumerate(rows):
        tied = {
            positions[j]
            for j, other in enumerate(rows)
            if i != j and not is_better(row, other, better) and not is_better(other, row, better)
        }
        found.append(Standing(positions[i], tuple(sorted(tied))))
    return found
