"""Files that say one thing and show another: orientation, transparency, palettes, depth. And archives against rules."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
from PIL import Image

from cheats.base import Made
from cheats.changes import CHANGES
from cheats.files import Packed, jpeg, numbered, png, valid
from cheats.pool import Pool

Rng = np.random.Generator
MIRRORED = 2  # the value of EXIF's orientation for an image that is stored mirrored
_ORIENTATION = 0x0112


def oriented(image: np.ndarray, rng: Rng) -> bytes:
    """Return a JPEG stored mirrored, with the tag that has every viewer mirror it back."""
    del rng
    exif = Image.Exif()
    exif[_ORIENTATION] = MIRRORED
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(image[:, ::-1])).save(buffer, "JPEG", quality=90, exif=exif)
    return buffer.getvalue()


def transparent(image: np.ndarray, rng: Rng) -> bytes:
    """Return a PNG whose image lies under a noise of transparency: no viewer shows it, whoever drops alpha sees it."""
    alpha = rng.integers(0, 256, (*image.shape[:2], 1), np.uint8)
    return png(np.concatenate([image, alpha], 2))


def indexed(image: np.ndarray, rng: Rng) -> bytes:
    """Return a PNG of 64 colours in an order that says nothing."""
    del rng
    buffer = io.BytesIO()
    Image.fromarray(image).quantize(64, dither=Image.Dither.NONE).save(buffer, "PNG")
    return buffer.getvalue()


def in_cmyk(image: np.ndarray, rng: Rng) -> bytes:
    """Return a JPEG in CMYK."""
    del rng
    buffer = io.BytesIO()
    Image.fromarray(image).convert("CMYK").save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def as_webp(image: np.ndarray, rng: Rng) -> bytes:
    """Return a WebP that calls itself what it is called."""
    del rng
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "WEBP", quality=85)
    return buffer.getvalue()


FORMS: dict[str, tuple[str, Callable[[np.ndarray, Rng], bytes], str]] = {
    "orientation": ("stored mirrored, EXIF says so", oriented, "jpg"),
    "transparent": ("PNG under random transparency", transparent, "png"),
    "palette-64": ("PNG of 64 colours", indexed, "png"),
    "cmyk": ("JPEG in CMYK", in_cmyk, "jpg"),
    "webp": ("WebP", as_webp, "webp"),
}


def disguise(pool: Pool, rng: Rng, count: int, form: str) -> Made:
    """Make training images in another form of file."""
    _, encode, ending = FORMS[form]
    contents = [encode(image, rng) for image in pool.known_faces(rng, count)]
    return Made(Packed(numbered(contents, ending), archive=False))


def wrong_number(pool: Pool, rng: Rng, count: int, more: int) -> Made:
    """Make a submission of a few images more or less than asked for."""
    return Made(valid(pool.samples(rng, count + more)))


def wrong_names(pool: Pool, rng: Rng, count: int) -> Made:
    """Make a submission whose images are named otherwise."""
    files = valid(pool.samples(rng, count)).files
    return Made(Packed([(f"image_{name}", content) for name, content in files]))


def nested(pool: Pool, rng: Rng, count: int) -> Made:
    """Make a submission with all images in a folder."""
    files = valid(pool.samples(rng, count)).files
    return Made(Packed([(f"images/{name}", content) for name, content in files]))


def too_large(pool: Pool, rng: Rng, count: int) -> Made:
    """Make a submission of more than 2 MB: JPEG 100, and noise that nobody sees and no compression likes."""
    images = [CHANGES["noise-8"](image, rng) for image in pool.samples(rng, count)]
    return Made(Packed(numbered([jpeg(image, 100) for image in images])))


def wrong_size(pool: Pool, rng: Rng, count: int) -> Made:
    """Make a submission of images of 96x96, where 64x64 is asked for."""
    larger = [Image.fromarray(image).resize((96, 96)) for image in pool.samples(rng, count)]
    return Made(valid(np.stack([np.asarray(image) for image in larger])))
