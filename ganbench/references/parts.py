"""Parts of a set of real images: disjoint ones for several references, and one that is held out of each.

Every choice is by a seed, or of the last images where a set keeps some apart at its end already.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from ganbench.errors import ReferenceError
from ganbench.images.picked import Picked
from ganbench.images.source import Source
from ganbench.statistics.collector import shuffled

_PART = re.compile(r"([A-Za-z0-9_-]{1,64})(?::(0?\.[0-9]{1,9}))?")
_HELD_OUT = re.compile(r"(?:(0?\.[0-9]{1,9})|(last:)?([1-9][0-9]{0,8}))")
_APART = 0x5EED  # so that what is held out of a part is not chosen as the part was


@dataclass(frozen=True)
class Part:
    """One part of a set of real images.

    Attributes:
        name: of the part; "" where the set was not split.
        images: what the reference is made from.
        held_out: what was held out of it, or None.
        choice: how it was chosen, plain data; None for the whole set.
    """

    name: str
    images: Source
    held_out: Source | None
    choice: dict[str, Any] | None


def choose(source: Source, split: str | None, held_out: str | None, seed: int) -> list[Part]:
    """Return the parts of a set of images.

    Args:
        source: the images.
        split: names and shares, such as ``private:0.3,public``: one name may stand without a share and takes the rest;
            None: one part, which is everything.
        held_out: how much of each part to hold out: a share, such as ``0.1``, a number, or ``last:`` and a number; None
            for nothing.
        seed: of the choice.

    Raises:
        ReferenceError: what is asked for is no choice, or leaves a part with fewer than 2 images.
    """
    pools = _pools(source, split, seed)
    parts = []
    for name, positions in pools.items():
        kept, out = _hold_out(positions, held_out, seed)
        chosen = split is not None or held_out is not None  # a whole set that is too small is refused when it is built
        if chosen and (len(kept) < 2 or (held_out is not None and not len(out))):
            what = f"part {name} of {source.label}" if name else source.label
            raise ReferenceError(f"{what}: {len(kept)} images are left, and {len(out)} held out, of {len(positions)}")
        choice = None
        if chosen:
            part = name or None
            choice = {"count": len(source), "split": split, "part": part, "held_out": held_out, "seed": seed}
        parts.append(Part(name, _view(source, kept), _view(source, out) if len(out) else None, choice))
    return parts


def _pools(source: Source, split: str | None, seed: int) -> dict[str, np.ndarray]:
    """Return the positions of each part by its name, in the order given."""
    everything = np.arange(len(source))
    if split is None:
        return {"": everything}
    shares: dict[str, float | None] = {}
    for text in split.split(","):
        match = _PART.fullmatch(text.strip())
        if match is None or match[1] in shares or (match[2] is not None and not float(match[2])):
            raise ReferenceError(f"{text!r} in {split!r} is no new name with a share, such as private:0.3")
        shares[match[1]] = None if match[2] is None else float(match[2])
    rest = 1 - sum(share for share in shares.values() if share is not None)
    if rest < -1e-9 or sum(share is None for share in shares.values()) > (1 if rest > 1e-9 else 0):
        raise ReferenceError(f"{split!r}: the shares come to more than the whole, or nothing is left for a part")
    order = shuffled(len(source), seed)
    pools, start, done = {}, 0, 0.0
    for name, share in shares.items():
        done += rest if share is None else share
        end = round(done * len(source))
        pools[name] = np.sort(order[start:end])
        start = end
    return pools


def _hold_out(positions: np.ndarray, held_out: str | None, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return which positions are kept, and which are held out, both ascending."""
    if held_out is None:
        return positions, positions[:0]
    match = _HELD_OUT.fullmatch(held_out)
    if match is None:
        raise ReferenceError(f"{held_out!r} is no part to hold out: say a share (0.1), a number, or last:2000")
    share, last, number = match.groups()
    count = min(len(positions), int(number) if share is None else round(float(share) * len(positions)))
    order = np.arange(len(positions)) if last else shuffled(len(positions), seed ^ _APART)
    cut = len(positions) - count
    return positions[np.sort(order[:cut])], positions[np.sort(order[cut:])]


def _view(source: Source, positions: np.ndarray) -> Source:
    if len(positions) and len(positions) == positions[-1] + 1:  # the first so many, if not all
        return source if len(positions) == len(source) else source.first(len(positions))
    return Picked(source, positions) if len(positions) else source
