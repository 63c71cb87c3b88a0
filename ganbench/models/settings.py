"""What a section of a recipe is."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A section of a recipe: no unknown keys, no NaN, never changed afterwards.

    A field's ``description`` says why the setting matters; ``ganbench recipes diff`` shows it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=False, allow_inf_nan=False)
