"""Objective ``wasserstein-clip``: the critic's weights are clipped."""

from __future__ import annotations

import torch
from pydantic import Field
from torch import nn

from ganbench.training.objectives.wasserstein import Wasserstein


class WassersteinClip(Wasserstein):
    """Arjovsky et al. 2017: every weight of the critic is clamped to [-clip, clip] after its step."""

    class Settings(Wasserstein.Settings):
        """How far weights may go."""

        clip: float = Field(
            gt=0,
            description="The Wasserstein estimate needs a critic of bounded slope; clipped weights are the crude way.",
        )

    settings: Settings

    @torch.no_grad()
    def after_step(self, discriminator: nn.Module) -> None:
        """Clamp all parameters, normalisation layers included."""
        parameters: list[torch.Tensor] = list(discriminator.parameters())
        torch._foreach_clamp_min_(parameters, -self.settings.clip)
        torch._foreach_clamp_max_(parameters, self.settings.clip)
