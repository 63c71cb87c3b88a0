"""Recipes: everything that defines a training run, in a TOML file that shows only what differs from another one."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import tomlkit
from pydantic import Field, ValidationError
from tomlkit.exceptions import ParseError

from ganbench.errors import GanbenchError, UnknownName
from ganbench.models.settings import ModelRecipe, Section
from ganbench.registry import did_you_mean

FOLDER = Path(__file__).resolve().parent.parent / "recipes"
PRESETS = ("paper", "cpu", "probe", "smoke")
_SECTIONS = ("model", "objective", "optimizer", "training", "data")
_NOT_OF = {"dcgan": ("max_width", "mapping_layers"), "stylegan2": ("norm",)}  # settings that a model has not got


class BCERecipe(Section):
    """Binary cross-entropy."""

    name: Literal["bce"]


class ClipRecipe(Section):
    """Wasserstein loss, weights of the critic clipped."""

    name: Literal["wasserstein-clip"]
    clip: float = Field(gt=0)


class PenaltyRecipe(Section):
    """Wasserstein loss with gradient penalty."""

    name: Literal["wasserstein-gp"]
    penalty_weight: float = Field(ge=0)
    penalty_norm: Literal[1, 2]


class StyleGAN2Recipe(Section):
    """Non-saturating loss with lazy R1 and path-length regularisation."""

    name: Literal["stylegan2"]
    r1_weight: float = Field(ge=0)
    r1_every: int = Field(16, ge=1)
    path_weight: float = Field(ge=0)
    path_every: int = Field(8, ge=1)


class AdamRecipe(Section):
    """Adam."""

    name: Literal["adam"]
    lr: float = Field(gt=0)
    betas: tuple[Annotated[float, Field(ge=0, lt=1)], Annotated[float, Field(ge=0, lt=1)]]


class RMSpropRecipe(Section):
    """RMSprop with PyTorch's smoothing of 0.99."""

    name: Literal["rmsprop"]
    lr: float = Field(gt=0)


class TrainingRecipe(Section):
    """Length and rhythm. One step is one step of the discriminator; exactly one of epochs and steps is given."""

    batch: int = Field(64, ge=2)
    epochs: float | None = Field(None, gt=0)
    steps: int | None = Field(None, ge=1)
    n_critic: int = Field(1, ge=1)
    clip_grad_norm: float | None = Field(None, gt=0)
    average: float | None = Field(None, ge=0, lt=1)  # 0: none, as if it were not there
    precision: Literal["fp32", "tf32", "bf16"] = "fp32"
    seed: int = Field(0, ge=0)


class DataRecipe(Section):
    """What happens to the images."""

    flip: bool = False


