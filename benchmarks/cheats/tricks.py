"""More ways to hide a copy: what a student tries after the fourteen changes have been caught."""

from __future__ import annotations

from functools import partial

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from cheats.changes import CHANGES, Change, add_noise, crop, shift, to_bytes, turn, turn_hue

Rng = np.random.Generator


def frame(image: np.ndarray, rng: Rng, width: int) -> np.ndarray:
    """Return the image with its edge painted over in one colour."""
    out = image.copy()
    inside = np.zeros(image.shape[:2], bool)
    inside[width:-width, width:-width] = True
    out[~inside] = rng.integers(0, 256, 3)
    return out


def shrink(image: np.ndarray, rng: Rng, size: float) -> np.ndarray:
    """Return the image at a part of its size, on what its edge continues to."""
    del rng
    height, width = image.shape[:2]
    h, w = round(height * size), round(width * size)
    small = np.asarray(Image.fromarray(image).resize((w, h), Image.Resampling.BICUBIC))
    top, left = (height - h) // 2, (width - w) // 2
    return np.pad(small, ((top, height - h - top), (left, width - w - left), (0, 0)), "edge")


def elastic(image: np.ndarray, rng: Rng, pixels: float) -> np.ndarray:
    """Return the image bent by a smooth field of up to about so many pixels."""
    height, width = image.shape[:2]
    field = rng.normal(0, pixels, (2, 5, 5)).astype(np.float32)
    dx, dy = (cv2.resize(part, (width, height), interpolation=cv2.INTER_CUBIC) for part in field)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    return cv2.remap(image, x + dx, y + dy, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)


def tilt(image: np.ndarray, rng: Rng, pixels: float) -> np.ndarray:
    """Return the image in perspective: every corner moved by up to so many pixels."""
    height, width = image.shape[:2]
    corners = np.float32([[0, 0], [width, 0], [width, height], [0, height]])
    moved = corners + rng.uniform(-pixels, pixels, corners.shape).astype(np.float32)
    matrix = cv2.getPerspectiveTransform(corners, moved)
    return cv2.warpPerspective(image, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)


def stretch(image: np.ndarray, rng: Rng, factor: float) -> np.ndarray:
    """Return the middle of the image, stretched along one axis."""
    del rng
    height, width = image.shape[:2]
    cut = width * (1 - 1 / factor) / 2
    box = (cut, 0, width - cut, height)
    return np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.BICUBIC, box=box))


def gamma(image: np.ndarray, rng: Rng, power: float | None = None) -> np.ndarray:
    """Return the image under a power curve, one that brightens or one that darkens."""
    power = power or float(rng.choice((0.65, 1.5)))
    return to_bytes(255 * (image / 255.0) ** power)


def posterise(image: np.ndarray, rng: Rng, levels: int) -> np.ndarray:
    """Return the image with so many values a channel."""
    del rng
    step = 255 / (levels - 1)
    return to_bytes(np.rint(image / step) * step)


def palette(image: np.ndarray, rng: Rng, colours: int) -> np.ndarray:
    """Return the image with so many colours, dithered, as a GIF has it."""
    del rng
    quantized = Image.fromarray(image).quantize(colours, dither=Image.Dither.FLOYDSTEINBERG)
    return np.asarray(quantized.convert("RGB"))


def blur(image: np.ndarray, rng: Rng, radius: float) -> np.ndarray:
    """Return the image blurred."""
    del rng
    return np.asarray(Image.fromarray(image).filter(ImageFilter.GaussianBlur(radius)))


def sharpen(image: np.ndarray, rng: Rng) -> np.ndarray:
    """Return the image with its edges stressed."""
    del rng
    return np.asarray(Image.fromarray(image).filter(ImageFilter.UnsharpMask(2, 180, 0)))


def down_up(image: np.ndarray, rng: Rng, size: int) -> np.ndarray:
    """Return the image after a smaller size."""
    del rng
    height, width = image.shape[:2]
    small = Image.fromarray(image).resize((size, size), Image.Resampling.BICUBIC)
    return np.asarray(small.resize((width, height), Image.Resampling.BICUBIC))


def cut_out(image: np.ndarray, rng: Rng, size: int) -> np.ndarray:
    """Return the image with a square painted over."""
    out = image.copy()
    y, x = rng.integers(0, image.shape[0] - size, 2)
    out[y : y + size, x : x + size] = rng.integers(0, 256, 3)
    return out


