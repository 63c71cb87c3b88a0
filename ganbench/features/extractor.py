"""Extractors: uint8 images in, float32 features out, with a specification that pins every choice in between."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from ganbench.errors import MetricError
from ganbench.features.resize import resize_matrix
from ganbench.features.spec import ExtractorSpec
from ganbench.system.code import plugin_errors

if TYPE_CHECKING:
    import torch

BATCH = 32  # images that are decoded, and on CUDA run, together


class Runner(Protocol):
    """Runs a network on some device: uint8 (N, H, W, 3) and the two resize matrices in, one array per output back."""

    def __call__(self, pixels: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> list[np.ndarray]:
        """Return features (N, D) and, if the network has them, logits (N, K), as float32."""
        ...


class Extractor:
    """Computes features of uint8 images; the result of an image does not depend on its neighbours in a batch.

    It never changes, and any number of threads may use one. ``ganbench.testing.check_extractor`` tests that.
    """

    def __init__(self, spec: ExtractorSpec, runner: Runner, again: Callable[..., Extractor] | None = None) -> None:
        """Set up; ``load_extractor`` does it.

        Args:
            spec: what decides its features.
            runner: runs the network.
            again: loads the same extractor once more, given ``note`` and ``first`` of ``load_extractor`` or nothing; it
                can be pickled, and is what stands for this one in a pickle.
        """
        self.spec = spec
        self._run = runner
        self.again = again

    @property
    def runtime(self) -> str:
        """What runs the network, and on what; it moves the last digits of features, and is no part of the protocol."""
        return str(getattr(self._run, "runtime", ""))  # a function that was put in by hand says nothing

    def __deepcopy__(self, memo: dict[int, Any]) -> Extractor:
        """Return itself: it never changes, and a network session cannot be copied."""
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle how it was loaded, not the network: a session is of this process and this machine."""
        if self.again is None:
            raise TypeError(f"{self.spec.name} was put together by hand: only what load_extractor made can be pickled")
        return _load_again, (self.again, self.spec)

    def __call__(self, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """Compute features.

        Args:
            pixels: uint8 array (N, H, W, 3), RGB, any H and W.

        Returns:
            float32 features (N, D), and float32 logits (N, K) or None.

        Raises:
            MetricError: ``pixels`` is of another type or shape, or the network gives another number of outputs than the
                specification says.
        """
        if pixels.dtype != np.uint8 or pixels.ndim != 4 or pixels.shape[3] != 3:
            raise MetricError(
                f"an extractor takes uint8 images of shape (N, H, W, 3), got {pixels.dtype} {pixels.shape}"
            )
        size, resize = self.spec.input_size, self.spec.resize
        rows = resize_matrix(resize, pixels.shape[1], size)
        columns = resize_matrix(resize, pixels.shape[2], size).T
        with plugin_errors(f"the extractor {self.spec.name}", bool(self.spec.code)):
            parts = [self._run(pixels[i : i + BATCH], rows, columns) for i in range(0, len(pixels), BATCH)]
        promised = 2 if self.spec.logits else 1
        if any(len(part) != promised for part in parts):
            what = "features and logits" if self.spec.logits else "features"
            raise MetricError(f"{self.spec.name}: its specification promises {what}, its network gives something else")
        features = np.concatenate([p[0] for p in parts]) if parts else np.empty((0, self.spec.feature_size), np.float32)
        if features.shape != (len(pixels), self.spec.feature_size):
            raise MetricError(
                f"{self.spec.name}: {len(pixels)} images gave features of shape {features.shape}, and "
                f"{self.spec.feature_size} numbers of each image were promised"
            )
        return features, np.concatenate([p[1] for p in parts]) if parts and self.spec.logits else None


class FloatRunner(Protocol):
    """Runs a network on images that need not be whole grey levels."""

    def on_floats(self, images: torch.Tensor, rows: np.ndarray, columns: np.ndarray) -> list[np.ndarray]:
        """Return what ``Runner`` does, of float32 images (N, 3, H, W) in 0..255 on the network's device."""
        ...


class FloatExtractor:
    """Computes features of images between the grey levels: how they change where an image changes a little."""

    def __init__(self, spec: ExtractorSpec, runner: FloatRunner) -> None:
        """Set up; ``load_for_floats`` does it.

        Args:
            spec: what decides its features.
            runner: runs the network.
        """
        self.spec = spec
        self._run = runner

    def __call__(self, images: torch.Tensor) -> np.ndarray:
        """Return float32 features, (N, D), of float32 images, (N, 3, H, W) in 0..255, on the network's device."""
        size, resize = self.spec.input_size, self.spec.resize
        rows = resize_matrix(resize, images.shape[2], size)
        columns = resize_matrix(resize, images.shape[3], size).T
        with plugin_errors(f"the extractor {self.spec.name}", bool(self.spec.code)):
            return self._run.on_floats(images, rows, columns)[0]


def _load_again(load: Callable[[], Extractor], spec: ExtractorSpec) -> Extractor:
    """Load an extractor that arrived in a pickle; raises MetricError where it would compute something else here."""
    return same_extractor(load(), spec)


def same_extractor(found: Extractor, spec: ExtractorSpec) -> Extractor:
    """Return an extractor that was loaded here for one from elsewhere.

    Raises:
        MetricError: here it would compute something else.
    """
    if found.spec != spec:
        raise MetricError(
            f"{spec.name} is another one here: {found.spec.protocol}; where it came from: {spec.protocol}"
        )
    return found
