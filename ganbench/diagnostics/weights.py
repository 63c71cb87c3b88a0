"""The weights of the watched layers: their spectral norms, and how far each step moves them."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from ganbench.diagnostics.layers import Layer
from ganbench.diagnostics.shards import Piece, Sharing
from ganbench.diagnostics.spectrum import Spectrum


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
        self._spectrum = Spectrum(sharing.total, self._complete) if spectra else None

    def moved(self, weights: list[torch.Tensor]) -> list[torch.Tensor]:
        """Return by how much every weight has changed since it was kept; what was kept is used up by that."""
        torch._foreach_sub_(self._kept, self._ordered(weights))
        return self._kept

    def keep(self, weights: list[torch.Tensor]) -> None:
        """Copy the weights, as far as they are here."""
        if not self._kept:  # not before the first pass: lazy layers have no shape until then
            self._orders = list(map(_order, weights, self._pieces, self._layers))
        ordered = self._ordered(weights)
        if not self._kept:
            self._kept = [torch.empty(o.shape, dtype=torch.float32, device=o.device) for o in ordered]
        torch._foreach_copy_(self._kept, ordered)

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
