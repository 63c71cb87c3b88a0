"""Encoded image bytes to uint8 RGB, by rules that are written down (docs/images.md) and tested one by one."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageFile, ImageOps, TiffImagePlugin, UnidentifiedImageError

from ganbench.errors import DecodeError, SourceError

DECODE_RULES = "decode-1"  # raised when a rule changes: it is part of every content digest
EXTENSIONS = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff"})
WHITE = (255, 255, 255)

_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF")
_MAX_PIXELS = 64_000_000


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
    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
            if image.width * image.height > _MAX_PIXELS:
                raise DecodeError(name, f"{image.width}x{image.height} pixels are more than {_MAX_PIXELS:,}")
            if _is_odd_tiff(image):
                raise DecodeError(name, "TIFF of 9 to 15 bits, or with white as zero; convert it to 8-bit RGB first")
            image.load()
            return _to_rgb(ImageOps.exif_transpose(image), name, background)
    except UnidentifiedImageError as e:
        raise DecodeError(name, "not an image (content is none of " + ", ".join(_FORMATS) + ")") from e
    except DecodeError:
        raise
    except Exception as e:  # Pillow's parsers let through whatever a damaged file makes them trip over
        raise DecodeError(name, f"cannot be decoded: {e or type(e).__name__}") from e


def _is_odd_tiff(image: Image.Image) -> bool:
    """Tell whether Pillow would hand out a TIFF's 16-bit numbers without bringing them to the full range."""
    if not isinstance(image, TiffImagePlugin.TiffImageFile) or not image.mode.startswith("I;16"):
        return False
    bits, photometric = image.tag_v2.get(258), image.tag_v2.get(262)
    return bits != (16,) or photometric == 0


def _to_rgb(image: Image.Image, name: str, background: tuple[int, int, int]) -> np.ndarray:
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
