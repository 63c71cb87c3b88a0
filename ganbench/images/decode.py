"""Encoded image bytes to uint8 RGB, by rules that are written down (docs/images.md) and tested one by one."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from PIL import Image, ImageFile, ImageOps, TiffImagePlugin, UnidentifiedImageError

from ganbench.errors import DecodeError, SourceError
from ganbench.system.wall import wall

DECODE_RULES = "decode-1"  # raised when a rule changes: it is part of every content digest
# All names under which Pillow's formats below are written: the content decides what a file is, not its name.
EXTENSIONS = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".jif", ".jfi"}
    | {".png", ".apng", ".webp", ".bmp", ".dib", ".gif", ".tif", ".tiff"}
)
WHITE = (255, 255, 255)

_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF")
MAX_PIXELS = 64_000_000
LARGE_PIXELS = 4 << 20  # up to here any image may be as flat as it likes, and several are decoded at a time
PIXELS_PER_BYTE = 50  # of a larger one: photographs have about 8, drawings up to 40, and one colour from 90 on
_MOST_SCANS = 64  # of a large JPEG; progressive ones have about ten, and each scan walks over all pixels
_PNG = b"\x89PNG\r\n\x1a\n"
_DEFLATE = 1032  # times that deflate can shrink what is all the same
_ONE_TEXT = 1 << 20  # what Pillow lets a text unpack to; the usual ones are a colour profile and a line of XMP
_MOST_INFLATED = 4 * _ONE_TEXT
_ONE_AT_A_TIME = threading.Lock()


def decode(data: bytes, name: str, background: tuple[int, int, int] = WHITE) -> np.ndarray:
    """Decode one image.

    Args:
        data: the encoded file.
        name: for error messages.
        background: RGB 0..255 under transparent pixels.

    Returns:
        uint8 array (H, W, 3), RGB.

    Raises:
        DecodeError: empty, truncated, not an image, too large, or of a mode without one clear meaning.
        SourceError: this process has told Pillow to accept truncated files.
    """
    if ImageFile.LOAD_TRUNCATED_IMAGES:
        raise SourceError(
            "PIL.ImageFile.LOAD_TRUNCATED_IMAGES is switched on, which turns damaged files into grey ones unnoticed; "
            "set it to False before scoring"
        )
    if not data:
        raise DecodeError(name, "the file is empty")
    if data.startswith(_PNG) and _inflated(data) > _MOST_INFLATED:  # Pillow unpacks them before it tells the size
        raise DecodeError(name, "refused as a decompression bomb: compressed texts of megabytes in a PNG")
    with wall(lambda why: DecodeError(name, f"cannot be decoded: {why}")):
        try:
            image = Image.open(io.BytesIO(data), formats=_FORMATS)
        except UnidentifiedImageError as e:
            raise DecodeError(name, "not an image (content is none of " + ", ".join(_FORMATS) + ")") from e
        with image:
            _check_size(image, data, name)
            if _is_odd_tiff(image):
                raise DecodeError(name, "TIFF of 9 to 15 bits, or with white as zero; convert it to 8-bit RGB first")
            image.load()
            ImageOps.exif_transpose(image, in_place=True)
            return _to_rgb(image, name, background)


@contextmanager
def room_for(data: bytes | memoryview) -> Iterator[None]:
    """Decode large images one at a time, whatever the number of threads: each takes hundreds of megabytes."""
    if len(data) * PIXELS_PER_BYTE <= LARGE_PIXELS or _pixels(bytes(data)) <= LARGE_PIXELS:  # the first is quick
        yield
        return
    with _ONE_AT_A_TIME:
        yield


def _pixels(data: bytes) -> int:
    """Return how many pixels a file claims to have, 0 if it cannot be told: decoding will say why."""
    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
            return image.width * image.height
    except Exception:  # whatever the parser trips over
        return 0


def _check_size(image: Image.Image, data: bytes, name: str) -> None:
    """Refuse by the header alone what would take too much memory or time."""
    pixels, size = image.width * image.height, f"{image.width}x{image.height} pixels"
    if pixels > MAX_PIXELS:
        raise DecodeError(name, f"{size} are more than {MAX_PIXELS:,}")
    if pixels > LARGE_PIXELS and pixels > PIXELS_PER_BYTE * len(data):
        raise DecodeError(name, f"refused as a decompression bomb: {size} in {len(data):,} bytes")
    scans = data.count(b"\xff\xda") if image.format in ("JPEG", "MPO") else 0  # never part of what is encoded
    if scans > _MOST_SCANS and scans * pixels > 4 * LARGE_PIXELS:
        raise DecodeError(name, f"refused as a decompression bomb: {size} in {scans:,} scans")


def _inflated(data: bytes) -> int:
    """Return how many bytes the compressed texts and profiles of a PNG may unpack to."""
    at, total = 8, 0
    while at + 8 <= len(data):
        length, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        if kind in (b"zTXt", b"iTXt", b"iCCP"):
            total += min(_ONE_TEXT, length * _DEFLATE)
        at += 12 + length
    return total


def _is_odd_tiff(image: Image.Image) -> bool:
    """Tell whether Pillow would hand out a TIFF's 16-bit numbers without bringing them to the full range."""
    if not isinstance(image, TiffImagePlugin.TiffImageFile) or not image.mode.startswith("I;16"):
        return False
    bits, photometric = image.tag_v2.get(258), image.tag_v2.get(262)
    return bits != (16,) or photometric == 0


def _to_rgb(image: Image.Image, name: str, background: tuple[int, int, int]) -> np.ndarray:
    """Convert a decoded image; a large one in strips, so that no second copy of it is held."""
    width, height = image.size
    if width * height <= LARGE_PIXELS:
        return _convert(image, name, background)
    rgb = np.empty((height, width, 3), np.uint8)
    rows = max(1, LARGE_PIXELS // width)
    for top in range(0, height, rows):
        strip = image.crop((0, top, width, min(top + rows, height)))
        rgb[top : top + rows] = _convert(strip, name, background)
    return rgb


def _convert(image: Image.Image, name: str, background: tuple[int, int, int]) -> np.ndarray:
    mode = image.mode
    if mode in ("I;16", "I;16L", "I;16B"):
        grey = np.rint(np.asarray(image).astype(np.float64) / 257).astype(np.uint8)
        rgb = np.repeat(grey[:, :, None], 3, axis=2)
        if "transparency" in image.info:
            rgb[np.asarray(image) == image.info["transparency"]] = background
        return rgb
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        canvas = Image.new("RGBA", layer.size, (*background, 255))
        return np.asarray(Image.alpha_composite(canvas, layer).convert("RGB"))
    if mode in ("RGB", "L", "1", "P", "CMYK", "YCbCr"):
        return np.asarray(image if mode == "RGB" else image.convert("RGB"))
    raise DecodeError(name, f"pixel mode {mode} has no agreed 8-bit meaning; convert it to 8-bit RGB first")
