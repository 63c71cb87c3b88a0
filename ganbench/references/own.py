"""What a reference's own images show of each other: what an honest set would, where no real images were held out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ganbench.metrics.blends import blends, explain
from ganbench.metrics.copies import judge_own
from ganbench.metrics.near_duplicates import near_duplicates, repeats
from ganbench.references.reference import Reference
from ganbench.statistics.collector import shuffled
from ganbench.statistics.index import ImageIndex
from ganbench.statistics.known import HeldOut
from ganbench.statistics.signatures import SIGNATURE

COUNT = 1000  # images that are looked at, as many as an assignment asks for
_SEED = 0  # of their choice, whatever that of the scoring: what is usual is the reference's own


def own_images(reference: Reference) -> HeldOut | None:
    """Return what the images of a reference show of each other; None where it remembers none, or in another form.

    Each is judged as if it were not among them. Kept in the cache with the reference: it is the same for every set.
    """
    index = reference.index
    if index is None or len(index) < 2 or index.form != SIGNATURE:
        return None
    counts = reference.features.lasting(f"own images v2 {COUNT} {_SEED}", lambda: _counts(index))
    n, copies, nearer, repeated, blended = (int(count) for count in counts)
    return HeldOut(n, copies, nearer, repeated, blended, is_known=True)


def _counts(index: ImageIndex) -> np.ndarray:
    """Return how many images were looked at, and how many are copies, nearer, repeated, and blended, (5,) float64."""
    rows = np.sort(shuffled(len(index), _SEED)[:COUNT])
    verdicts = judge_own(index, rows)
    repeated = repeats(index.codes[rows], index.signatures[rows])
    blended = explain(index.signatures, index.signatures[rows], rows).told
    return np.array([len(rows), *(one.sum() for one in (verdicts.copied, verdicts.nearer, repeated, blended))], float)


def described(own: HeldOut) -> Mapping[str, Any]:
    """Return it as a scorecard says it, in the form of what held-out images show."""
    figures = {
        metric.name: {"value": count / own.n, "n": own.n, "version": metric.version}
        for metric, count in ((near_duplicates, own.repeated), (blends, own.blended))
        if count is not None
    }
    return {"images": own.n, "copies": own.copies, "nearer": own.nearer, "figures": figures}
