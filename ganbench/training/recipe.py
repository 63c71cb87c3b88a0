"""Recipes: everything that defines a training run, in a TOML file that shows only what differs from another one."""

from __future__ import annotations

import re
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import tomlkit
from pydantic import SerializeAsAny, ValidationError
from pydantic_core import ErrorDetails

from ganbench.errors import GanbenchError, UnknownName
from ganbench.models.model import Model
from ganbench.models.settings import Section
from ganbench.registry import did_you_mean
from ganbench.system.parse import shown
from ganbench.training.objectives.base import Objective
from ganbench.training.recipe_text import PRESETS, check_tables, extend, merge, override, parse
from ganbench.training.sections import (
    SECTIONS,
    AdamRecipe,
    DataRecipe,
    RMSpropRecipe,
    TrainingRecipe,
    kind_of,
    known_keys,
    unknown_key,
)

FOLDER = Path(__file__).resolve().parent.parent / "recipes"
_ALSO_CALLED = {"gan": "dcgan"}  # a near match of letters would be another one


class Recipe(Section):
    """A whole recipe; ``model`` and ``objective`` are the settings of what they name."""

    variant: str
    preset: str
    title: str
    source: str = ""
    model: SerializeAsAny[Model.Settings]
    objective: SerializeAsAny[Objective.Settings]
    optimizer: AdamRecipe | RMSpropRecipe
    training: TrainingRecipe
    data: DataRecipe = DataRecipe()

    def flat(self) -> dict[str, Any]:
        """Return ``{"optimizer.lr": 1e-4, ...}`` without what is not set."""
        values: dict[str, Any] = {}
        for section, content in self.model_dump(mode="json", exclude_none=True).items():
            if isinstance(content, dict):
                values |= {f"{section}.{key}": value for key, value in content.items()}
            else:
                values[section] = content
        return values

    def to_toml(self) -> str:
        """Return the recipe, complete and without reference to others."""
        return tomlkit.dumps(self.model_dump(mode="json", exclude_none=True))

    def steps(self, images: int) -> int:
        """Return the number of discriminator steps for a data set of so many images."""
        if self.training.steps is not None:
            return self.training.steps
        return max(1, round((self.training.epochs or 0) * (images // self.training.batch)))


def recipe_names() -> list[str]:
    """Return the variants that ship with ganbench, simplest first."""
    order = ["dcgan", "dcgan-clipnorm", "wgan", "wgan-gp", "wgan-gp-report", "stylegan2"]
    found = [path.stem for path in FOLDER.glob("*.toml")]
    return sorted(found, key=lambda name: (order.index(name) if name in order else len(order), name))


def load_recipe(variant: str, preset: str = "paper", overrides: list[str] | tuple[str, ...] = ()) -> Recipe:
    """Load a variant.

    Args:
        variant: a shipped variant, or the path of a .toml file.
        preset: ``paper`` (as published), ``cpu``, ``probe`` or ``smoke``; ignored by a file that has no presets.
        overrides: ``key=value`` texts such as ``optimizer.lr=2e-4``, applied last.

    Raises:
        UnknownName: no such variant, preset, model, objective, optimizer or key.
        GanbenchError: not TOML, a value that is not allowed, or a model or objective that cannot be imported.
    """
    if preset not in PRESETS:
        raise UnknownName(f"unknown preset {preset!r}.{did_you_mean(preset, list(PRESETS))}")
    data = _read(variant)
    presets = data.pop("preset", {})
    if isinstance(presets, dict):
        data = merge(data, presets.get(preset, {}))
    _check_form(data, variant)
    data = override(data, overrides)
    name = Path(variant).stem if variant.endswith(".toml") else variant
    return validate(data | {"variant": data.get("variant", name), "preset": preset}, variant)


def load_resolved(path: Path) -> Recipe:
    """Load the complete recipe that a run folder keeps."""
    return validate(parse(path), str(path))


def validate(data: dict[str, Any], label: str) -> Recipe:
    """Turn plain data into a recipe.

    Raises:
        UnknownName: no such model, objective or optimizer.
        GanbenchError: unknown keys (with the nearest known one) or values that are not allowed.
    """
    _check_form(data, label)
    sections: dict[str, Section | None] = {}
    faults: list[str] = []
    try:
        for section in SECTIONS:
            sections[section] = _settle(section, data.get(section, {}), faults)
    except GanbenchError as e:
        raise type(e)(f"recipe {label}: {e}") from e
    try:
        recipe = Recipe.model_validate(data | sections)
    except ValidationError as e:
        faults += [_explain(error) for error in e.errors() if error["loc"][0] not in SECTIONS]
    if faults:
        raise GanbenchError(f"recipe {label}: " + "; ".join(faults))
    if (recipe.training.epochs is None) == (recipe.training.steps is None):
        raise GanbenchError(f"recipe {label}: give exactly one of training.epochs and training.steps")
    return recipe


def _settle(section: str, content: dict[str, Any], faults: list[str]) -> Section | None:
    """Return the settings of a section; what is wrong with it is added to the faults."""
    name = content.get("name")
    kind = kind_of(section, name)
    try:
        return kind.model_validate(content)
    except ValidationError as e:
        for error in e.errors():
            if error["type"] == "extra_forbidden" and len(error["loc"]) == 1:
                faults.append(unknown_key(section, str(error["loc"][0]), kind, name))
            else:
                faults.append(_explain(error, section))
        return None


def _explain(error: ErrorDetails, *within: str) -> str:
    where = ".".join(map(str, [*within, *error["loc"]]))
    if error["type"] == "missing":
        return f"{where}: {error['msg']}"
    return f"{where}: {error['msg']}, got {shown(error.get('input'))}"


def _check_form(data: dict[str, Any], label: str) -> None:
    """Refuse a file without the form of a recipe before anything is said of its values."""
    check_tables(data, label)
    sections = ", ".join(f"[{section}]" for section in SECTIONS)
    for key in data:
        if key not in Recipe.model_fields:
            known = known_keys(data)
            near = [name for name in known if name.endswith(f".{key}")] or get_close_matches(key, SECTIONS)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise UnknownName(f"recipe {label}: unknown key {shown(key)}.{hint} Sections: {sections}")
    absent = [section for section in SECTIONS if section != "data" and section not in data]
    if absent:
        raise GanbenchError(
            f'recipe {label}: no section [{absent[0]}]. Sections: {sections}; extends = "dcgan" takes them from there'
        )


def _read(variant: str, seen: tuple[str, ...] = ()) -> dict[str, Any]:
    """Read a recipe and what it extends."""
    if variant in seen:
        raise GanbenchError(f"recipe {variant} extends itself: {' -> '.join([*seen, variant])}")
    if variant.endswith(".toml"):
        path = Path(variant)
    else:
        if variant not in recipe_names():
            raise UnknownName(f"unknown variant {variant!r}.{_hint(variant)}")
        path = FOLDER / f"{variant}.toml"
    data = parse(path)
    parent = data.pop("extends", None)
    if parent is None:
        return data
    base = _read(parent, (*seen, variant))
    base.pop("source", None)
    base.pop("variant", None)
    return extend(base, data)


def _hint(variant: str) -> str:
    """Say which variant may have been meant; letters' case and what joins words do not matter."""
    names = {re.sub(r"\W|_", "", name): name for name in recipe_names()}
    plain = re.sub(r"\W|_", "", variant.lower())
    return did_you_mean(_ALSO_CALLED.get(plain, names.get(plain, variant)), recipe_names())
