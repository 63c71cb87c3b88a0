"""What a generator is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

import torch
from torch import nn

from ganbench.models.draw import Draw


class Generator(nn.Module, ABC):
    """Random inputs -> images. All that decides an image is in its inputs and its ``state_dict``.

    ``forward`` maps what ``inputs`` drew to images (N, 3, size, size).

    Attributes:
        bounded: images stay within [-1, 1]. Where they do not, what lies outside is clipped when images are drawn.
    """

    bounded: ClassVar[bool] = True

    @abstractmethod
    def inputs(self, draw: Draw) -> tuple[torch.Tensor, ...]:
        """Draw what ``forward`` takes, from ``draw`` alone: tensors of ``draw.batch`` rows."""

    def intermediate(self, *inputs: torch.Tensor) -> torch.Tensor:
        """Return what the first of the inputs is mapped to, (N, ...), where a generator has such a space W."""
        raise NotImplementedError

    def from_intermediate(self, w: torch.Tensor, *inputs: torch.Tensor) -> torch.Tensor:
        """Return the images, (N, 3, size, size), of points of W, (N, ...), with all other inputs as they are."""
        raise NotImplementedError

    @abstractmethod
    def set_truncation(self, truncation: float) -> None:
        """Make images better and less varied from now on: 0 is the mean image, 1 leaves everything as it was."""
