"""The weights of the watched layers: their spectral norms, and how far each step moves them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch

from ganbench.diagnostics.layers import Layer
from ganbench.diagnostics.shards import Piece, Sharing
from ganbench.diagnostics.spectrum import Rows, Spectrum, alone

_TOGETHER = 1 << 19  # numbers of a weight that a CPU works on before it goes on, 2 MiB
_SUMMED = 1 << 15  # squares that it adds up in one go: float32 loses digits over more, and PyTorch uses one thread


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
        self._kept: list[torch.Tensor] = []  # as matrices, see _matrix
        self._groups: list[list[tuple[int, slice]]] = []
        self._spectrum = Spectrum(sharing.total, self._complete if sharing.active else alone) if spectra else None

    def follow(
        self, weights: list[torch.Tensor], *, measure: bool, spectra: bool = True
    ) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
        """Copy the weights as they are now.

        Args:
            weights: of the layers, as far as they are here.
            measure: whether to return what has changed since they were copied last.
            spectra: whether to return spectral norms, if this is what keeps them.

        Returns:
            The 2-norms of the changes, and the spectral norms: scalars for each layer, or nothing.
        """
        changes = _Changes(len(weights))
        copied = self._copied(weights, changes if measure else None)
        if spectra and self._spectrum is not None:
            found = self._spectrum.norms(self._ready(weights), copied)
        else:
            found = []
            for _ in copied:
                pass
        return changes.norms() if measure else [], found

    def _ready(self, weights: list[torch.Tensor]) -> list[torch.Tensor]:
        """Return the copies, made where there are none yet; what is in them is not."""
        if not self._kept:
            self._orders = list(map(_order, weights, self._pieces, self._layers))
            now = self._matrices(weights)
            self._kept = [torch.empty(m.shape, dtype=torch.float32, device=m.device) for m in now]
            self._groups = _groups(self._kept)
        return self._kept

    def _copied(self, weights: list[torch.Tensor], changes: _Changes | None) -> Iterator[Rows]:
        """Copy the weights, some rows after the others, and yield these while a CPU has them in its cache."""
        matrices = self._ready(weights), self._matrices(weights)
        for group in self._groups:
            kept, now = ([m[i][rows] for i, rows in group] for m in matrices)
            if changes is not None:
                torch._foreach_sub_(kept, now)
                changes.add([i for i, _ in group], kept)
            torch._foreach_copy_(kept, now)
            yield from ((i, rows) for (i, _), rows in zip(group, kept, strict=True))

    def _complete(self, images: list[torch.Tensor]) -> list[torch.Tensor]:
        """Make rows whole of which other processes have a part: see ``Spectrum``."""
        inner = [_inner(piece, layer) for piece, layer in zip(self._pieces, self._layers, strict=True)]
        return self._sharing.complete(images, inner)

    def _matrices(self, weights: list[torch.Tensor]) -> list[torch.Tensor]:
        rows = [piece.rows(weight) for weight, piece in zip(weights, self._pieces, strict=True)]
        ordered = [weight.permute(order) for weight, order in zip(rows, self._orders, strict=True)]
        return [_matrix(weight, layer) for weight, layer in zip(ordered, self._layers, strict=True)]


class _Changes:
    """Gathers the norms of what changed of some weights, part by part."""

    def __init__(self, count: int) -> None:
        self._parts: list[list[torch.Tensor]] = [[] for _ in range(count)]

    def add(self, weights: Sequence[int], changes: Sequence[torch.Tensor]) -> None:
        """Take what changed of some weights, or of parts of them."""
        pieces = [
            (i, piece)
            for i, change in zip(weights, changes, strict=True)
            for piece in (change.flatten().split(_SUMMED) if change.device.type == "cpu" else [change])
        ]
        norms = torch._foreach_norm([piece for _, piece in pieces])
        for (i, _), norm in zip(pieces, norms, strict=True):
            self._parts[i].append(norm)

    def norms(self) -> list[torch.Tensor]:
        """Return those of whole weights."""
        return [torch.linalg.vector_norm(torch.stack(parts)) for parts in self._parts]


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


def _groups(matrices: list[torch.Tensor]) -> list[list[tuple[int, slice]]]:
    """Return the rows of matrices that are worked on together: all of all on a GPU, for the fewest calls.

    On a CPU some rows of one after the others: few enough to stay in its cache from operation to operation, and many
    enough, for its threads wait for each other after every operation.
    """
    if matrices[0].device.type != "cpu":
        return [[(i, slice(None)) for i in range(len(matrices))]]
    groups = []
    for i, matrix in enumerate(matrices):
        many = max(1, _TOGETHER // max(1, matrix.shape[1]))
        groups += [[(i, slice(start, start + many))] for start in range(0, max(1, len(matrix)), many)]
    return groups


def _is_turned(piece: Piece, layer: Layer) -> bool:
    """Tell whether the matrix has the outputs in its columns."""
    return layer.outputs_second and len(piece.shape) > 2


def _inner(piece: Piece, layer: Layer) -> int:
    """Return how many rows of the matrix one slice of the weight's first dimension makes."""
    return torch.Size(piece.shape[2:]).numel() if _is_turned(piece, layer) else 1


def _matrix(weight: torch.Tensor, layer: Layer) -> torch.Tensor:
    """Return an ordered weight as a matrix: (outputs, rest), or (rest, outputs), which has the same norm."""
    if weight.ndim < 2:
        return weight.reshape(-1, 1)
    return weight.flatten(0, -2) if layer.outputs_second else weight.flatten(1)
