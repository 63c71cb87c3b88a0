"""ganbench: score, train and diagnose GANs on anime faces.

``import ganbench`` is cheap: what the names below need is imported when one of them is first used.
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

_PUBLIC = {
    "score": "ganbench.scoring.score",
    "Scorecard": "ganbench.scoring.scorecard",
    "Reference": "ganbench.references.reference",
    "GradNormProbe": "ganbench.diagnostics.gradnorm",
    "open_source": "ganbench.images.sources",
    "GanbenchError": "ganbench.errors",
}

__all__ = ["__version__", *_PUBLIC]


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'ganbench' has no attribute {name!r}")
    return getattr(importlib.import_module(_PUBLIC[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
