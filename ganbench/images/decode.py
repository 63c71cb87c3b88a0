"""Encoded image bytes to uint8 RGB, by rules that are written down (docs/images.md) and tested one by one."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from ganbench.errors import DecodeError

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
    """
    if not data:
        raise DecodeError(name, "the file is empty")
    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
            if image.width * image.height > _MAX_PIXELS:
                raise DecodeError(name, f"{image.width}x{image.height} pixels are more than {_MAX_PIXELS:,}")
            image.load()
            return _to_rgb(ImageOps.exif_transpose(image), name, background)
    except UnidentifiedImageError as e:
        raise DecodeError(name, "not an image (content is none of " + ", ".join(_FORMATS) + ")") from e
    except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError) as e:
        raise DecodeError(name, f"cannot be decoded: {e}") from e


def _to_rgb(image: Image.Image, name: str, background: tuple[int, int, int]) -> np.ndarray:
    mode = image.mode
    if mode in ("I;16", "I;16L", "I;16B"):
        grey = np.rint(np.asarray(image).astype(np.float64) / 257).astype(np.uint8)
        return np.repeat(grey[:, :, None], 3, axis=2)
    if mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        layer = image.convert("RGBA")
        canvas = Image.new("RGBA", layer.size, (*background, 255))
        return np.asarray(Image.alpha_composite(canvas, layer).convert("RGB"))
    if mode in ("RGB", "L", "1", "P", "CMYK", "YCbCr"):
        return np.asarray(image if mode == "RGB" else image.convert("RGB"))
    raise DecodeError(name, f"pixel mode {mode} has no agreed 8-bit meaning; convert it to 8-bit RGB first")
