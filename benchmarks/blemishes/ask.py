"""The one place that calls what is judged."""

from __future__ import annotations

from typing import Any

import numpy as np

import ganbench
from ganbench.features.registry import load_extractor
from ganbench.references.reference import Reference
from ganbench.references.resolve import resolve_references


def known_reference() -> Reference:
    """Return the reference that ships with ganbench and that ``explain`` takes by itself."""
    spec = load_extractor("lite0").spec

    def refuse(*_: object) -> Reference:
        raise AssertionError("a reference that ships is not built")

    return resolve_references([], [spec], refuse, all_known=False)[0]["lite0"]


def start() -> None:
    """Load in a new process what the first call would load."""
    load_extractor("lite0")


def explain(images: np.ndarray) -> list[dict[str, Any]]:
    """Return the findings of a set, strongest first, as ``explain --json`` writes them, without texts and pictures."""
    told = ganbench.explain(images, cache=False).to_dict()["findings"]
    return [{name: finding[name] for name in ("kind", "effect", "low", "high")} for finding in told]