def caption(image: np.ndarray, rng: Rng) -> np.ndarray:
    """Return the image with a line of text across it."""
    picture = Image.fromarray(image)
    colour = tuple(int(value) for value in rng.integers(0, 256, 3))
    ImageDraw.Draw(picture).text((1, int(rng.integers(0, 50))), f"sample {rng.integers(10**4)}", fill=colour)
    return np.asarray(picture)


def vignette(image: np.ndarray, rng: Rng) -> np.ndarray:
    """Return the image darker towards its corners."""
    del rng
    y, x = (np.linspace(-1, 1, length) for length in image.shape[:2])
    light = np.clip(1.15 - 0.55 * (y[:, None] ** 2 + x**2), 0, 1)
    return to_bytes(image * light[..., None])


def swap_channels(image: np.ndarray, rng: Rng) -> np.ndarray:
    """Return the image as BGR, as whoever saves OpenCV's images with Pillow has it."""
    del rng
    return np.ascontiguousarray(image[..., ::-1])


def gray(image: np.ndarray, rng: Rng) -> np.ndarray:
    """Return the image without colours."""
    del rng
    return np.asarray(Image.fromarray(image).convert("L").convert("RGB"))


def tint(image: np.ndarray, rng: Rng) -> np.ndarray:
    """Return the image with every channel stretched and moved on its own."""
    return to_bytes(image * rng.uniform(0.75, 1.2, 3) + rng.uniform(-20, 20, 3))


def symmetric(image: np.ndarray, rng: Rng) -> np.ndarray:
    """Return the image with one half mirrored over the other."""
    half = image.shape[1] // 2
    source = image if rng.random() < 0.5 else image[:, ::-1]
    return np.concatenate([source[:, :half], source[:, :half][:, ::-1]], 1)


def cocktail(image: np.ndarray, rng: Rng) -> np.ndarray:
    """Return the image after three changes that nobody else chose."""
    for name in rng.choice(sorted(TRICKS_MIXED), 3, replace=False):
        image = TRICKS_MIXED[str(name)](image, rng)
    return image


TRICKS_MIXED: dict[str, Change] = {
    **{name: CHANGES[name] for name in ("mirrored", "cropped-10", "brightness-1.15", "hue", "noise-8", "jpeg-50")},
    "turned": partial(turn, degrees=4),
    "elastic": partial(elastic, pixels=1),
    "tint": tint,
    "blur": partial(blur, radius=0.7),
}
TRICKS: dict[str, tuple[str, Change]] = {
    "frame-3": ("a frame of 3 px in one colour", partial(frame, width=3)),
    "shrunk-85": ("at 85 % of the size, on its continued edge", partial(shrink, size=0.85)),
    "elastic-1": ("bent by a smooth field, about 1 px", partial(elastic, pixels=1.0)),
    "elastic-2": ("bent by a smooth field, about 2 px", partial(elastic, pixels=2.0)),
    "perspective": ("corners moved by up to 5 px", partial(tilt, pixels=5)),
    "stretched-1.15": ("wider by 15 %", partial(stretch, factor=1.15)),
    "cropped-20": ("cropped 20 %", partial(crop, share=0.20)),
    "turned-10": ("turned 10 degrees", partial(turn, degrees=10)),
    "shifted-6": ("shifted 6 px", partial(shift, pixels=6)),
    "gamma": ("gamma 0.65 or 1.5", gamma),
    "posterised-6": ("6 values a channel", partial(posterise, levels=6)),
    "palette-16": ("16 colours, dithered", partial(palette, colours=16)),
    "blur-1": ("blurred, radius 1", partial(blur, radius=1.0)),
    "sharpened": ("sharpened", sharpen),
    "through-32": ("down to 32 px and up again", partial(down_up, size=32)),
    "noise-20": ("noise, sigma 20", partial(add_noise, sigma=20)),
    "square-20": ("a square of 20 px painted over", partial(cut_out, size=20)),
    "caption": ("a line of text across", caption),
    "vignette": ("dark towards the corners", vignette),
    "bgr": ("red and blue swapped", swap_channels),
    "gray": ("without colours", gray),
    "tint": ("every channel stretched and moved", tint),
    "hue-180": ("hues turned by 180 degrees", partial(turn_hue, degrees=180)),
    "symmetric": ("one half mirrored over the other", symmetric),
    "cocktail-3": ("three changes at random, others for every image", cocktail),
}
