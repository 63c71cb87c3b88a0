"""What a recipe says of its networks."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Section(BaseModel):
    """A section of a recipe: no unknown keys, no NaN, never changed afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=False, allow_inf_nan=False)


class ModelRecipe(Section):
    """The two networks."""

    name: Literal["dcgan", "stylegan2"]
    size: Literal[32, 64, 128] = 64
    latent: int = Field(100, ge=1)
    width: int = Field(64, ge=1)
    norm: Literal["batch", "instance", "none"] = "batch"
    max_width: int = Field(512, ge=1)
    mapping_layers: int = Field(8, ge=1)
