"""Ten ways to spoil images, each at five strengths; the same arguments give the same pixels."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

Change = Callable[[Image.Image, float, np.random.Generator], Image.Image]


@dataclass(frozen=True)
class Corruption:
    """One way.

    Attributes:
        what: What the strengths are.
        strengths: Five, from hardly visible to ruin.
        change: Spoils one image.
    """

    what: str
    strengths: tuple[float, float, float, float, float]
    change: Change


def _blur(image: Image.Image, strength: float, rng: np.random.Generator) -> Image.Image:
    return image.filter(ImageFilter.GaussianBlur(strength))


def _noise(image: Image.Image, strength: float, rng: np.random.Generator) -> Image.Image:
    pixels = np.asarray(image, np.float64)
    noisy = pixels + rng.normal(0, strength, pixels.shape)
    return Image.fromarray(np.clip(np.rint(noisy), 0, 255).astype(np.uint8))


def recompressed(image: Image.Image, strength: float, rng: np.random.Generator) -> Image.Image:
    """Return an image as it comes out of JPEG at a quality, 1 to 95."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=int(strength))
    return Image.open(buffer).convert("RGB")


def _smaller(image: Image.Image, strength: float, rng: np.random.Generator) -> Image.Image:
    size = max(1, round(image.width * strength)), max(1, round(image.height * strength))
    return image.resize(size, Image.Resampling.BICUBIC).resize(image.size, Image.Resampling.BICUBIC)


def _hue(image: Image.Image, strength: float, rng: np.random.Generator) -> Image.Image:
    hue, saturation, value = image.convert("HSV").split()
    turned = (np.asarray(hue, np.int64) + round(strength * 256 / 360)) % 256
    return Image.merge("HSV", (Image.fromarray(turned.astype(np.uint8)), saturation, value)).convert("RGB")


def _saturation(image: Image.Image, strength: float, rng: np.random.Generator) -> Image.Image:
    return ImageEnhance.Color(image).enhance(strength)


def _brightness(image: Image.Image, strength: float, rng: np.random.Generator) -> Image.Image:
    return ImageEnhance.Brightness(image).enhance(strength)


def _contrast(image: Image.Image, strength: float, rng: np.random.Generator) -> Image.Image:
    return ImageEnhance.Contrast(image).enhance(strength)


def _turn(image: Image.Image, strength: float, rng: np.random.Generator) -> Image.Image:
    height, width = image.height, image.width
    pixels = np.asarray(image)
    around = np.pad(pixels, ((height // 2,) * 2, (width // 2,) * 2, (0, 0)), mode="symmetric")
    turned = Image.fromarray(around).rotate(strength, Image.Resampling.BICUBIC)
    left, top = width // 2, height // 2
    return turned.crop((left, top, left + width, top + height))


def _cover(image: Image.Image, strength: float, rng: np.random.Generator) -> Image.Image:
    width, height = max(1, round(image.width * strength)), max(1, round(image.height * strength))
    left = int(rng.integers(image.width - width + 1))
    top = int(rng.integers(image.height - height + 1))
    covered = image.copy()
    covered.paste((128, 128, 128), (left, top, left + width, top + height))
    return covered


CORRUPTIONS: dict[str, Corruption] = {
    "blur": Corruption("radius, px", (0.25, 0.5, 1, 2, 4), _blur),
    "noise": Corruption("sigma, of 255", (2, 4, 8, 16, 32), _noise),
    "JPEG": Corruption("quality", (90, 75, 50, 25, 10), recompressed),
    "resolution": Corruption("of the side", (0.875, 0.75, 0.5, 0.375, 0.25), _smaller),
    "hue": Corruption("degrees", (5, 10, 20, 45, 90), _hue),
    "saturation": Corruption("times", (0.9, 0.75, 0.5, 0.25, 0), _saturation),
    "brightness": Corruption("times", (1.05, 1.1, 1.2, 1.4, 1.8), _brightness),
    "contrast": Corruption("times", (0.95, 0.9, 0.75, 0.5, 0.25), _contrast),
    "turn": Corruption("degrees", (2, 4, 8, 16, 32), _turn),
    "cover": Corruption("side of a grey square", (0.1, 0.15, 0.2, 0.3, 0.4), _cover),
}


def corrupted(pixels: np.ndarray, name: str, strength: float, seed: int) -> np.ndarray:
    """Return spoilt images.

    Args:
        pixels: uint8 RGB, (n, H, W, 3).
        name: of the corruption.
        strength: one of its own, or any other.
        seed: of what is random in it.
    """
    change, rng = CORRUPTIONS[name].change, np.random.default_rng(seed)
    return np.stack([np.asarray(change(Image.fromarray(image), strength, rng), np.uint8) for image in pixels])
