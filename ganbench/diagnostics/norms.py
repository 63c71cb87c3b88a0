"""Norms of many tensors at once, and the numbers of a probe while they wait on their device."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    import numpy as np

KEPT_ON_DEVICE = 256  # records that wait before they are moved to the CPU in one go


def fused_norms(tensors: Sequence[torch.Tensor | None], device: torch.device) -> torch.Tensor:
    """Return the 2-norms as float32 (len,), all in one fused call; see ``stacked``."""
    present = [t for t in tensors if t is not None]
    wide = [t if t.dtype in (torch.float32, torch.float64) else t.float() for t in present]
    values = iter(torch._foreach_norm(wide)) if wide else iter(())
    return stacked([None if t is None else next(values) for t in tensors], device)


def stacked(norms: Sequence[torch.Tensor | None], device: torch.device) -> torch.Tensor:
    """Return scalars as float32 (len,): NaN for None, infinity for NaN, so that no gradient and a broken one differ."""
    absent = torch.full((), -1.0, device=device)
    values = torch.stack([absent if norm is None else norm.float() for norm in norms])
    return torch.where(values.isnan(), math.inf, torch.where(values < 0, math.nan, values))


def tensors_in(output: object) -> Iterator[torch.Tensor]:
    """Return the tensors of what a module puts out."""
    if isinstance(output, torch.Tensor):
        yield output
    elif isinstance(output, dict):
        yield from tensors_in(list(output.values()))
    elif isinstance(output, list | tuple):
        for part in output:
            yield from tensors_in(part)


class Waiting:
    """Rows of numbers that stay on their device until they are asked for, or are many."""

    def __init__(self) -> None:
        self._pending: list[torch.Tensor] = []
        self._values: list[torch.Tensor] = []

    def add(self, *rows: torch.Tensor) -> None:
        """Keep rows, or none."""
        self._pending += rows
        if len(self._pending) >= KEPT_ON_DEVICE:
            self._collect()

    def table(self, columns: int) -> np.ndarray:
        """Return all rows, float64 (rows, columns)."""
        import numpy as np

        self._collect()
        table: np.ndarray = torch.cat(self._values).numpy() if self._values else np.empty((0, columns))
        return table

    def _collect(self) -> None:
        if self._pending:
            self._values.append(torch.stack(self._pending).double().cpu())
            self._pending = []
