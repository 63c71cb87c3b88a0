"""Settings of detectors: a frozen dataclass declares them once; here they are given by name, checked and shown."""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import MISSING, Field, dataclass, fields, replace
from numbers import Integral, Real
from typing import Any, get_type_hints

from ganbench.errors import GanbenchError
from ganbench.registry import did_you_mean

# Settings with an option of their own: --conf C is --detector-set conf=C.
SHORT_FORMS = ("conf", "iou", "imgsz", "layout")

_WORDS = {"yes": True, "true": True, "on": True, "no": False, "false": False, "off": False}
_KINDS = {bool: "yes or no", int: "a whole number", float: "a number", str: "text"}


@dataclass(frozen=True)
class NoSettings:
    """Settings of a detector that has none."""


def spelled(name: str, value: object) -> str:
    """Return a setting as it is typed: ``--conf 0.5``, or ``--detector-set least=0.2``."""
    text = _text(value)
    return f"--{name} {text}" if name in SHORT_FORMS else f"--detector-set {name}={text}"


def bad_setting(name: str, value: object, expected: str) -> GanbenchError:
    """Return the error for a value that makes no sense, to be raised in ``__post_init__`` of the settings.

    Args:
        name: of the setting.
        value: what was given.
        expected: what is wanted, such as ``a number between 0 and 1``.
    """
    return GanbenchError(f"{spelled(name, value)}: expected {expected}")


def resolve(defaults: Any, given: Mapping[str, object], detector: str) -> Any:
    """Return the settings with the given values in place of their defaults.

    Args:
        defaults: the detector's settings, a dataclass.
        given: values by name; text is read as the setting's type.
        detector: its name, for messages.

    Raises:
        GanbenchError: no such setting, a value of another type, or one that the detector refuses.
    """
    kinds = kinds_of(type(defaults), detector)
    for name in given:
        if name not in kinds:
            has = f"It has: {', '.join(kinds)}." if kinds else "It has none."
            near = did_you_mean(name, list(kinds)) if kinds else ""
            hint = near if near.startswith(" Did") else ""
            option = f"--{name}" if name in SHORT_FORMS else f"--detector-set {name}"
            raise GanbenchError(f"{option}: the detector {detector} has no such setting.{hint} {has}")
    values = {name: _read(name, value, kinds[name]) for name, value in given.items()}
    try:
        return replace(defaults, **values)
    except GanbenchError:
        raise
    except Exception as e:  # somebody else's check: whatever it raises is to be shown with its place
        raise GanbenchError(f"the detector {detector} refuses its settings: {type(e).__name__}: {e}") from e


def kinds_of(settings: type, detector: str) -> dict[str, type]:
    """Return the names and types of all settings, after checking how they are declared.

    Raises:
        GanbenchError: no frozen dataclass, a setting without default, or one of a type that cannot be typed in.
    """
    parameters = getattr(settings, "__dataclass_params__", None)
    if parameters is None or not parameters.frozen:
        raise GanbenchError(f"the detector {detector}: its Settings must be a frozen dataclass")
    try:
        hints = get_type_hints(settings)
    except Exception as e:  # evaluates annotations of somebody else's
        raise GanbenchError(f"the detector {detector}: the types of its Settings cannot be read ({e})") from e
    for one in fields(settings):
        if hints[one.name] not in _KINDS:
            raise GanbenchError(f"the detector {detector}: its setting {one.name} must be a bool, int, float or str")
        if not _has_default(one):
            raise GanbenchError(f"the detector {detector}: its setting {one.name} needs a default")
    return {one.name: hints[one.name] for one in fields(settings)}


def shown(settings: Any) -> list[str]:
    """Return every setting with its value, as protocols show them: ``["conf 0.25", "min size 0.5"]``.

    Text that is left empty is no choice, and not shown.
    """
    values = {one.name.replace("_", " "): getattr(settings, one.name) for one in fields(settings)}
    return [f"{name} {_text(value)}" for name, value in values.items() if value != ""]


def _has_default(one: Field[Any]) -> bool:
    return one.default is not MISSING or one.default_factory is not MISSING


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and float(f"{value:g}") == value:
        return f"{value:g}"
    return str(value)  # every digit: what differs must not look the same


def _read(name: str, value: Any, kind: type) -> object:
    """Return a value as the setting's type.

    Raises:
        GanbenchError: it is of another type.
    """
    is_text, is_bool = isinstance(value, str), isinstance(value, bool)
    found: object = None
    if kind is str and is_text:
        found = value
    elif kind is bool:
        found = _WORDS.get(value.lower()) if is_text else value if is_bool else None
    elif kind is int and not is_bool and (is_text or isinstance(value, Integral)):
        with suppress(ValueError):
            found = int(value)
    elif kind is float and not is_bool and (is_text or isinstance(value, Real)):
        with suppress(ValueError):
            found = float(value) if math.isfinite(float(value)) else None
    if found is None:
        raise bad_setting(name, value, _KINDS[kind])
    return found
