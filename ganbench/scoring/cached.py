"""Scorecards in the cache: the very same images, scored in the very same way, are not scored again."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import replace
from pathlib import Path

from ganbench.errors import GanbenchError
from ganbench.images.source import Source
from ganbench.scoring.plan import Plan
from ganbench.scoring.score import score_source
from ganbench.scoring.scorecard import Scorecard
from ganbench.system.storage import atomic_write, cache_dir, evict

_LOG = logging.getLogger(__name__)

LIMIT_BYTES = 256 << 20  # of all scorecards kept


def score_cached(source: Source, plan: Plan) -> Scorecard:
    """Return the scorecard of the images, from the cache if it is there (and the plan allows a cache).

    Raises:
        GanbenchError: as ``score_source``.
    """
    if not plan.options.cache:
        return score_source(source, plan)
    name = hashlib.sha256("\n".join([source.digest(), plan.key, *plan.notes, *source.notes]).encode()).hexdigest()
    path = cache_dir() / "scorecards" / f"{name}.json"
    card = _load(path)
    _LOG.info("%s: the scorecard is %s", source.label, "made" if card is None else f"in the cache, {path}")
    if card is None:
        card = score_source(source, plan)
        return _keep(path, card)
    return replace(card, source=card.source | {"label": source.label})  # the same images may be called otherwise


def _load(path: Path) -> Scorecard | None:
    try:
        return Scorecard.read(path)
    except GanbenchError:
        return None  # absent or damaged: made anew


def _keep(path: Path, card: Scorecard) -> Scorecard:
    """Keep a scorecard, and return it: with a warning more where it could not be kept."""
    try:
        with atomic_write(path, "w") as f:
            f.write(card.to_json())
        evict(path.parent, LIMIT_BYTES, keep=path)
    except (GanbenchError, OSError) as e:
        return replace(card, warnings=[*card.warnings, f"the scorecard was not cached: {e}"])
    return card
