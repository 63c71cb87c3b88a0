"""What an audit works with for metrics that compare pixels: it has a real side of its own, under no extractor.

The images are those of the first extractor, cut in the same way, and so are the kinds that they fall into. Being
material of its own, it is worked on by itself: what was measured under extractors before stays as it is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np

from ganbench.audit.material import Material
from ganbench.errors import MetricError
from ganbench.images.source import Source
from ganbench.metrics.registry import METRICS
from ganbench.references.real_pixels import RealPixels, resolve_pixels
from ganbench.scoring.options import ScoreOptions
from ganbench.scoring.plan import Instrument
from ganbench.statistics.packets import TRANSFORM, packet_level
from ganbench.system.cluster import Site
from ganbench.system.notes import Note


def material_of_pixels(
    options: ScoreOptions, names: Sequence[str], first: Material, site: Site | None, note: Note
) -> tuple[Material | None, list[str]]:
    """Return the material of metrics that compare pixels with real ones, and what a reader must know.

    Args:
        options: the references, and how images are read.
        names: of all metrics that are tried.
        first: the material of the first extractor, with its images.
        site: where many images are looked at; None: in this process.
        note: told when what was seen cannot be kept.

    Returns:
        No material where no metric asks for it, or there is no real side; one line says why.

    Raises:
        GanbenchError: images that cannot be read, or a reference of images of another size.
    """
    mine = tuple(name for name in names if METRICS[name].needs == "packets")
    if not mine:
        return None, []
    images = cast(Source, first.images)
    real, why = _real_side(options, first, site, note)
    if real is None:
        return None, [f"{name} was left out: {why}" for name in mine]
    real.require_size(images.image_size())
    texts = (TRANSFORM, real.identity(), first.instrument.identity, images.digest())
    key = hashlib.sha256("\n".join(texts).encode("utf-8", "surrogatepass")).hexdigest()
    instrument = Instrument("pixels", "pixels", "pixels")
    return replace(
        first, instrument=instrument, metrics=mine, others=None, known=None, packets=real.packets, key=key
    ), []  # fmt: skip


def _real_side(options: ScoreOptions, first: Material, site: Site | None, note: Note) -> tuple[RealPixels | None, str]:
    """Return what the pixels of the real side say, or None and the reason."""

    def build(source: Source) -> RealPixels:
        return RealPixels.build(source, cache=options.cache, note=note, site=site)

    def opened(one: str | Path | np.ndarray | Source) -> RealPixels:
        return build(options.open_real(one))

    if options.references:
        return resolve_pixels(options.references, (), opened)
    source = cast(Source, first.real_images)
    try:
        packet_level(*source.image_size())
    except MetricError as e:
        return None, str(e)
    return build(source), ""
