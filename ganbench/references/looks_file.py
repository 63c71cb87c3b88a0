"""The looks of real images in a reference file: their arrays, what is said of them, and what is believed of both."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from ganbench.errors import ReferenceError
from ganbench.looks.measures import FORM, NAMES
from ganbench.looks.real import RealLooks
from ganbench.statistics.projection import AXES

ARRAYS = ("look_centre", "look_scale", "look_mean", "look_upper", "look_traces", "kinds")
_LARGEST = 1e6  # of any number, in size
_MOST_KINDS = 4096


class LooksMeta(BaseModel):
    """What a reference says of the looks of its images."""

    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)
    form: Literal["looks v1"]
    images: Annotated[int, Field(ge=2, lt=2**53)]
    tail: Annotated[float, Field(gt=0, lt=1e6)]
    kinds: Annotated[list[Annotated[int, Field(ge=2, le=_MOST_KINDS)]], Field(max_length=16)]


def describe(looks: RealLooks, kinds: tuple[np.ndarray, ...]) -> dict[str, Any]:
    """Return what is said of looks, by the fields of ``LooksMeta``."""
    return {"form": FORM, "images": looks.n, "tail": looks.tail, "kinds": [len(centres) for centres in kinds]}


def pack(looks: RealLooks, kinds: tuple[np.ndarray, ...]) -> dict[str, np.ndarray]:
    """Return the arrays as they are stored: the covariance as its upper triangle in float32, traces in float16."""
    rows, columns = np.triu_indices(len(looks.mean))
    return {
        "look_centre": looks.centre, "look_scale": looks.scale, "look_mean": looks.mean,
        "look_upper": looks.cov[rows, columns].astype(np.float32), "look_traces": looks.traces.astype(np.float16),
        "kinds": np.concatenate([np.empty((0, kinds[0].shape[1] if kinds else 1), np.int8), *kinds]),
    }  # fmt: skip


def shapes(meta: LooksMeta, kinds: tuple[int, ...]) -> dict[str, tuple[np.dtype, tuple[int, ...]]]:
    """Return type and shape that each array must have.

    Args:
        meta: what the reference says of its looks.
        kinds: shape of the array of kinds, of which the axes of the index decide the columns.

    Raises:
        ReferenceError: kinds of no codes.
    """
    if len(kinds) != 2 or not 1 <= kinds[1] <= AXES:
        raise ReferenceError(f"kinds of shape {kinds} are not those of codes")
    from ganbench.looks.alterations import alterations  # with OpenCV's and Pillow's filters

    count = len(NAMES)
    sizes = {
        "look_centre": ("<f8", (count,)), "look_scale": ("<f8", (count,)), "look_mean": ("<f8", (count,)),
        "look_upper": ("<f4", (count * (count + 1) // 2,)), "look_traces": ("<f2", (len(alterations()), count)),
        "kinds": ("i1", (sum(meta.kinds), kinds[1])),
    }  # fmt: skip
    return {name: (np.dtype(kind), shape) for name, (kind, shape) in sizes.items()}


def unpack(meta: dict[str, Any], arrays: dict[str, np.ndarray]) -> tuple[RealLooks, tuple[np.ndarray, ...]]:
    """Return looks and kinds of arrays that were checked."""
    mean = np.asarray(arrays["look_mean"], np.float64)
    rows, columns = np.triu_indices(len(mean))
    cov = np.empty((len(mean), len(mean)))
    cov[rows, columns] = cov[columns, rows] = arrays["look_upper"]
    looks = RealLooks(
        meta["images"], np.asarray(arrays["look_centre"], np.float64), np.asarray(arrays["look_scale"], np.float64),
        mean, cov, arrays["look_traces"].astype(np.float32), meta["tail"],
    )  # fmt: skip
    ends = np.cumsum(meta["kinds"], dtype=np.int64)[:-1]
    return looks, tuple(np.split(arrays["kinds"], ends)) if meta["kinds"] else ()


def refuse(meta: LooksMeta, arrays: dict[str, np.ndarray], axes: int | None) -> None:
    """Refuse numbers that are none of measures.

    Args:
        meta: what the reference says of its looks.
        arrays: its arrays.
        axes: of the codes of its index; None without one.

    Raises:
        ReferenceError: with the reason.
    """
    for name in ARRAYS[:-1]:
        if not np.abs(arrays[name].astype(np.float64)).max(initial=0.0) <= _LARGEST:
            raise ReferenceError("the looks hold NaN, infinite or absurd values")
    size = len(arrays["look_mean"])
    row = np.arange(size)
    if arrays["look_scale"].min() <= 0 or arrays["look_upper"][row * size - row * (row - 1) // 2].min() <= 0:
        raise ReferenceError("the spread of a measure of looks is not above 0")
    if meta.kinds and arrays["kinds"].shape[1] != axes:
        raise ReferenceError("its kinds are not of the codes of its index")