class Recipe(Section):
    """A whole recipe."""

    variant: str
    preset: str
    title: str
    source: str = ""
    model: ModelRecipe
    objective: BCERecipe | ClipRecipe | PenaltyRecipe | StyleGAN2Recipe = Field(discriminator="name")
    optimizer: AdamRecipe | RMSpropRecipe = Field(discriminator="name")
    training: TrainingRecipe
    data: DataRecipe = DataRecipe()

    def flat(self) -> dict[str, Any]:
        """Return ``{"optimizer.lr": 1e-4, ...}`` without what is not set."""
        values = {}
        for section, content in self.model_dump(mode="json", exclude_none=True).items():
            if isinstance(content, dict):
                values |= {f"{section}.{key}": value for key, value in content.items()}
            else:
                values[section] = content
        for key in _NOT_OF[self.model.name]:
            values.pop(f"model.{key}")
        return values

    def to_toml(self) -> str:
        """Return the recipe, complete and without reference to others."""
        nested: dict[str, Any] = {}
        for key, value in self.flat().items():
            section, _, name = key.partition(".")
            if name:
                nested.setdefault(section, {})[name] = value
            else:
                nested[section] = value
        return tomlkit.dumps(nested)

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
        UnknownName: no such variant, preset or key.
        GanbenchError: not TOML, or a value that is not allowed.
    """
    if preset not in PRESETS:
        raise UnknownName(f"unknown preset {preset!r}.{did_you_mean(preset, list(PRESETS))}")
    data = _read(variant)
    presets = data.pop("preset", {})
    data = _merge(data, presets.get(preset, {})) if isinstance(presets, dict) else data
    for text in overrides:
        data = _override(data, text)
    name = Path(variant).stem if variant.endswith(".toml") else variant
    recipe = validate(data | {"variant": data.get("variant", name), "preset": preset}, variant)
    for key in _NOT_OF[recipe.model.name]:
        if key in data["model"]:
            raise GanbenchError(f"recipe {name}: the model {recipe.model.name} has no model.{key}")
    return recipe


def load_resolved(path: Path) -> Recipe:
    """Load the complete recipe that a run folder keeps."""
    return validate(_parse(path), str(path))


def validate(data: dict[str, Any], label: str) -> Recipe:
    """Turn plain data into a recipe.

    Raises:
        GanbenchError: unknown keys (with the nearest known one) or values that are not allowed.
    """
    _check_sections(data, label)
    try:
        recipe = Recipe.model_validate(data)
    except ValidationError as e:
        raise GanbenchError(f"recipe {label}: " + "; ".join(_explain(error) for error in e.errors())) from e
    if (recipe.training.epochs is None) == (recipe.training.steps is None):
        raise GanbenchError(f"recipe {label}: give exactly one of training.epochs and training.steps")
    return recipe


def _check_sections(data: dict[str, Any], label: str) -> None:
    """Refuse a file without the form of a recipe before anything is said of its values."""
    sections = ", ".join(f"[{section}]" for section in _SECTIONS)
    for key in data:
        if key not in Recipe.model_fields:
            near = [known for known in known_keys() if known.endswith(f".{key}")] or get_close_matches(key, _SECTIONS)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise UnknownName(f"recipe {label}: unknown key {key!r}.{hint} Sections: {sections}")
    absent = [section for section in _SECTIONS if section != "data" and section not in data]
    if absent:
        raise GanbenchError(
            f'recipe {label}: no section [{absent[0]}]. Sections: {sections}; extends = "dcgan" takes them from there'
        )


def _explain(error: dict[str, Any]) -> str:
    where = ".".join(str(part) for part in error["loc"])
    if error["type"] == "missing":
        return f"{where}: {error['msg']}"
    if error["type"] != "extra_forbidden":
        return f"{where}: {error['msg']}, got {error.get('input')!r}"
    # A discriminated union puts the chosen member's name into the location: objective, wgan-clip, key.
    path = [str(part) for part in error["loc"]]
    key = f"{path[0]}.{path[-1]}" if len(path) > 1 else path[0]
    return f"unknown key {key}.{did_you_mean(key, known_keys())}"


def known_keys() -> list[str]:
    """Return every key that a recipe may set, as ``section.name``."""
    keys = (f"{section}.{name}" for section in _SECTIONS for kind in _kinds(section) for name in kind.model_fields)
    return list(dict.fromkeys(keys))


def _kinds(section: str) -> list[type[Section]]:
    """Return the classes that a section may be of."""
    annotation = Recipe.model_fields[section].annotation
    return list(get_args(annotation)) or [annotation]


def _read(variant: str, seen: tuple[str, ...] = ()) -> dict[str, Any]:
    """Read a recipe and what it extends."""
    if variant in seen:
        raise GanbenchError(f"recipe {variant} extends itself: {' -> '.join([*seen, variant])}")
    if variant.endswith(".toml"):
        path = Path(variant)
    else:
        if variant not in recipe_names():
            raise UnknownName(f"unknown variant {variant!r}.{did_you_mean(variant, recipe_names())}")
        path = FOLDER / f"{variant}.toml"
    data = _parse(path)
    parent = data.pop("extends", None)
    if parent is None:
        return data
    base = _read(parent, (*seen, variant))
    base.pop("source", None)
    base.pop("variant", None)
    return _merge(base, data)


def _parse(path: Path) -> dict[str, Any]:
    try:
        data = tomlkit.parse(path.read_text("utf-8")).unwrap()
    except OSError as e:
        raise GanbenchError(f"cannot read the recipe {path}: {e.strerror}") from e
    except (ParseError, UnicodeDecodeError) as e:
        raise GanbenchError(f"{path} is not a TOML recipe: {e}") from e
    for section in _SECTIONS:
        if not isinstance(data.get(section, {}), dict):
            raise GanbenchError(f"recipe {path}: {section} = {data[section]!r}; it is a section: [{section}]")
    return data


def _merge(base: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    """Return base with the changes; a section that changes its ``name``, and the length of a run, start afresh."""
    merged = dict(base)
    for key, value in change.items():
        old = merged.get(key)
        both = isinstance(value, dict) and isinstance(old, dict)
        if not both or (key != "preset" and value.get("name", old.get("name")) != old.get("name")):
            merged[key] = value
        else:
            if key == "training" and {"epochs", "steps"} & set(value):
                old = {k: v for k, v in old.items() if k not in ("epochs", "steps")}
            merged[key] = _merge(old, value)
    return merged


def _override(data: dict[str, Any], text: str) -> dict[str, Any]:
    key, equals, value = text.partition("=")
    section, dot, name = key.strip().partition(".")
    if not (equals and dot and name):
        raise GanbenchError(f"--set {text}: expected section.key=value, such as optimizer.lr=2e-4")
    if key.strip() not in known_keys():
        raise UnknownName(f"--set {text}: unknown key {key.strip()!r}.{did_you_mean(key.strip(), known_keys())}")
    try:
        parsed = tomlkit.parse(f"value = {value.strip()}").unwrap()["value"]
    except ParseError:
        parsed = value.strip()  # a bare word: model.norm=instance
    if section == "training" and name in ("epochs", "steps"):
        return _merge(data, {section: {name: parsed}})
    old = data.get(section, {})
    if name == "name":  # another optimizer, say: what it has not got goes
        kinds = [kind for kind in _kinds(section) if parsed in get_args(kind.model_fields["name"].annotation)]
        known = {key for kind in kinds for key in kind.model_fields} - set(_NOT_OF.get(str(parsed), ()))
        old = {key: value for key, value in old.items() if key in known}
    return data | {section: {**old, name: parsed}}
