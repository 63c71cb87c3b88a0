"""Recipes as plain data: TOML files read, laid over each other, and changed by ``--set``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ganbench.errors import GanbenchError, UnknownName
from ganbench.registry import did_you_mean
from ganbench.system.parse import MOST_TOML_BYTES, parse_toml, read_text, shown
from ganbench.system.wall import wall
from ganbench.training.sections import NAMED, SECTIONS, kind_of, known_keys, unknown_key

PRESETS = ("paper", "cpu", "probe", "smoke")


def parse(path: Path) -> dict[str, Any]:
    """Read a recipe's file.

    Raises:
        UnknownName: presets that there are none of.
        GanbenchError: unreadable, not TOML, or without the form of a recipe.
    """
    with wall(lambda why: GanbenchError(f"{path} is not a TOML recipe: {why}")):
        try:
            data = parse_toml(read_text(path, MOST_TOML_BYTES))
        except OSError as e:
            raise GanbenchError(f"cannot read the recipe {path}: {e.strerror}") from e
    check_tables(data, str(path))
    if not isinstance(data.get("extends", ""), str):
        raise GanbenchError(f"recipe {path}: extends = {shown(data['extends'])}; it names a variant or a .toml file")
    if not isinstance(data.get("preset"), dict):
        return data  # the complete recipe of a run says which preset it is of
    for preset, content in data["preset"].items():
        if preset not in PRESETS:
            raise UnknownName(f"recipe {path}: unknown preset {shown(preset)}.{did_you_mean(preset, list(PRESETS))}")
        if not isinstance(content, dict):
            raise GanbenchError(
                f"recipe {path}: preset.{preset} = {shown(content)}; it has sections, such as [preset.{preset}.model]"
            )
        check_tables(content, f"{path}, preset {preset}")
    return data


def check_tables(data: dict[str, Any], label: str) -> None:
    """Refuse data whose sections are no sections.

    Raises:
        GanbenchError: such as ``model = 3``.
    """
    for section in SECTIONS:
        if not isinstance(data.get(section, {}), dict):
            raise GanbenchError(f"recipe {label}: {section} = {shown(data[section])}; it is a section: [{section}]")


def extend(base: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    """Return a recipe with the changes of one that extends it.

    A section that changes its ``name`` starts afresh, in the presets too: what the parent's presets say is of what it
    named.
    """
    renamed = [section for section in NAMED if _renames(base.get(section, {}), change.get(section, {}))]
    presets = {
        preset: {key: value for key, value in content.items() if key not in renamed}
        for preset, content in base.get("preset", {}).items()
    }
    return merge(base | ({"preset": presets} if presets else {}), change)


def merge(base: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    """Return base with the changes; a section that changes its ``name``, and the length of a run, start afresh."""
    merged = dict(base)
    for key, value in change.items():
        old = merged.get(key)
        if not (isinstance(value, dict) and isinstance(old, dict)) or (key != "preset" and _renames(old, value)):
            merged[key] = value
            continue
        if key == "training" and {"epochs", "steps"} & set(value):
            old = {k: v for k, v in old.items() if k not in ("epochs", "steps")}
        merged[key] = merge(old, value)
    return merged


def _renames(old: dict[str, Any], new: dict[str, Any]) -> bool:
    return bool(new.get("name", old.get("name")) != old.get("name"))


def override(data: dict[str, Any], texts: list[str] | tuple[str, ...]) -> dict[str, Any]:
    """Return a recipe with ``key=value`` texts applied in order; names come first, for the keys depend on them.

    Raises:
        UnknownName: a key that the recipe has not got, or a name that is none.
        GanbenchError: a text of another form, or a model or objective that cannot be taken.
    """
    for text in sorted(texts, key=lambda text: not text.partition("=")[0].strip().endswith(".name")):
        try:
            data = _override(data, text)
        except GanbenchError as e:
            raise type(e)(f"--set {text}: {e}") from e
    return data


def _override(data: dict[str, Any], text: str) -> dict[str, Any]:
    key, equals, value = (part.strip() for part in text.partition("="))
    section, dot, name = key.partition(".")
    if not (equals and dot and name):
        raise GanbenchError("expected section.key=value, such as optimizer.lr=2e-4")
    if section not in SECTIONS:
        raise UnknownName(f"unknown key {key!r}.{did_you_mean(key, known_keys(data))}")
    try:
        with wall(GanbenchError):
            parsed = parse_toml(f"value = {value}")["value"]
    except GanbenchError:
        parsed = value  # a bare word: model.norm=instance
    old = data.get(section, {})
    if section in NAMED and name == "name":  # another optimizer, say: what it has not got goes
        known = kind_of(section, parsed).model_fields
        return data | {section: {key: kept for key, kept in old.items() if key in known} | {name: parsed}}
    kind = kind_of(section, old.get("name"))
    if name not in kind.model_fields:
        raise UnknownName(unknown_key(section, name, kind, old.get("name")))
    return merge(data, {section: {name: parsed}})
