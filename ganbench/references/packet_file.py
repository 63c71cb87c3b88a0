"""The wavelet packets in a reference file: their arrays, what is said of them, and what is believed of both.

The level follows from the size of the images: as deep as leaves packets of 4 coefficients a side. At 64x64 that is the
level 4 of the paper, with 256 packets of 48 numbers: 1.2 MB of covariances, and 1,000 images are twenty times as many
as the numbers whose covariance they give. Less deep packets take more room for fewer frequencies: 10 MB at level 3.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from ganbench.errors import MetricError, ReferenceError
from ganbench.metrics.factors import rounding_of
from ganbench.statistics.packets import DEEPEST, TRANSFORM, PacketMoments, packet_level, packet_shape, symmetric

ARRAYS = ("packet_mean", "packet_upper")


class PacketMeta(BaseModel):
    """What a reference says of its wavelet packets."""

    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)
    transform: Literal["haar v1"]
    level: Annotated[int, Field(ge=1, le=DEEPEST)]


def describe(moments: PacketMoments) -> dict[str, Any]:
    """Return what is said of packets, by the fields of ``PacketMeta``."""
    return {"transform": TRANSFORM, "level": moments.level}


def pack(moments: PacketMoments) -> dict[str, np.ndarray]:
    """Return the arrays of packets as they are stored: covariances as upper triangles in float32."""
    rows, columns = np.triu_indices(moments.cov.shape[1])
    return {"packet_mean": moments.mean, "packet_upper": moments.cov[:, rows, columns].astype(np.float32)}


def shapes(meta: PacketMeta, image_size: list[int] | None) -> dict[str, tuple[np.dtype, tuple[int, ...]]]:
    """Return type and shape that each array must have.

    Args:
        meta: what the reference says of its packets.
        image_size: what it says of its images: height and width.

    Raises:
        ReferenceError: images of no size, or of one that has no such packets or too large ones.
    """
    if image_size is None:
        raise ReferenceError("it holds wavelet packets of images of no size")
    height, width = image_size
    try:
        level = packet_level(height, width)
    except MetricError as e:
        raise ReferenceError(str(e)) from e
    if level != meta.level:
        raise ReferenceError(
            f"wavelet packets of level {meta.level}, and those of {height}x{width} images have {level}"
        )
    count, numbers = packet_shape(height, width, level)
    upper = numbers * (numbers + 1) // 2
    return {
        "packet_mean": (np.dtype("<f8"), (count, numbers)),
        "packet_upper": (np.dtype("<f4"), (count, upper)),
    }


def unpack(meta: dict[str, Any], image_size: tuple[int, int], n: int, arrays: dict[str, np.ndarray]) -> PacketMoments:
    """Return the packets in arrays that were checked, of ``n`` images."""
    mean = arrays["packet_mean"]
    cov = symmetric(arrays["packet_upper"], mean.shape[1]).astype(np.float64)
    return PacketMoments(n, image_size, meta["level"], np.asarray(mean, np.float64), cov)


def refuse(meta: PacketMeta, arrays: dict[str, np.ndarray]) -> None:
    """Refuse numbers that are none of pixels from 0 to 1.

    Raises:
        ReferenceError: with the reason.
    """
    mean, upper = arrays["packet_mean"], arrays["packet_upper"]
    largest = 1.01 * 2.0**meta.level  # a coefficient is at most the sum of a block of pixels, over 2^level
    if not (np.abs(mean).max() <= largest and np.abs(upper).max() <= largest**2):
        raise ReferenceError("the wavelet packets hold NaN, infinite or absurd values")
    size = mean.shape[1]
    row = np.arange(size)
    variances = upper[:, row * size - row * (row - 1) // 2].astype(np.float64)
    if variances.min() < -rounding_of(variances.ravel(), mean.ravel()):
        raise ReferenceError("the variance of a wavelet packet is negative, and no variance is")
