"""The page of what sources share: every pair, and the images side by side."""

from __future__ import annotations

import datetime
import functools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image

import ganbench
from ganbench.errors import GanbenchError
from ganbench.images.source import Source
from ganbench.overlap.result import Overlap, Pair, Shared
from ganbench.report.pictures import Picture, image_of, sheet_of
from ganbench.report.templates import environment
from ganbench.system.progress import track

PICTURED = 60  # pairs whose images are shown: those that share most
SHOWN = 24  # images shown of a pair
_OPEN = 16  # sources that are held open


@dataclass(frozen=True)
class _Side:
    """Two images side by side."""

    picture: Picture
    shared: Shared


@dataclass(frozen=True)
class _Pictures:
    """What is shown of a pair; ``reason`` says why there is nothing."""

    pair: Pair
    sides: list[_Side]
    reason: str


def make_overlap_page(found: Overlap, opened: Callable[[str], Source], *, dated: bool = True) -> str:
    """Return the page; everything it shows is inside the one file.

    Args:
        found: what sources share.
        opened: opens a source by its label, as it was compared.
        dated: whether it says of which day it is.
    """
    opened = functools.lru_cache(_OPEN)(opened)
    pictured = found.pairs[:PICTURED]
    pictures = []
    with track("page", len(pictured), unit="pairs") as advance:
        for pair in pictured:
            pictures.append(_pictures(pair, opened))
            advance(1)
    return (
        environment()
        .get_template("overlap.html")
        .render(
            found=found,
            lines=[_line(pair) for pair in found.pairs],
            pictures=pictures,
            version=ganbench.__version__,
            today=datetime.date.today().isoformat() if dated else "",
        )
    )


def _line(pair: Pair) -> list[str]:
    low, high = pair.interval
    return [pair.a, pair.b, f"{pair.shared:,}", f"{pair.share:.1%}", f"{low:.1%} to {high:.1%}", f"{pair.equal:,}"]


def _pictures(pair: Pair, opened: Callable[[str], Source]) -> _Pictures:
    try:
        a, b = opened(pair.a), opened(pair.b)
        sides = []
        for shared in pair.images[:SHOWN]:
            left = image_of(a, shared.a_index)
            right = image_of(b, shared.b_index)
            if left.shape != right.shape:
                right = np.asarray(Image.fromarray(right).resize(left.shape[1::-1], Image.Resampling.BICUBIC))
            sides.append(_Side(sheet_of(np.stack([left, right]), columns=2), shared))
    except GanbenchError as e:
        return _Pictures(pair, [], str(e))
    return _Pictures(pair, sides, "")
