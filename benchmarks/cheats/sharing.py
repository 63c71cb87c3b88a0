"""Repeats within a submission, and a classmate's images."""

from __future__ import annotations

import numpy as np

from cheats.base import Made
from cheats.changes import CHANGES, Change, change_all, mirror, recompress, shift, turn_hue
from cheats.files import Packed, decoded, valid
from cheats.pool import Pool, pick
from cheats.tricks import tint

Rng = np.random.Generator


def vary(image: np.ndarray, rng: Rng) -> np.ndarray:
    """Return an image as whoever needs it more than once varies it: moved by 1 to 3 px, perhaps mirrored, in JPEG."""
    image = shift(image, rng, int(rng.integers(1, 4)))
    if rng.random() < 0.5:
        image = mirror(image, rng)
    return recompress(image, rng, int(rng.integers(60, 96)))


def repeat(pool: Pool, rng: Rng, count: int, different: int, *, own: bool, change: Change | None = vary) -> Made:
    """Make a few faces into many.

    Args:
        pool: of faces.
        rng: of all that is random.
        count: images to hand in.
        different: how many different faces there are.
        own: the faces are samples of a GAN, and not real ones; none is a copy of what the judge knows.
        change: how a face is varied each time; None: not at all.
    """
    few = (pool.samples if own else pool.fresh_faces)(rng, different)
    images = few[rng.permutation(np.arange(count) % different)]
    return Made(valid(images if change is None else change_all(images, rng, change)))


def one_in_every_colour(pool: Pool, rng: Rng, count: int) -> Made:
    """Make one face, which the judge does not know, into many by its hue and its shades."""
    face = pool.fresh_faces(rng, 1)[0]
    images = [tint(turn_hue(face, rng, 360 * number / count), rng) for number in range(count)]
    return Made(valid(np.stack(images)))


def _classmate(pool: Pool, rng: Rng, count: int) -> tuple[Packed, np.ndarray]:
    """Return a classmate's valid submission, and its images as whoever takes them sees them."""
    packed = valid(pool.samples(rng, count))
    return packed, np.stack([decoded(content) for _, content in packed.files])


def take(pool: Pool, rng: Rng, count: int, share: float, *changes: Change) -> Made:
    """Take a share of a classmate's images, changed; the rest are samples of one's own GAN, if there are others."""
    theirs, images = _classmate(pool, rng, count)
    taken = round(share * count)
    mine = pool.samples(rng, count).copy() if taken < count else images.copy()
    mine[pick(rng, np.arange(count), taken)] = change_all(images[pick(rng, np.arange(count), taken)], rng, *changes)
    return Made(valid(mine), [theirs], guilty=share)


def take_as_is(pool: Pool, rng: Rng, count: int) -> Made:
    """Take a classmate's files, byte for byte, in another order."""
    theirs, _ = _classmate(pool, rng, count)
    order = rng.permutation(count)
    files = [(f"{number}.jpg", theirs.files[position][1]) for number, position in enumerate(order, 1)]
    return Made(Packed(files), [theirs])


WAYS: dict[str, tuple[str, tuple[Change, ...]]] = {
    "mirrored-jpeg-75": ("mirrored, JPEG 75", (CHANGES["mirrored-jpeg-75"],)),
    "jpeg-50": ("JPEG 50", (CHANGES["jpeg-50"],)),
    "shifted-cropped": ("shifted 2 px, cropped 4 %", (CHANGES["shifted-2"], CHANGES["cropped-4"])),
    "hue-noise": ("another hue, and noise", (CHANGES["hue"], CHANGES["noise-8"])),
    "turned-brighter": ("turned, brighter", (CHANGES["turned-5"], CHANGES["brightness-1.15"])),
}
