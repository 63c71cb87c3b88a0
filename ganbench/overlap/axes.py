"""The axes of the codes: those of the shipped reference, the same for everybody, so that what is kept stays of use."""

from __future__ import annotations

from ganbench.errors import ReferenceError
from ganbench.overlap.looked import EXTRACTOR
from ganbench.references.interop import open_reference
from ganbench.references.library import DEFAULT_NAME, find_reference
from ganbench.statistics.projection import Projection


def shipped_axes() -> Projection:
    """Return the projection of the shipped reference.

    Raises:
        ReferenceError: it is damaged, or an older file of the same name stands before it.
    """
    file = find_reference(DEFAULT_NAME, EXTRACTOR)
    if file is None:
        raise ReferenceError(f"no reference {DEFAULT_NAME} for {EXTRACTOR}: install ganbench anew")
    return Projection.of(open_reference(file).features.moments)
