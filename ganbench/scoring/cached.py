"""Scorecards in the cache: the very same images, scored in the very same way, are not scored again."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import replace

from ganbench.images.source import Source
from ganbench.scoring.plan import Plan
from ganbench.scoring.score import score_source
from ganbench.scoring.scorecard import Scorecard
from ganbench.system.cache import Cache, is_remark
from ganbench.system.container import Content

_LOG = logging.getLogger(__name__)

_FORM = "instruments and own images stated"  # raised when a card says more: cards that are kept would lack it
_CACHE = Cache("scorecards", "the scorecard", 256 << 20)


def score_cached(source: Source, plan: Plan) -> Scorecard:
    """Return the scorecard of the images, from the cache if it is there (and the plan allows a cache).

    Raises:
        GanbenchError: as ``score_source``.
    """
    if not plan.options.cache:
        return score_source(source, plan)
    # A scorecard names images, in warnings and row by row: the digest is of what they show alone.
    notes = [text for text in (*plan.notes, *source.notes) if not is_remark(text)]
    parts = [_FORM, source.digest(), plan.key, *notes, "", *source.names]
    key = hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
    remarks: list[str] = []
    card = _CACHE.load(key, _parse, remarks.append)
    _LOG.info("%s: the scorecard is %s", source.label, "made" if card is None else "in the cache")
    if card is None:
        card = score_source(source, plan)
        # What was said about caches is true of this once; the card that is kept is about the images alone.
        lasting = replace(card, warnings=[text for text in card.warnings if not is_remark(text)])
        _CACHE.keep(key, lasting.to_json().encode(), remarks.append)
    else:
        card = replace(card, source=card.source | {"label": source.label})  # the same images may be called otherwise
    return replace(card, warnings=[*card.warnings, *remarks])


def _parse(content: Content) -> Scorecard:
    return Scorecard.from_json(bytes(content.payload).decode())
