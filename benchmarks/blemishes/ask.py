"""The one place that calls what is judged."""

from __future__ import annotations

from typing import Any

import numpy as np
from cheats.files import decoded
from cheats.files import jpeg as as_jpeg

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


def explain(images: np.ndarray, jpeg: int | None = None) -> list[dict[str, Any]]:
    """Return the findings of a set, strongest first, as ``explain --json`` writes them, without texts and pictures.

    Args:
        images: the set, (n, H, W, 3) uint8.
        jpeg: save every image as JPEG of this quality first; that this is found says nothing of the fault, and is left
            out.
    """
    given = images if jpeg is None else np.stack([decoded(as_jpeg(image, jpeg)) for image in images])
    told = ganbench.explain(given, cache=False).to_dict()["findings"]
    shown = [finding for finding in told if jpeg is None or finding["kind"] != "jpeg"]
    return [{name: finding[name] for name in ("kind", "effect", "low", "high")} for finding in shown]
