"""What a model is: settings, and the two networks that are built from them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

import torch
from pydantic import Field
from torch import nn

from ganbench.models.draw import Draw
from ganbench.models.settings import Section


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

    @abstractmethod
    def set_truncation(self, truncation: float) -> None:
        """Make images better and less varied from now on: 0 is the mean image, 1 leaves everything as it was."""


class Model(ABC):
    """A pair of networks. A recipe's ``[model]`` section names it, and holds its settings.

    A model of your own derives from this class, and its ``Settings`` from these::

        class Pair(Model):
            class Settings(Model.Settings):
                width: int = Field(default=64, ge=1, description="Feature maps at the full resolution.")

            settings: Settings

            def build(self): ...
    """

    class Settings(Section):
        """Settings that every model has."""

        name: str = Field(default="", description="Another architecture.")
        size: int = Field(default=64, ge=1, description="Pixels of an image's side.")

    settings: Settings

    def __init__(self, settings: Settings) -> None:
        """Keep the settings.

        Args:
            settings: an instance of the class's own ``Settings``.
        """
        self.settings = settings

    @abstractmethod
    def build(self) -> tuple[Generator, nn.Module]:
        """Return a new generator and a new discriminator, weights drawn from torch's global random state.

        The discriminator maps images (N, 3, size, size) in [-1, 1] to unbounded scores (N,), higher is more real.
        """
