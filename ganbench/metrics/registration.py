"""Registration: are two pictures the same one, up to what a copier may do to it?

One picture is laid over the other: shifted, scaled and turned until they agree best (Gauss-Newton steps, as Lucas and
Kanade 1981), while brightness and contrast are fitted by least squares. What remains unexplained tells.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

from ganbench.statistics.signatures import SIDE, mirrored

SAME = 0.93  # alike at least so much: the same picture; docs/copies.md shows how it was fixed, and judged
_RING = 1  # outermost cells that are not compared: a shift brings in there what the other picture does not have
INNER = SIDE - 2 * _RING  # cells along each side that are
_HALF = (SIDE - 1) / 2
_CHUNK = 512  # pairs at once
_ACROSS = 64  # pairs beside each other in the mosaic that OpenCV warps
_BLUR = 1.2  # cells, of the first steps, so that far is not too far
_HOPELESS = 0.5  # alike less than this after them: no further ones would make the two alike
_STEP, _SHIFT, _SCALE, _TURN = 1.5, 2.0, 0.35, 0.25  # cells in a step and in all, and shares of the half side
_DAMPING = 0.5
_RIDGE = 1e-3  # of the fit of contrast: what is of one colour has none
_COARSE = 2.0  # cells: what is as wide as this is not compared


def alikeness(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return how much alike the pictures of each pair are, one laid over the other, as it is or mirrored.

    Args:
        a: signatures, (P, 256) uint8; see :mod:`ganbench.statistics.signatures`.
        b: the same of the pictures that they are compared with.

    Returns:
        (P,) float32, 0 to 1: the correlation of what is fine in ``a`` with ``b``; 1: the same picture.
    """
    return np.maximum(upright(a, b), upright(mirrored(a), b))


def fine_detail(signatures: np.ndarray) -> np.ndarray:
    """Return what ``alikeness`` compares, (B, 196) float32: pictures (B, 256) uint8 without rim and what is coarse.

    It adds up: that of a mean of pictures is the mean of theirs, but for rounding.
    """
    return _detail(_inside(_cells(signatures)))


