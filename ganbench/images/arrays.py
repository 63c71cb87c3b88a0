"""Images that are already numbers: NumPy arrays, array files and torch tensors."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ganbench.errors import SourceError
from ganbench.images.limits import ArchiveLimits
from ganbench.images.resize import Resize
from ganbench.images.source import Source

if TYPE_CHECKING:
    import torch


class ArraySource(Source):
    """Images in one array, (N, H, W, 3); float values are mapped to bytes by an explicit range."""

    def __init__(
        self, label: str, array: np.ndarray, *, value_range: tuple[float, float] | None, resize: Resize | None
    ) -> None:
        salt = "" if value_range is None else f"range {value_range[0]!r} {value_range[1]!r}"
        super().__init__(label, [str(i) for i in range(len(array))], resize=resize, salt=f"{array.shape} {salt}")
        self._array = array
        self._range = value_range

    @classmethod
    def of(
        cls,
        label: str,
        images: np.ndarray | torch.Tensor,
        *,
        value_range: tuple[float, float] | None,
        resize: Resize | None,
    ) -> ArraySource:
        """Check type, layout and range, and wrap the images.

        Raises:
            SourceError: not four axes with three channels, float without a range, or a range that makes no sense.
        """
        array = images if isinstance(images, np.ndarray) else _from_tensor(images)
        array = _channels_last(label, array)
        if len(array) == 0:
            raise SourceError(f"{label}: no image in it (shape {array.shape})")
        if 0 in array.shape:
            raise SourceError(f"{label}: images without a pixel (shape {array.shape})")
        if array.dtype == np.uint8:
            if value_range is not None:
                raise SourceError(f"{label}: uint8 images take no value_range; 0..255 is what they mean")
            return cls(label, array, value_range=None, resize=resize)
        if not np.issubdtype(array.dtype, np.floating):
            raise SourceError(
                f"{label}: pixels are {array.dtype}; expected uint8, or float with value_range=(low, high)"
            )
        if value_range is None:
            raise SourceError(
                f"{label}: float pixels need their range, such as value_range=(-1, 1) or (0, 1); it is never guessed"
            )
        low, high = map(float, value_range)
        if not (np.isfinite([low, high]).all() and low < high):
            raise SourceError(f"{label}: value_range {value_range} must be two finite numbers, low < high")
        return cls(label, array, value_range=(low, high), resize=resize)

    def content(self, index: int) -> memoryview:
        """Return the bytes of the image as stored."""
        return np.ascontiguousarray(self._array[index]).data.cast("B")

    def decode(self, index: int, content: bytes | memoryview) -> np.ndarray:
        """Return one image; floats become round-half-even((x - low) / (high - low) * 255).

        Raises:
            SourceError: a float outside the stated range, or NaN.
        """
        image = np.frombuffer(content, self._array.dtype).reshape(self._array.shape[1:])
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


def _from_tensor(images: torch.Tensor) -> np.ndarray:
    if not hasattr(images, "detach"):
        raise SourceError(f"cannot read images from {type(images).__name__}; expected a path, an array or a tensor")
    images = images.detach().cpu()
    return (images.numpy() if images.dtype.itemsize != 2 else images.float().numpy()).copy()


def _channels_last(label: str, array: np.ndarray) -> np.ndarray:
    if array.ndim != 4:
        raise SourceError(f"{label}: expected images of shape (N, H, W, 3) or (N, 3, H, W), got {array.shape}")
    last, first = array.shape[3] == 3, array.shape[1] == 3
    if last == first:
        why = "either axis could be the channels" if last else "no axis of three channels"
        raise SourceError(f"{label}: shape {array.shape}: {why}; expected (N, H, W, 3) or (N, 3, H, W)")
    return array if last else np.moveaxis(array, 1, 3)


def load_array(path: Path, limits: ArchiveLimits) -> np.ndarray:
    """Open an .npy (memory-mapped) or the one image array of an .npz, without pickles.

    Raises:
        SourceError: damaged, pickled, a decompression bomb, or several arrays and none called ``images`` or ``arr_0``.
    """
    try:
        if path.suffix.lower() == ".npy":
            return np.load(path, mmap_mode="r", allow_pickle=False)
        with zipfile.ZipFile(path) as file:
            limits.check_total(path, sum(info.file_size for info in file.infolist()))
        with np.load(path, allow_pickle=False) as file:
            names = file.files
            chosen = [n for n in ("images", "arr_0") if n in names] or (names if len(names) == 1 else [])
            if not chosen:
                raise SourceError(f"{path}: several arrays ({', '.join(names)}); name the one with the images 'images'")
            return file[chosen[0]]
    except (ValueError, OSError, EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError, MemoryError) as e:
        raise SourceError(f"{path}: not a readable array file ({e})") from e
