"""The page of what sources share: every pair, and the images side by side."""

from __future__ import annotations

import datetime
import functools
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

import ganbench
from ganbench.errors import GanbenchError
from ganbench.images.source import Source
from ganbench.overlap.result import Overlap, Pair, Shared
from ganbench.report.pictures import Picture, image_of, sheet_of
from ganbench.report.templates import environment
from ganbench.system.cache import Cache
from ganbench.system.code import code_of
from ganbench.system.container import Content
from ganbench.system.progress import track

PICTURED = 60  # pairs whose images are shown: those that share most
SHOWN = 24  # images shown of a pair
LISTED = 30  # pairs in the first table; the others are folded
OPENED = 4  # pairs whose images are not folded
_OPEN = 16  # sources that are held open
_CACHE = Cache("pairs", "pictures of what two sources share", 1 << 27)
_PACKAGE = Path(__file__).parents[1]


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


def make_overlap_page(
    found: Overlap,
    opened: Callable[[str], Source],
    *,
    dated: bool = True,
    content_of: Callable[[str], str] | None = None,
) -> str:
    """Return the page; everything it shows is inside the one file.

    Args:
        found: what sources share.
        opened: opens a source by its label, as it was compared.
        dated: whether it says of which day it is.
        content_of: a hash of all that a source is, by its label; pictures of pairs that were shown before are then
            taken from a cache. None: all are made.
    """
    opened = functools.lru_cache(_OPEN)(opened)
    pictured = found.pairs[:PICTURED]
    pictures = []
    with track("page", len(pictured), unit="pairs") as advance:
        for pair in pictured:
            pictures.append(_pictures(pair, opened) if content_of is None else _kept(pair, opened, content_of))
            advance(1)
    return (
        environment()
        .get_template("overlap.html")
        .render(
            found=found,
            lines=[_line(pair) for pair in found.pairs],
            pictures=pictures,
            LISTED=LISTED,
            OPEN=OPENED,
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


def _kept(pair: Pair, opened: Callable[[str], Source], content_of: Callable[[str], str]) -> _Pictures:
    """Return pictures of a pair, from the cache if they are there."""
    shown = pair.images[:SHOWN]
    places = [(shared.a_index, shared.b_index) for shared in shown]
    try:
        parts = (content_of(pair.a), content_of(pair.b), json.dumps(places), _code())
    except GanbenchError:  # it cannot be read any more: the page says so
        return _pictures(pair, opened)
    key = hashlib.sha256("\n".join(parts).encode()).hexdigest()
    known = _CACHE.load(key, _parse)
    if known is not None and len(known) == len(shown):
        return _Pictures(pair, [_Side(*both) for both in zip(known, shown, strict=True)], "")
    made = _pictures(pair, opened)
    if not made.reason:
        _CACHE.keep(key, json.dumps([vars(side.picture) for side in made.sides]).encode())
    return made


def _parse(content: Content) -> list[Picture]:
    return [Picture(**one) for one in json.loads(bytes(content.payload))]


@functools.cache
def _code() -> str:
    """Return a hash of the code that makes pictures of images."""
    return code_of(_PACKAGE / "report", _PACKAGE / "images")