def upright(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the same as ``alikeness`` without trying the mirror image."""
    found = np.empty(len(a), np.float32)
    for start in range(0, len(a), _CHUNK):
        part = slice(start, start + _CHUNK)
        found[part] = _registered(a[part], b[part])
    return found


def _registered(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    pictures, targets = _cells(b), _cells(a)
    motion, gain = np.zeros((len(a), 4), np.float32), np.ones(len(a), np.float32)
    motion, gain = _moved(pictures, targets, motion, gain, blur=_BLUR, steps=2)
    found = _likeness(pictures, targets, motion)
    left = np.flatnonzero(found >= _HOPELESS)
    if not len(left):
        return found
    motion, _ = _moved(pictures[left], targets[left], motion[left], gain[left], blur=0.0, steps=3)
    found[left] = _likeness(pictures[left], targets[left], motion)
    return found


def _moved(
    pictures: np.ndarray, targets: np.ndarray, motion: np.ndarray, gain: np.ndarray, *, blur: float, steps: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return motion and gain after some steps towards the targets."""
    smooth, wanted = _blurred(pictures, blur), _centred(_inside(_blurred(targets, blur)))
    down, right = np.gradient(smooth, axis=(1, 2))
    mosaic = _mosaic(np.stack([smooth, right, down], axis=-1))
    x, y = _grid()
    limits = np.array([_SHIFT, _SHIFT, _SCALE * _HALF, _TURN * _HALF], np.float32)
    for _ in range(steps):
        seen, across, along = np.moveaxis(_warped(mosaic, motion), -1, 0)
        moves = (across, along, (across * x + along * y) / _HALF, (along * x - across * y) / _HALF)
        fitted = _solved(wanted, np.stack([seen, *(gain[:, None] * move for move in moves)], axis=1))
        gain = np.clip(fitted[:, 0], 0.2, 3.0)
        motion = np.clip(motion + np.clip(fitted[:, 1:], -_STEP, _STEP), -limits, limits)
    return motion, gain


def _likeness(pictures: np.ndarray, targets: np.ndarray, motion: np.ndarray) -> np.ndarray:
    """Return how much of what is fine in the targets the moved pictures explain, (P,) float32."""
    return _explained(_detail(_inside(targets)), _detail(_warped(_mosaic(pictures[..., None]), motion)[..., 0]))


def _detail(images: np.ndarray) -> np.ndarray:
    """Return pictures (..., 196) without what is coarse: dark hair around a bright face is in all of them."""
    planes = images.reshape(*images.shape[:-1], INNER, INNER)
    window = _window(_COARSE)[_RING : SIDE - _RING, _RING : SIDE - _RING]
    window = window / window.sum(axis=1, keepdims=True)
    found: np.ndarray = (planes - window @ planes @ window.T).reshape(images.shape)
    return _centred(found)


def _explained(wanted: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Return the correlation of (P, M) with (P, M), both centred, 0 to 1; of nothing at all with nothing it is 1."""
    squares = np.einsum("pm,pm->p", seen, seen)
    weight = np.einsum("pm,pm->p", seen, wanted) / ((1 + _RIDGE) * squares + _RIDGE)
    left = wanted - weight[:, None] * seen
    # A picture of one colour has nothing to explain but rounding: half a step in a cell.
    floor = 0.25 * wanted.shape[1]
    whole = np.einsum("pm,pm->p", wanted, wanted)
    share = 1 - np.einsum("pm,pm->p", left, left) / np.maximum(whole, floor)
    return np.sqrt(np.clip(share, 0, 1)).astype(np.float32)


def _solved(wanted: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Return the least-squares weights (P, k) of columns (P, k, M) for (P, M); those after the first are damped."""
    columns = _centred(columns)
    normal = columns @ columns.transpose(0, 2, 1)
    right = np.einsum("pkm,pm->pk", columns, wanted)
    damping = np.empty(normal.shape[:2], np.float32)
    damping[:, 0] = _RIDGE * normal[:, 0, 0] + _RIDGE
    damping[:, 1:] = _DAMPING * np.mean(wanted**2, axis=1)[:, None] + _RIDGE
    diagonal = np.arange(normal.shape[1])
    normal[:, diagonal, diagonal] += damping
    found: np.ndarray = np.linalg.solve(normal, right[..., None])[..., 0]
    return found


def _mosaic(stack: np.ndarray) -> np.ndarray:
    """Return pictures (P, 16, 16, c) beside and below each other, so that OpenCV moves all of them in one call."""
    count = len(stack)
    rows = -(-count // _ACROSS)
    mosaic = np.zeros((rows * _ACROSS, *stack.shape[1:]), np.float32)
    mosaic[:count] = stack
    mosaic = mosaic.reshape(rows, _ACROSS, SIDE, SIDE, -1).transpose(0, 2, 1, 3, 4)
    return mosaic.reshape(rows * SIDE, _ACROSS * SIDE, -1)


def _warped(mosaic: np.ndarray, motion: np.ndarray) -> np.ndarray:
    """Return pictures moved by shifts, scale and turn (P, 4), inner cells alone: (P, 196, c)."""
    count = len(motion)
    x, y = _grid()
    scale, turn = 1 + motion[:, 2, None] / _HALF, motion[:, 3, None] / _HALF
    to_x = np.clip(scale * x - turn * y + motion[:, 0, None] + _HALF, 0, SIDE - 1)
    to_y = np.clip(turn * x + scale * y + motion[:, 1, None] + _HALF, 0, SIDE - 1)
    number = np.arange(count)[:, None]
    to_x, to_y = to_x + number % _ACROSS * SIDE, to_y + number // _ACROSS * SIDE
    moved = cv2.remap(mosaic, to_x.astype(np.float32), to_y.astype(np.float32), cv2.INTER_LINEAR)
    return moved.reshape(count, INNER * INNER, -1)


@lru_cache(maxsize=1)
def _grid() -> tuple[np.ndarray, np.ndarray]:
    """Return x and y of the inner cells from the middle, (196,) float32 each."""
    side = np.arange(INNER, dtype=np.float32) - (INNER - 1) / 2
    y, x = np.meshgrid(side, side, indexing="ij")
    return x.ravel(), y.ravel()


def _cells(signatures: np.ndarray) -> np.ndarray:
    return signatures.reshape(-1, SIDE, SIDE).astype(np.float32)


def _inside(images: np.ndarray) -> np.ndarray:
    return images[:, _RING : SIDE - _RING, _RING : SIDE - _RING].reshape(len(images), -1)


def _centred(values: np.ndarray) -> np.ndarray:
    return values - values.mean(axis=-1, keepdims=True)


def _blurred(images: np.ndarray, width: float) -> np.ndarray:
    if not width:
        return images
    window = _window(width)
    found: np.ndarray = window @ images @ window.T
    return found


@lru_cache(maxsize=4)
def _window(width: float) -> np.ndarray:
    """Return the matrix (16, 16), float32, that blurs a side with a Gaussian of so many cells."""
    cells = np.arange(SIDE)
    shares = np.exp(-0.5 * ((cells[:, None] - cells) / width) ** 2)
    return (shares / shares.sum(axis=1, keepdims=True)).astype(np.float32)
