"""The sections of a recipe: which settings each may hold.

``[model]`` and ``[objective]`` are open: what their ``name`` names brings its own settings. The others are listed here.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from difflib import get_close_matches
from typing import Annotated, Any, Literal

from pydantic import Field

from ganbench.errors import GanbenchError, UnknownName
from ganbench.models.model import Model
from ganbench.models.registry import MODELS
from ganbench.models.settings import Section
from ganbench.registry import did_you_mean
from ganbench.system.parse import shown
from ganbench.training.objectives.base import Objective
from ganbench.training.objectives.registry import OBJECTIVES

SECTIONS = ("model", "objective", "optimizer", "training", "data")
NAMED = ("model", "objective", "optimizer")  # sections of which there are several kinds, told apart by their ``name``

_LR = "Step size."
_OPTIMIZER = "Momentum carries over from gradients that clipping has made stale; the WGAN paper found RMSprop steadier."


class AdamRecipe(Section):
    """Adam."""

    name: Literal["adam"] = Field(description=_OPTIMIZER)
    lr: float = Field(gt=0, description=_LR)
    betas: tuple[Annotated[float, Field(ge=0, lt=1)], Annotated[float, Field(ge=0, lt=1)]] = Field(
        description="Momentum, and the memory of squared gradients."
    )


class RMSpropRecipe(Section):
    """RMSprop with PyTorch's smoothing of 0.99."""

    name: Literal["rmsprop"] = Field(description=_OPTIMIZER)
    lr: float = Field(gt=0, description=_LR)


class TrainingRecipe(Section):
    """Length and rhythm. One step is one step of the discriminator; exactly one of epochs and steps is given.

    An ``average`` of 0 is none, as if it were not there.
    """

    batch: int = Field(default=64, ge=2, description="Images of a step.")
    epochs: float | None = Field(default=None, gt=0, le=1e9, description="How often the images are seen.")
    steps: int | None = Field(default=None, ge=1, le=10**12, description="Length in discriminator steps.")
    n_critic: int = Field(
        default=1,
        ge=1,
        description="Discriminator steps for each step of the generator: the critic must be near its optimum.",
    )
    clip_grad_norm: float | None = Field(
        default=None,
        gt=0,
        description="Gradients longer than this are shortened: no step is wild. Weights are not touched.",
    )
    average: float | None = Field(
        default=None,
        ge=0,
        lt=1,
        description="Samples come from a running mean of the generator's weights, which is steadier than any step.",
    )
    precision: Literal["fp32", "tf32", "bf16"] = Field(default="fp32", description="Arithmetic of the networks.")
    seed: int = Field(default=0, ge=0, description="Random choices.")


class DataRecipe(Section):
    """What happens to the images."""

    flip: bool = Field(default=False, description="Each image is mirrored half of the time.")


_OPTIMIZERS: dict[str, type[Section]] = {"adam": AdamRecipe, "rmsprop": RMSpropRecipe}


def kind_of(section: str, name: object = None) -> type[Section]:
    """Return the class of a section's settings.

    Args:
        section: one of ``SECTIONS``.
        name: for those of ``NAMED``, what the section calls itself.

    Raises:
        UnknownName: no such model, objective or optimizer.
        GanbenchError: no name, or somebody's model or objective that cannot be taken.
    """
    if section == "training":
        return TrainingRecipe
    if section == "data":
        return DataRecipe
    if not isinstance(name, str) or not name:
        raise GanbenchError(f"{section}.name: the name of the {section} is wanted here, got {shown(name)}")
    if section == "optimizer":
        if name not in _OPTIMIZERS:
            raise UnknownName(f"unknown optimizer {name!r}.{did_you_mean(name, list(_OPTIMIZERS))}")
        return _OPTIMIZERS[name]
    owner: type[Model] | type[Objective]
    base: type[Model] | type[Objective]
    owner, base = (MODELS[name], Model) if section == "model" else (OBJECTIVES[name], Objective)
    if not (isinstance(owner.Settings, type) and issubclass(owner.Settings, base.Settings)):
        raise GanbenchError(f"{section} {name}: its Settings must derive from {base.__name__}.Settings")
    return owner.Settings


def known_keys(recipe: dict[str, Any]) -> list[str]:
    """Return every key that a recipe may set, as ``section.name``.

    Args:
        recipe: the recipe as plain data; a section that does not say what it is may be anything that is registered.
    """
    keys = [
        f"{section}.{name}" for section in SECTIONS for kind in _kinds(section, recipe) for name in kind.model_fields
    ]
    return list(dict.fromkeys(keys))


def _kinds(section: str, recipe: dict[str, Any]) -> list[type[Section]]:
    names: dict[str, Iterable[str]] = {"model": MODELS, "objective": OBJECTIVES, "optimizer": _OPTIMIZERS}
    with suppress(GanbenchError):
        return [kind_of(section, recipe.get(section, {}).get("name"))]
    kinds = []
    for name in names[section]:
        with suppress(GanbenchError):  # somebody's that cannot be imported
            kinds.append(kind_of(section, name))
    return kinds


def unknown_key(section: str, key: str, kind: type[Section], name: object = None) -> str:
    """Say that a section has no such setting, and which one may have been meant."""
    near = get_close_matches(key, list(kind.model_fields), n=1, cutoff=0.6)
    whose = f" of the {section} {name}" if section in NAMED else ""
    known = ", ".join(f"{section}.{field}" for field in kind.model_fields)
    hint = f"Did you mean '{section}.{near[0]}'?" if near else f"Known: {known}."
    return f"unknown key {section}.{key}{whose}. {hint}"
