"""Objective ``wasserstein-clip``: the critic's weights are clipped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from ganbench.training.objectives.wasserstein import Wasserstein

if TYPE_CHECKING:
    import torch
    from torch import nn


class WassersteinClip(Wasserstein):
    """Arjovsky et al. 2017: every weight of the critic is clamped to [-clip, clip] after its step."""

    class Settings(Wasserstein.Settings):
        """How far weights may go."""

        clip: float = Field(
            gt=0,
            description="The Wasserstein estimate needs a critic of bounded slope; clipped weights are the crude way.",
        )

    settings: Settings

    def after_step(self, discriminator: nn.Module) -> None:
        """Clamp all parameters, normalisation layers included."""
        import torch

        parameters: list[torch.Tensor] = list(discriminator.parameters())
        with torch.no_grad():
            torch._foreach_clamp_min_(parameters, -self.settings.clip)
            torch._foreach_clamp_max_(parameters, self.settings.clip)
