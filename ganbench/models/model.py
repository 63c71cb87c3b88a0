"""What a model is: settings, and the two networks that are built from them. Importing it does not import torch."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from pydantic import Field

from ganbench.models.settings import Section

if TYPE_CHECKING:
    from torch import nn

    from ganbench.models.generator import Generator


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
