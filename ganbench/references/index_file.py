"""The index in a reference file: its arrays, what is said of them, and what is believed of both."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from ganbench.errors import ReferenceError
from ganbench.images.joint import PackedNames
from ganbench.statistics.index import ImageIndex
from ganbench.statistics.projection import AXES, Projection
from ganbench.statistics.signatures import LENGTH
from ganbench.system.memory import usable

MOST_IMAGES = 10_000_000
_MOST_NAME = 1024  # bytes of a name, on average
_LARGEST = 1e30  # of any number, in size
_COUNT = Annotated[int, Field(ge=1, le=MOST_IMAGES)]
ARRAYS = ("index_mean", "index_axes", "codes", "signatures", "nearest", "positions", "names")


class IndexMeta(BaseModel):
    """What a reference says of its index."""

    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)
    images: _COUNT
    axes: Annotated[int, Field(ge=1, le=AXES)]
    step: Annotated[float, Field(gt=0, lt=_LARGEST)]
    signatures: Annotated[str, Field(max_length=256)]
    signature_bytes: Annotated[int, Field(ge=1, le=4 * LENGTH)]


def describe(index: ImageIndex) -> dict[str, Any]:
    """Return what is said of an index, by the fields of ``IndexMeta``."""
    return {
        "images": len(index),
        "axes": index.codes.shape[1],
        "step": index.projection.step,
        "signatures": index.form,
        "signature_bytes": index.signatures.shape[1],
    }


def pack(index: ImageIndex) -> dict[str, np.ndarray]:
    """Return the arrays of an index as they are stored.

    Codes and signatures lie number by number instead of image by image, which packs tighter. Names end in a zero byte.
    """
    names = b"".join(name.encode("utf-8", "surrogateescape") + b"\0" for name in index.names)
    return {
        "index_mean": index.projection.mean,
        "index_axes": index.projection.axes.astype(np.float16),  # which they are, in float32
        "codes": np.ascontiguousarray(index.codes.T),
        "signatures": np.ascontiguousarray(index.signatures.T),
        "nearest": index.nearest,
        "positions": index.positions,
        "names": np.frombuffer(names, np.uint8),
    }


def shapes(meta: IndexMeta, size: int, names: tuple[int, ...]) -> dict[str, tuple[np.dtype, tuple[int, ...]]]:
    """Return type and shape that each array must have.

    Args:
        meta: what the reference says of the index.
        size: its number of features.
        names: shape of the array of names, whose length is its own affair within bounds.

    Raises:
        ReferenceError: the arrays would take more memory than this process may use, or names that are none.
    """
    count = meta.images
    if len(names) != 1 or not count <= names[0] <= _MOST_NAME * count:
        raise ReferenceError(f"names of {count:,} images in an array of shape {names}")
    wanted: dict[str, tuple[np.dtype, tuple[int, ...]]] = {
        "index_mean": (np.dtype("<f4"), (size,)),
        "index_axes": (np.dtype("<f2"), (size, meta.axes)),
        "codes": (np.dtype("i1"), (meta.axes, count)),
        "signatures": (np.dtype("u1"), (meta.signature_bytes, count)),
        "nearest": (np.dtype("<f4"), (count,)),
        "positions": (np.dtype("<i8"), (count,)),
        "names": (np.dtype("u1"), names),
    }
    need = sum(dtype.itemsize * int(np.prod(shape, dtype=np.int64)) for dtype, shape in wanted.values())
    if 2 * need > usable():  # each is turned around once
        raise ReferenceError(
            f"its index of {count:,} images takes {need >> 20:,} MB, and this process may use {usable() >> 20:,} MB"
        )
    return wanted


def unpack(meta: dict[str, Any], arrays: dict[str, np.ndarray]) -> ImageIndex:
    """Return the index in arrays that were checked."""
    axes = arrays["index_axes"].astype(np.float32)
    names = arrays["names"]
    ends = np.flatnonzero(names == 0)
    block = names[names != 0].tobytes()
    return ImageIndex(
        Projection(arrays["index_mean"], axes, meta["step"]),
        np.ascontiguousarray(arrays["codes"].T),
        np.ascontiguousarray(arrays["signatures"].T),
        meta["signatures"],
        arrays["nearest"],
        arrays["positions"],
        PackedNames("", block, ends - np.arange(len(ends))),
    )


def refuse(meta: IndexMeta, arrays: dict[str, np.ndarray]) -> None:
    """Refuse numbers that are none of an index.

    Raises:
        ReferenceError: with the reason.
    """
    for name in ("index_mean", "index_axes"):
        if not float(np.abs(arrays[name]).max()) <= _LARGEST:
            raise ReferenceError(f"{name} holds NaN, infinite or absurd values")
    nearest, positions, names = arrays["nearest"], arrays["positions"], arrays["names"]
    if not (nearest >= 0).all():
        raise ReferenceError("a distance to the nearest other image is negative or NaN")
    if positions[0] < 0 or (np.diff(positions) <= 0).any():
        raise ReferenceError("the places of the images in their source are none")
    if names[-1] or int((names == 0).sum()) != meta.images:
        raise ReferenceError(f"it does not hold {meta.images:,} names of images")
