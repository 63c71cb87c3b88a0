"""Weights that several processes share: which piece is here, and how what was measured of the pieces adds up.

Two kinds are known: ``fully_shard`` gives every process some rows of each parameter, as a DTensor; the older
``FullyShardedDataParallel`` lays the parameters end to end and gives every process a stretch of that line. A stretch is
brought into whole rows here, filled up with zeros, so that both are rows of the same matrix and all sums are right.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import distributed

from ganbench.diagnostics.layers import Layer, Stretch, stretch_of
from ganbench.errors import GanbenchError


@dataclass(frozen=True, eq=False)
class Piece:
    """What of a layer's parameter is here.

    Attributes:
        group: the processes that share it; None: it is whole.
        parameter: as this process has it.
        stretch: where only a stretch of the flattened parameter is here: which.
    """

    group: Any
    parameter: torch.Tensor
    stretch: Stretch | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the whole parameter."""
        return tuple(self.parameter.shape) if self.stretch is None else self.stretch.shape

    @property
    def first_slice(self) -> int:
        """The first slice along the first dimension that a stretch has a part of."""
        return 0 if self.stretch is None else self.stretch.start // max(1, torch.Size(self.shape[1:]).numel())

    def rows(self, local: torch.Tensor) -> torch.Tensor:
        """Return a local tensor as whole slices along the first dimension, with zeros for what others have of them."""
        if self.stretch is None:
            return local
        shape = self.stretch.shape
        row = max(1, torch.Size(shape[1:]).numel())
        before = self.stretch.start % row
        after = -(before + local.numel()) % row
        padded = torch.nn.functional.pad(local.flatten(), (before, after))
        return padded.view(padded.numel() // row, *shape[1:])


def piece_of(layer: Layer) -> Piece:
    """Return what of a layer's parameter this process has.

    Raises:
        GanbenchError: it is shared in a way that is not known here.
    """
    parameter = layer.parameter
    if (stretch := stretch_of(layer)) is not None:
        return Piece(stretch.group, parameter, stretch)
    placements = getattr(parameter, "placements", None)
    if placements is None:
        return Piece(None, parameter)
    mesh = parameter.device_mesh  # type: ignore[attr-defined]  # a DTensor, which has both
    shared = [i for i, placement in enumerate(placements) if not placement.is_replicate()]
    if not shared:
        return Piece(None, parameter)
    if len(shared) > 1 or not placements[shared[0]].is_shard(0):
        raise GanbenchError(
            f"{layer.name} is shared among processes as {placements}. The probe knows parameters that one dimension of "
            "the device mesh shares by rows, as fully_shard does; name those in layers=[...]"
        )
    return Piece(mesh.get_group(shared[0]), parameter)


def local(tensor: torch.Tensor) -> torch.Tensor:
    """Return what this process has of a tensor, itself where it is whole."""
    return tensor.to_local() if hasattr(tensor, "to_local") else tensor


class Sharing:
    """Adds up, over the processes, what was measured of each one's pieces."""

    def __init__(self, layers: Sequence[Layer]) -> None:
        """See which layers are shared, and by whom.

        Raises:
            GanbenchError: by different groups of processes, or in a way that is not known here.
        """
        self.pieces = [piece_of(layer) for layer in layers]
        for layer, piece in zip(layers, self.pieces, strict=True):
            if piece.group is not None and layer.computed is not None:
                raise GanbenchError(
                    f"{layer.name} is computed from parameters that several processes share, which the probe cannot "
                    "do. Name the other layers in layers=[...]"
                )
        groups = [piece.group for piece in self.pieces if piece.group is not None]
        if any(group is not groups[0] for group in groups):
            raise GanbenchError(
                "the layers are shared by different groups of processes; give each group a probe of its own"
            )
        self._group = groups[0] if groups else None
        self._shared = [piece.group is not None for piece in self.pieces]

    @property
    def active(self) -> bool:
        """Whether any layer is shared; every process must then have a probe."""
        return self._group is not None

    def norms(self, norms: torch.Tensor) -> torch.Tensor:
        """Return the norms of whole tensors, (K, layers), from those of pieces; NaN: nothing is here."""
        return self._added(norms.square()).sqrt() if self.active else norms

    def shares(self, shares: torch.Tensor, here: Sequence[int]) -> torch.Tensor:
        """Return shares of whole parameters, (layers,), from those of pieces of so many numbers ``here``."""
        if not self.active:
            return shares
        whole = [max(1, torch.Size(piece.shape).numel()) for piece in self.pieces]
        part = shares.new_tensor([h / w if s else 1.0 for h, w, s in zip(here, whole, self._shared, strict=True)])
        return self._added((torch.where(part == 0, 0, shares) * part)[None])[0]

    def _added(self, values: torch.Tensor) -> torch.Tensor:
        """Return the sum over processes of values (K, layers) of shared layers; NaN where no process has one."""
        shared = values.new_tensor(self._shared, dtype=torch.bool)
        present = ~values.isnan()
        both = torch.stack([torch.where(present, values, 0), present.to(values.dtype)])
        distributed.all_reduce(both, group=self._group)
        summed = torch.where(both[1] > 0, both[0], torch.nan)
        return torch.where(shared, summed, values)

    def complete(self, images: list[torch.Tensor], inner: Sequence[int]) -> list[torch.Tensor]:
        """Return products of matrices' rows, of which stretches may have cut some, with these added up.

        Args:
            images: (rows, K) for each layer, of the slices that ``Piece.rows`` gives.
            inner: how many rows each slice makes.
        """
        cut = [piece.group is not None and piece.stretch is not None for piece in self.pieces]
        if not any(cut):
            return images
        places, whole = [], []
        for piece, image, rows, is_cut in zip(self.pieces, images, inner, cut, strict=True):
            first = piece.first_slice * rows
            places.append(slice(first, first + len(image)))
            full = image.new_zeros(piece.shape[0] * rows if is_cut else 0, image.shape[1])
            if is_cut:
                full[places[-1]] = image
            whole.append(full)
        flat = torch.cat([full.flatten() for full in whole])
        distributed.all_reduce(flat, group=self._group)
        parts = flat.split([full.numel() for full in whole])
        return [
            part.view_as(full)[place] if is_cut else image
            for part, full, place, image, is_cut in zip(parts, whole, places, images, cut, strict=True)
        ]

    def total(self, tensors: list[torch.Tensor]) -> list[torch.Tensor]:
        """Return the sums over processes of tensors, one for each layer; those of whole layers stay as they are."""
        if self._group is None or len(tensors) == 0:
            return tensors
        flat = torch.cat([t.flatten() for t, shared in zip(tensors, self._shared, strict=True) if shared])
        distributed.all_reduce(flat, group=self._group)
        parts = iter(flat.split([t.numel() for t, shared in zip(tensors, self._shared, strict=True) if shared]))
        return [next(parts).view(t.shape) if shared else t for t, shared in zip(tensors, self._shared, strict=True)]
