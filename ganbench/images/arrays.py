"""Images that are already numbers: NumPy arrays, array files and torch tensors."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np

from ganbench.errors import SourceError
from ganbench.images.decode import MAX_PIXELS
from ganbench.images.joint import Numbers
from ganbench.images.resize import Resize
from ganbench.images.source import Source
from ganbench.system.memory import budget

if TYPE_CHECKING:
    import torch


_BYTES_PER_IMAGE = 64  # that its digest takes, however small it is

# What arrays of other shapes probably are, and what would make images of them.
_ONE_IMAGE = "Is it one image? Then save array[None]"
_GREY = "Are they grayscale? Then save numpy.repeat(array{axis}, 3, {channels})"
_RGBA = "Is the fourth channel transparency? Then composite them on one colour first"


@runtime_checkable
class Rows(Protocol):
    """Rows of an array, wherever they are kept; they pickle as what it takes to have those alone."""

    def __call__(self) -> np.ndarray:
        """Return them. Safe to call from threads."""
        ...

    def part(self, start: int, stop: int) -> Rows:
        """Return some of them."""
        ...


@dataclass(frozen=True, eq=False)
class _Held:
    """Rows of an array of this process, which nobody else can read: they travel as they are."""

    array: np.ndarray

    @classmethod
    def of(cls, images: np.ndarray | torch.Tensor) -> _Held:
        return cls(images if isinstance(images, np.ndarray) else _from_tensor(images))

    def __call__(self) -> np.ndarray:
        return self.array

    def part(self, start: int, stop: int) -> _Held:
        return _Held(self.array[start:stop])


class ArraySource(Source):
    """Images in one array, (N, H, W, 3); float values are mapped to bytes by an explicit range."""

    def __init__(
        self, label: str, stored: Rows, *, value_range: tuple[float, float] | None, resize: Resize | None
    ) -> None:
        array = _channels_last(label, stored())
        salt = "" if value_range is None else f"range {value_range[0]!r} {value_range[1]!r}"
        super().__init__(label, Numbers("", len(array)), resize=resize, salt=f"{array.shape} {salt}")
        self._stored = stored
        self._shape, self._dtype = array.shape[1:], array.dtype
        self._channels_first = stored().shape != array.shape
        self._range = value_range
        self.shaping = {"value_range": None if value_range is None else list(value_range)}

    @classmethod
    def of(
        cls,
        label: str,
        images: np.ndarray | torch.Tensor | Rows,
        *,
        value_range: tuple[float, float] | None,
        resize: Resize | None,
    ) -> ArraySource:
        """Check type, layout and range, and wrap the images.

        Raises:
            SourceError: not four axes with three channels, float without a range, or a range that makes no sense.
        """
        stored = images if isinstance(images, Rows) else _Held.of(images)
        array = _channels_last(label, stored())
        if len(array) == 0:
            raise SourceError(f"{label}: no image in it (shape {array.shape})")
        if 0 in array.shape:
            raise SourceError(f"{label}: images without a pixel (shape {array.shape})")
        _check_amount(label, array)
        if array.dtype == np.uint8:
            if value_range is not None:
                raise SourceError(f"{label}: uint8 images take no value_range; 0..255 is what they mean")
            return cls(label, stored, value_range=None, resize=resize)
        if not np.issubdtype(array.dtype, np.floating):
            raise SourceError(
                f"{label}: pixels are {array.dtype}; expected uint8, or float with value_range=(low, high). "
                "Are they 0 to 255? Then save array.astype('uint8')"
            )
        if value_range is None:
            raise SourceError(
                f"{label}: float pixels need their range, such as value_range=(-1, 1) or (0, 1); it is never guessed. "
                "That is an argument in Python; for a command, save them as uint8"
            )
        low, high = map(float, value_range)
        if not (np.isfinite([low, high]).all() and low < high):
            raise SourceError(f"{label}: value_range {value_range} must be two finite numbers, low < high")
        return cls(label, stored, value_range=(low, high), resize=resize)

    def content(self, index: int) -> memoryview:
        """Return the bytes of the image as stored."""
        image = self._stored()[index]
        return np.ascontiguousarray(np.moveaxis(image, 0, 2) if self._channels_first else image).data.cast("B")

    def decode(self, index: int, content: bytes | memoryview) -> np.ndarray:
        """Return one image; floats become round-half-even((x - low) / (high - low) * 255).

        Raises:
            SourceError: a float outside the stated range, or NaN.
        """
        image = np.frombuffer(content, self._dtype).reshape(self._shape)
        if self._range is None:
            return image
        low, high = self._range
        least, most = image.min(), image.max()  # NaN propagates
        if np.isnan(least):
            raise SourceError(f"{self.label}: image {index} holds NaN")
        slack = 1e-6 * (high - low)  # rounding of float32 at the ends of the range
        if not (least >= low - slack and most <= high + slack):
            raise SourceError(
                f"{self.label}: image {index} has values from {least:.4g} to {most:.4g}, "
                f"outside the stated range {low:g} to {high:g}"
            )
        scaled = (image.astype(np.float64) - low) * (255 / (high - low))
        return np.rint(np.clip(scaled, 0, 255)).astype(np.uint8)

    def _part(self, start: int, stop: int) -> Source:
        part = copy.copy(self)
        part._stored = self._stored.part(start, stop)
        return part


def _from_tensor(images: torch.Tensor) -> np.ndarray:
    if not hasattr(images, "detach"):
        raise SourceError(f"cannot read images from {type(images).__name__}; expected a path, an array or a tensor")
    images = images.detach().cpu()
    return (images.numpy() if images.dtype.itemsize != 2 else images.float().numpy()).copy()


def _check_amount(label: str, array: np.ndarray) -> None:
    """Refuse a shape that would take too much memory, whatever little file it stands in.

    Raises:
        SourceError: images of too many pixels, or too many images.
    """
    count, height, width, _ = array.shape
    if height * width > MAX_PIXELS:
        raise SourceError(f"{label}: images of {height}x{width} pixels are more than {MAX_PIXELS:,}")
    if count * _BYTES_PER_IMAGE > (most := budget() // 4):
        raise SourceError(
            f"{label}: {count:,} images of {height}x{width} pixels take more than the memory budget allows "
            f"({most // _BYTES_PER_IMAGE:,}); give them in parts"
        )


def _channels_last(label: str, array: np.ndarray) -> np.ndarray:
    expected = "expected images of shape (N, H, W, 3) or (N, 3, H, W)"
    shape = array.shape
    if array.ndim != 4:
        hint = ""
        if array.ndim == 3:
            hint = f". {_ONE_IMAGE if 3 in (shape[0], shape[2]) else _GREY.format(axis='[..., None]', channels=-1)}"
        raise SourceError(f"{label}: {expected}, got {shape}{hint}")
    last, first = shape[3] == 3, shape[1] == 3
    if last and first:
        raise SourceError(f"{label}: shape {shape}: either axis could be the channels; {expected}. Cut it otherwise")
    if not last and not first:
        hint = ""
        if 1 in (shape[1], shape[3]):
            hint = f". {_GREY.format(axis='', channels=-1 if shape[3] == 1 else 1)}"
        elif 4 in (shape[1], shape[3]):
            hint = f". {_RGBA}"
        raise SourceError(f"{label}: shape {shape}: no axis of three channels; {expected}{hint}")
    return array if last else np.moveaxis(array, 1, 3)
