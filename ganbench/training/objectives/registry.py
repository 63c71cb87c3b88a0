"""The objectives by name: what a recipe's ``[objective]`` section builds."""

from __future__ import annotations

from ganbench.errors import GanbenchError
from ganbench.registry import Registry
from ganbench.training.objectives.base import Objective

OBJECTIVES: Registry[type[Objective]] = Registry("objective", Objective, "ganbench.objectives", classes=True)
OBJECTIVES.add("bce", "ganbench.training.objectives.bce:BCE")
OBJECTIVES.add("wasserstein-clip", "ganbench.training.objectives.wasserstein_clip:WassersteinClip")
OBJECTIVES.add("wasserstein-gp", "ganbench.training.objectives.wasserstein_gp:WassersteinPenalty")
OBJECTIVES.add("stylegan2", "ganbench.training.objectives.stylegan2:StyleGAN2")

_TOLD = ("output", "discriminator_formula", "generator_formula")


def build_objective(settings: Objective.Settings) -> Objective:
    """Return the objective of a recipe's ``[objective]`` section.

    Raises:
        GanbenchError: the class does not say what it minimises.
    """
    objective = OBJECTIVES[settings.name]
    if silent := [attribute for attribute in _TOLD if not getattr(objective, attribute, "")]:
        raise GanbenchError(f"objective {settings.name}: give the class its {', '.join(silent)}; people read them")
    return objective(settings)
