"""Alterations of layout: borders, moves, sizes, mirrors and turns."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from PIL import Image

from ganbench.looks.changes_of_colour import rounded
from ganbench.looks.changes_of_detail import each

Change = Callable[[np.ndarray, np.random.Generator], np.ndarray]
FILLS = ("edge", "reflect", "wrap", "black", "white")
COLOURS = {
    "black": (0, 0, 0), "grey": (128, 128, 128), "white": (255, 255, 255), "red": (200, 40, 40), "blue": (40, 60, 200),
}  # fmt: skip
_BORDERS = {
    "edge": cv2.BORDER_REPLICATE, "reflect": cv2.BORDER_REFLECT_101, "wrap": cv2.BORDER_WRAP,
    "black": cv2.BORDER_CONSTANT, "white": cv2.BORDER_CONSTANT,
}  # fmt: skip


def border(width: int, colour: tuple[int, int, int], sides: str) -> Change:
    """Return what paints over some of the sides: of ``tblr``, top, bottom, left and right."""

    def change(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        del rng
        found = pixels.copy()
        parts = {"t": np.s_[:, :width], "b": np.s_[:, -width:], "l": np.s_[:, :, :width], "r": np.s_[:, :, -width:]}
        for side in sides:
            found[parts[side]] = colour
        return found

    return change


def shrunk(width: int, colour: tuple[int, int, int]) -> Change:
    """Return what makes images smaller, within a frame."""

    def change(one: np.ndarray) -> np.ndarray:
        height, across = one.shape[:2]
        size = max(1, across - 2 * width), max(1, height - 2 * width)
        found = np.empty_like(one)
        found[:] = colour
        found[width : width + size[1], width : width + size[0]] = np.asarray(
            Image.fromarray(one).resize(size, Image.Resampling.BICUBIC)
        )
        return found

    return each(change)


def shift(y: float, x: float, fill: str) -> Change:
    """Return what moves images, by shares of their sides, and fills what is left open."""

    def change(one: np.ndarray) -> np.ndarray:
        return _moved(one, round(y * one.shape[0]), round(x * one.shape[1]), fill)

    return each(change)


def jitter(share: float) -> Change:
    """Return what moves each image another way, by up to a share of its side."""

    def change(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        height, width = pixels.shape[1:3]
        ways = rng.uniform(-share, share, (len(pixels), 2))
        moves = np.rint(ways * (height, width)).astype(int)
        return np.stack([_moved(one, int(y), int(x), "edge") for one, (y, x) in zip(pixels, moves, strict=True)])

    return change


def zoom(factor: float, fill: str) -> Change:
    """Return what enlarges images about their middle, or makes them smaller and fills the rest."""

    def change(one: np.ndarray) -> np.ndarray:
        height, width = one.shape[:2]
        size = max(1, round(width * factor)), max(1, round(height * factor))
        scaled = np.asarray(Image.fromarray(one).resize(size, Image.Resampling.BICUBIC))
        if factor >= 1:
            top, left = (size[1] - height) // 2, (size[0] - width) // 2
            return scaled[top : top + height, left : left + width]
        top, left = (height - size[1]) // 2, (width - size[0]) // 2
        most = min(size) - 1
        if fill == "reflect" and max(height - size[1] - top, width - size[0] - left) > most:
            return cv2.copyMakeBorder(
                scaled, top, height - size[1] - top, left, width - size[0] - left, cv2.BORDER_REPLICATE
            )
        return cv2.copyMakeBorder(scaled, top, height - size[1] - top, left, width - size[0] - left, _BORDERS[fill])

    return each(change)


def mirror_half(way: str) -> Change:
    """Return what lays one half, mirrored, over the other."""

    def change(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        del rng
        found, half = pixels.copy(), pixels.shape[2] // 2
        if way == "left":
            found[:, :, -half:] = pixels[:, :, :half][:, :, ::-1]
        else:
            found[:, :, :half] = pixels[:, :, -half:][:, :, ::-1]
        return found

    return change


def mirror_blend(share: float) -> Change:
    """Return what blends images with so much of their mirror images."""
    return lambda pixels, rng: rounded((1 - share) * pixels.astype(np.float32) + share * pixels[:, :, ::-1])


def upside_down(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Swap above and below."""
    del rng
    return np.ascontiguousarray(pixels[:, ::-1])


def quarter(degrees: int) -> Change:
    """Return what turns images by a multiple of 90 degrees; oblong ones are stretched to their old sides."""

    def change(one: np.ndarray) -> np.ndarray:
        turned = np.ascontiguousarray(np.rot90(one, degrees // 90))
        return turned if turned.shape == one.shape else cv2.resize(turned, one.shape[1::-1])

    return each(change)


def turn(degrees: float, fill: str) -> Change:
    """Return what turns images about their middle and fills the corners."""

    def change(one: np.ndarray) -> np.ndarray:
        height, width = one.shape[:2]
        about = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, 1.0)
        return cv2.warpAffine(one, about, (width, height), flags=cv2.INTER_CUBIC, borderMode=_BORDERS[fill])

    return each(change)


def _moved(one: np.ndarray, y: int, x: int, fill: str) -> np.ndarray:
    height, width = one.shape[:2]
    around = cv2.copyMakeBorder(
        one, max(y, 0), max(-y, 0), max(x, 0), max(-x, 0), _BORDERS[fill],
        value=(255, 255, 255) if fill == "white" else (0, 0, 0),
    )  # fmt: skip
    top, left = max(-y, 0), max(-x, 0)
    return around[top : top + height, left : left + width]
