"""The weights of the watched layers: their spectral norms, and how far each step moves them."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from ganbench.diagnostics.layers import Layer
from ganbench.diagnostics.shards import Piece, Sharing
from ganbench.diagnostics.spectrum import Spectrum

_CACHED = 1 << 16  # numbers, a quarter of a MiB


class Weights:
    """Keeps one float32 copy of every weight: what a step did to it, and its spectral norm, come of that."""

    def __init__(self, layers: Sequence[Layer], sharing: Sharing, *, spectra: bool) -> None:
        """Say what to keep.

        Args:
            layers: whose weights.
            sharing: which pieces of them are here.
            spectra: whether spectral norms are asked for.
        """
        self._layers = layers
        self._sharing = sharing
        self._pieces = sharing.pieces
        self._orders: list[list[int]] = []
        self._kept: list[torch.Tensor] = []
        self._groups: list[list[tuple[int, slice]]] = []
        self._spectrum = Spectrum(sharing.total, self._complete) if spectra else None

    def follow(self, weights: list[torch.Tensor], *, measure: bool) -> list[torch.Tensor]:
        """Copy the weights as they are now.

        Args:
            weights: of the layers, as far as they are here.
            measure: whether to return the 2-norms of what has changed since they were copied last, scalars.
        """
        if not self._kept:
            self._orders = list(map(_order, weights, self._pieces, self._layers))
        ordered = self._ordered(weights)
        if not self._kept:
            self._kept = [torch.empty(o.shape, dtype=torch.float32, device=o.device) for o in ordered]
            self._groups = _groups(self._kept)
        lines, now_lines = ([t.flatten() for t in tensors] for tensors in (self._kept, ordered))
        norms: list[list[torch.Tensor]] = [[] for _ in weights]
        for group in self._groups:
            kept, now = ([line[i][part] for i, part in group] for line in (lines, now_lines))
            if measure:
                torch._foreach_sub_(kept, now)
                for (i, _), norm in zip(group, torch._foreach_norm(kept), strict=True):
                    norms[i].append(norm)
            torch._foreach_copy_(kept, now)
        return [torch.linalg.vector_norm(torch.stack(parts)) for parts in norms] if measure else []

    def spectral_norms(self) -> list[torch.Tensor]:
        """Return the spectral norms of what was kept, scalars; none where they were not asked for."""
        if self._spectrum is None:
            return []
        return self._spectrum.norms([_matrix(k, layer) for k, layer in zip(self._kept, self._layers, strict=True)])

    def _complete(self, images: list[torch.Tensor]) -> list[torch.Tensor]:
        """Make rows whole of which other processes have a part: see ``Spectrum``."""
        inner = [_inner(piece, layer) for piece, layer in zip(self._pieces, self._layers, strict=True)]
        return self._sharing.complete(images, inner)

    def _ordered(self, weights: list[torch.Tensor]) -> list[torch.Tensor]:
        rows = [piece.rows(weight) for weight, piece in zip(weights, self._pieces, strict=True)]
        return [weight.permute(order) for weight, order in zip(rows, self._orders, strict=True)]


def _order(weight: torch.Tensor, piece: Piece, layer: Layer) -> list[int]:
    """Return the dimensions of a weight in the order in which its copy has them: the outputs come first or last.

    Otherwise as they lie in memory, channels last or not, so that copies are fast.
    """
    dimensions = list(range(len(piece.shape)))
    if _is_turned(piece, layer):
        return [0, *dimensions[2:], 1]
    if weight.ndim == 4 and weight.is_contiguous(memory_format=torch.channels_last):
        return [0, 2, 3, 1]
    return dimensions


def _groups(kept: list[torch.Tensor]) -> list[list[tuple[int, slice]]]:
    """Return the parts of flattened tensors that are worked on together: everything on a GPU, for the fewest calls.

    On a CPU one part after the other, each small enough to stay in its cache from operation to operation.
    """
    if kept[0].device.type != "cpu":
        return [[(i, slice(None)) for i in range(len(kept))]]
    return [
        [(i, slice(start, start + _CACHED))]
        for i, tensor in enumerate(kept)
        for start in range(0, max(1, tensor.numel()), _CACHED)
    ]


def _is_turned(piece: Piece, layer: Layer) -> bool:
    """Tell whether the matrix has the outputs in its columns."""
    return layer.outputs_second and len(piece.shape) > 2


def _inner(piece: Piece, layer: Layer) -> int:
    """Return how many rows of the matrix one slice of the weight's first dimension makes."""
    return torch.Size(piece.shape[2:]).numel() if _is_turned(piece, layer) else 1


def _matrix(kept: torch.Tensor, layer: Layer) -> torch.Tensor:
    """Return a copy as a matrix, a view: (outputs, rest), or (rest, outputs), which has the same norm."""
    if kept.ndim < 2:
        return kept.reshape(-1, 1)
    return kept.flatten(0, -2) if layer.outputs_second else kept.flatten(1)
