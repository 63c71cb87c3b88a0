"""Images moved downhill in FD[lite0] itself, by its gradient through the network.

With features X (n, D) centred, and the reference's covariance S = L L^T, the trace of (S_X S)^(1/2) is the sum of the
singular values of X L / sqrt(n - 1), since Tr sqrt(A B) is the nuclear norm of A^(1/2) B^(1/2), and the gradient of
that norm is U V^T. So the gradient of FD in all features of a set costs one decomposition; what it means for the pixels
of a batch is one pass backwards.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import torch

from ganbench.features.registry import EXTRACTORS
from ganbench.features.resize import resize_matrix
from ganbench.features.spec import BuildOptions
from ganbench.references.reference import Reference
from ganbench.system.progress import track
from ganbench.system.storage import atomic_write

BATCH = 25
_LOOK_EVERY = 4  # batches between looks at the gradient of FD in the features: a look costs as much as they do
EPOCHS = 8  # every image moves so often
RATE = 4.0  # of 255, the step of a pixel; falls to a tenth


class Frechet:
    """FD against a reference, and its gradient in the features."""

    def __init__(self, reference: Reference) -> None:
        moments = reference.features.moments
        values, vectors = np.linalg.eigh(moments.cov)
        self._mean = moments.mean
        self._root = (vectors * np.sqrt(np.maximum(values, 0))).astype(np.float32)
        self._trace = float(np.trace(moments.cov))

    def __call__(self, features: np.ndarray) -> tuple[float, np.ndarray]:
        """Return FD of features (n, D), and its gradient in them, (n, D)."""
        n = len(features)
        mean = features.mean(0, dtype=np.float64)
        centred = (features - mean).astype(np.float32)
        # Of n x n, which is smaller than n x D or D x D: M M^T = U s^2 U^T, and U V^T = U s^-1 U^T M.
        mixed = centred @ self._root
        squares, left = np.linalg.eigh(mixed @ mixed.T)
        singular = np.sqrt(np.maximum(squares, 1e-9 * squares[-1]))
        polar = left / singular @ (left.T @ mixed)
        gap = mean - self._mean
        value = gap @ gap + float((centred**2).sum()) / (n - 1) + self._trace - 2 * singular.sum() / np.sqrt(n - 1)
        gradient = 2 * centred / (n - 1) - 2 / np.sqrt(n - 1) * (polar @ self._root.T) + 2 / n * gap
        return float(value), gradient.astype(np.float32)


class Climb:
    """A set of images on its way down; what there is of it is kept in a file after every epoch."""

    def __init__(self, start: np.ndarray, reference: Reference, kept: Path) -> None:
        """Set up; goes on where the file says.

        Args:
            start: images to begin with, uint8 (n, H, W, 3).
            reference: of lite0.
            kept: the file.
        """
        options = BuildOptions(device="cpu")
        lite0 = EXTRACTORS["lite0"]
        self._network = lite0.build(lite0.specify(options), options).to(memory_format=torch.channels_last)
        self._distance = Frechet(reference)
        self._rows = torch.from_numpy(resize_matrix("bicubic-aa", start.shape[1], 224).copy())
        self._kept = kept
        self.values = start.astype(np.float32)
        self.done, self.course = 0, []
        self._speed = np.zeros_like(self.values), np.zeros_like(self.values)
        with suppress(FileNotFoundError), np.load(kept) as old:
            self.values, self.done, self.course = old["values"], int(old["done"]), old["course"].tolist()
            self._speed = old["first"], old["second"]

    def _features(self, values: torch.Tensor) -> torch.Tensor:
        resized = self._rows @ values.permute(0, 3, 1, 2) @ self._rows.T
        return self._network(resized.contiguous(memory_format=torch.channels_last))

    def _all_features(self) -> np.ndarray:
        with torch.no_grad():
            batches = (self.values[i : i + BATCH] for i in range(0, len(self.values), BATCH))
            return np.concatenate([self._features(torch.from_numpy(batch)).numpy() for batch in batches])

    def run(self, epochs: int = EPOCHS, rate: float = RATE) -> np.ndarray:
        """Move all images ``epochs`` times; returns them, uint8."""
        if self.done < epochs:
            features = self._all_features()
            with track("moving downhill in FD", epochs, self.done, unit="rounds") as advance:
                for epoch in range(self.done, epochs):
                    step = rate * 0.1 ** (epoch / epochs)
                    for number, rows in enumerate(_batches(len(self.values), epoch)):
                        if number % _LOOK_EVERY == 0:
                            gradient = self._distance(features)[1]
                        self._move(rows, features, gradient, step, epoch)
                    self.course.append(self._distance(features)[0])
                    self.done = epoch + 1
                    self._keep()
                    advance(1, f"FD {self.course[-1]:.1f}")
        return np.clip(np.rint(self.values), 0, 255).astype(np.uint8)

    def _move(self, rows: np.ndarray, features: np.ndarray, gradient: np.ndarray, step: float, epoch: int) -> None:
        """Move a batch by Adam (Kingma and Ba 2015), and take in what its features have become."""
        pixels = torch.from_numpy(self.values[rows]).requires_grad_()
        found = self._features(pixels)
        features[rows] = found.detach().numpy()
        (slope,) = torch.autograd.grad((found * torch.from_numpy(gradient[rows])).sum(), pixels)
        first, second = self._speed
        first[rows] = 0.7 * first[rows] + 0.3 * slope.numpy()
        second[rows] = 0.9 * second[rows] + 0.1 * slope.numpy() ** 2
        mean, square = first[rows] / (1 - 0.7 ** (epoch + 1)), second[rows] / (1 - 0.9 ** (epoch + 1))
        # One scale for an image: with one for every pixel, noise that nothing depends on would move as far.
        scale = np.sqrt(square.mean((1, 2, 3), keepdims=True)) + 1e-12
        self.values[rows] = np.clip(self.values[rows] - step * mean / scale, 0, 255)

    def _keep(self) -> None:
        with atomic_write(self._kept) as f:
            np.savez(
                f,
                values=self.values,
                done=self.done,
                course=np.array(self.course),
                first=self._speed[0],
                second=self._speed[1],
            )


def _batches(count: int, epoch: int) -> Iterator[np.ndarray]:
    order = np.random.default_rng(epoch).permutation(count)
    for start in range(0, count, BATCH):
        yield order[start : start + BATCH]


def noise(rng: np.random.Generator, count: int, size: int) -> np.ndarray:
    """Return smooth noise to begin with: uniform noise lies where the network tells nothing apart."""
    import cv2

    coarse = rng.integers(0, 256, (count, 8, 8, 3), np.uint8)
    return np.stack([cv2.resize(image, (size, size), interpolation=cv2.INTER_CUBIC) for image in coarse])
