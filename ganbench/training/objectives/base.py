"""What an objective is: settings, two losses, and their formulas for people to read.

Scores are unbounded numbers (N,), higher is more real; where a formula has a probability, the Sigmoid is part of the
loss. Importing an objective does not import torch: a recipe is read for its settings alone.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from ganbench.models.settings import Section

if TYPE_CHECKING:
    import torch
    from torch import nn

    from ganbench.models.draw import Draw

PROBABILITY = "probability (Sigmoid)"
SCORE = "unbounded score (no Sigmoid)"


@dataclass
class Loss:
    """What one network minimises in one step.

    Attributes:
        total: scalar with a gradient.
        parts: scalars to log, detached: mean scores of real and fake images, regularisation terms.
    """

    total: torch.Tensor
    parts: dict[str, torch.Tensor] = field(default_factory=dict)


class Objective(ABC):
    """A pair of losses. A recipe's ``[objective]`` section names it, and holds its settings.

    An objective of your own derives from this class, and its ``Settings`` from these::

        class LeastSquares(Objective):
            class Settings(Objective.Settings):
                real_label: float = Field(default=1.0, description="What the scores of real images are pulled to.")

            settings: Settings

    Random numbers come from ``draw`` alone, and what one step leaves for the next is in ``state``: a resumed run
    reaches the same bits.

    Attributes:
        output: how the discriminator's answer is read: ``PROBABILITY`` or ``SCORE``. Where it is a probability, a
            discriminator that tells all images apart is reported while the run goes on.
        discriminator_formula: what the discriminator minimises, as ``ganbench recipes diff`` shows it.
        generator_formula: what the generator minimises.
        discriminator_idea: the first formula in half a sentence: why it is so; may be empty.
        generator_idea: the same of the second one.
    """

    class Settings(Section):
        """Settings that every objective has."""

        name: str = Field(default="", description="Another loss.")

    output: ClassVar[str]
    discriminator_formula: ClassVar[str]
    generator_formula: ClassVar[str]
    discriminator_idea: ClassVar[str] = ""
    generator_idea: ClassVar[str] = ""
    settings: Settings

    def __init__(self, settings: Settings) -> None:
        """Keep the settings.

        Args:
            settings: an instance of the class's own ``Settings``.
        """
        self.settings = settings

    @abstractmethod
    def discriminator_loss(
        self, discriminator: nn.Module, real: torch.Tensor, fake: torch.Tensor, step: int, draw: Draw
    ) -> Loss:
        """Return the discriminator's loss on images (N, 3, H, W) in [-1, 1]; ``fake`` carries no gradient."""

    @abstractmethod
    def generator_loss(
        self,
        discriminator: nn.Module,
        generator: nn.Module,
        inputs: tuple[torch.Tensor, ...],
        step: int,
        draw: Draw,
    ) -> Loss:
        """Return the generator's loss; ``step`` counts the generator's own steps."""

    def after_step(self, discriminator: nn.Module) -> None:
        """Do what must follow a step of the discriminator; nothing by default."""
        del discriminator

    def state(self) -> dict[str, torch.Tensor]:
        """Return what a checkpoint must keep."""
        return {}

    def load_state(self, state: dict[str, torch.Tensor]) -> None:
        """Restore what ``state`` returned."""
        del state


def scores_of(discriminator: Callable[[torch.Tensor], torch.Tensor], images: torch.Tensor) -> torch.Tensor:
    """Return the discriminator's scores of images, float32 (N,), in whatever precision it computes."""
    return discriminator(images).float()


def score_parts(on_real: torch.Tensor, on_fake: torch.Tensor) -> dict[str, torch.Tensor]:
    """Return mean scores and the share of pairs that the discriminator orders rightly (0.5: it cannot tell)."""
    return {
        "real_score": on_real.detach().mean(),
        "fake_score": on_fake.detach().mean(),
        "told_apart": (on_real.detach() > on_fake.detach()).float().mean(),
    }
