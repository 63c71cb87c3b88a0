"""What scorecards keep of everything that decides their numbers, as plain data: of the images, and of the instruments.

The protocol column says it in a line for people, and leaves out what follows from a version. Programs that compare
two scorecards want every choice by itself (``ganbench explain-protocol``).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from pathlib import PurePath
from typing import Any

from ganbench.detectors.base import Detector
from ganbench.features.extractor import Extractor
from ganbench.features.observers import Elsewhere
from ganbench.features.registry import arithmetic_of
from ganbench.images.decode import DECODE_RULES, EXTENSIONS
from ganbench.images.source import Source
from ganbench.system.code import foreign_code


def stated_extractor(extractor: Extractor | Elsewhere, asked: str) -> dict[str, Any]:
    """Return all that decides the features of an extractor.

    Args:
        extractor: the extractor.
        asked: what the user called it.
    """
    spec = extractor.spec
    return {
        "kind": "extractor",
        "protocol": spec.protocol,
        **spec.stated(),
        **arithmetic_of(asked, spec),
        **({"code": spec.code} if spec.code else {}),
        **({"asked": asked} if asked != spec.name else {}),
        "runtime": extractor.runtime,  # features from the cache may have been computed by another
    }


def stated_detector(detector: Detector) -> dict[str, Any]:
    """Return all that decides the answers of a detector."""
    code = foreign_code(type(detector))
    return {
        "kind": "detector",
        "protocol": detector.protocol,
        "name": detector.name,
        "version": detector.version,
        "settings": asdict(detector.settings),
        "pinned": list(detector.pinned()),
        "identity": detector.identity,
        **({"code": code} if code else {}),
    }


def stated_images(source: Source) -> dict[str, Any]:
    """Return how images were read: the kinds of their files, how they are decoded, and what else shapes their pixels.

    No crop is made anywhere in ganbench; it is stated because other tools make one.
    """
    from PIL import features

    kinds = Counter(PurePath(name).suffix.lower() for name in source.names)
    turbo = features.version("libjpeg_turbo")
    jpeg = f"libjpeg-turbo {turbo}" if turbo else f"libjpeg {features.version('jpg')}"
    return {
        "files": {kind: kinds[kind] for kind in sorted(EXTENSIONS) if kinds[kind]},
        "decoding": {"rules": DECODE_RULES, "jpeg": jpeg, "webp": features.version("webp")},
        "crop": None,
        **source.shaping,
    }
