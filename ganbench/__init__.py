"""ganbench: score, train and diagnose GANs on anime faces.

``import ganbench`` is cheap: what the names below need is imported when one of them is first used.
"""

from __future__ import annotations

import importlib
import logging
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # what a type checker and an editor see; at run time __getattr__ answers
    from ganbench import overlap as overlap
    from ganbench import selftest as selftest
    from ganbench.comparison.compare import compare as compare
    from ganbench.diagnostics.gradnorm import GradNormProbe as GradNormProbe
    from ganbench.diagnostics.plot import plot_gradnorm as plot_gradnorm
    from ganbench.errors import GanbenchError as GanbenchError
    from ganbench.explanation.explain import explain as explain
    from ganbench.images.sources import open_source as open_source
    from ganbench.leaderboard.results import load_results as load_results
    from ganbench.protocols.explain import explain_protocol as explain_protocol
    from ganbench.references.reference import Reference as Reference
    from ganbench.scoring.score import score as score
    from ganbench.scoring.scorecard import Scorecard as Scorecard

__version__ = "0.1.0"

_PUBLIC = {
    "compare": "ganbench.comparison.compare",
    "score": "ganbench.scoring.score",
    "explain": "ganbench.explanation.explain",
    "explain_protocol": "ganbench.protocols.explain",
    "Scorecard": "ganbench.scoring.scorecard",
    "Reference": "ganbench.references.reference",
    "GradNormProbe": "ganbench.diagnostics.gradnorm",
    "plot_gradnorm": "ganbench.diagnostics.plot",
    "load_results": "ganbench.leaderboard.results",
    "open_source": "ganbench.images.sources",
    "GanbenchError": "ganbench.errors",
}
_ROOMS = ("overlap", "selftest")  # whose names go by theirs: ganbench.overlap.find

__all__ = [
    "GanbenchError",
    "GradNormProbe",
    "Reference",
    "Scorecard",
    "__version__",
    "compare",
    "explain",
    "explain_protocol",
    "load_results",
    "open_source",
    "overlap",
    "plot_gradnorm",
    "score",
    "selftest",
]

# A library is silent until its user asks; ``ganbench -v`` and ``logging.basicConfig()`` ask.
logging.getLogger("ganbench").addHandler(logging.NullHandler())


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return importlib.import_module(f"ganbench.{name}")
    if name not in _PUBLIC:
        raise AttributeError(f"module 'ganbench' has no attribute {name!r}")
    return getattr(importlib.import_module(_PUBLIC[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
