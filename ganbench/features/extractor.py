"""Extractors: uint8 images in, float32 features out, with a specification that pins every choice in between."""

from __future__ import annotations

import hashlib
import importlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from ganbench.errors import MetricError
from ganbench.features.resize import resize_matrix
from ganbench.registry import Registry

if TYPE_CHECKING:
    from torch import nn

BATCH = 32  # images per network call: the fastest of 8, 16, 32 and 64 on two cores, and small in memory


@dataclass(frozen=True)
class ExtractorSpec:
    """Everything that decides a feature's value.

    Attributes:
        name: registry name, ``lite0``; a resize protocol other than the default follows a colon, ``inception:clean``.
        version: raised whenever the arithmetic changes; results of different versions do not compare.
        feature_size: length of a feature vector.
        input_size: side of the square that the network sees, pixels.
        resize: a protocol of ``ganbench.features.resize.RESIZES``.
        weights_sha256: hash of the weights file, 64 hex digits.
        logits: number of class logits that the network also returns; 0 for none.
        precision: ``fp32`` or ``bf16``.
        note: what else a reader of the numbers must know, such as weights that are not the published ones.
    """

    name: str
    version: int
    feature_size: int
    input_size: int
    resize: str
    weights_sha256: str
    logits: int = 0
    precision: str = "fp32"
    note: str = ""

    @property
    def protocol(self) -> str:
        """One line for the protocol column of a scorecard."""
        return (
            f"{self.name} v{self.version}, {self.resize} to {self.input_size} px, "
            f"weights {self.weights_sha256[:8]}, {self.precision}{', ' if self.note else ''}{self.note}"
        )

    def key(self) -> str:
        """Return a hash of all fields, for cache file names."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()


class Runner(Protocol):
    """Runs a network on some device: uint8 (N, H, W, 3) and the two resize matrices in, one array per output back."""

    def __call__(self, pixels: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> list[np.ndarray]:
        """Return features (N, D) and, if the network has them, logits (N, K), as float32."""
        ...


@dataclass
class BuildOptions:
    """How the user wants an extractor built."""

    weights: Path | None = None
    device: str = "auto"
    precision: str = "fp32"
    resize: str | None = None


class Extractor:
    """Computes features of uint8 images; the result of an image does not depend on its neighbours in a batch."""

    def __init__(self, spec: ExtractorSpec, runner: Runner) -> None:
        self.spec = spec
        self._run = runner

    def __call__(self, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """Compute features.

        Args:
            pixels: uint8 array (N, H, W, 3), RGB, any H and W.

        Returns:
            float32 features (N, D), and float32 logits (N, K) or None.

        Raises:
            MetricError: ``pixels`` is of another type or shape.
        """
        if pixels.dtype != np.uint8 or pixels.ndim != 4 or pixels.shape[3] != 3:
            raise MetricError(
                f"an extractor takes uint8 images of shape (N, H, W, 3), got {pixels.dtype} {pixels.shape}"
            )
        size, resize = self.spec.input_size, self.spec.resize
        rows = resize_matrix(resize, pixels.shape[1], size)
        columns = resize_matrix(resize, pixels.shape[2], size).T
        parts = [self._run(pixels[i : i + BATCH], rows, columns) for i in range(0, len(pixels), BATCH)]
        features = np.concatenate([p[0] for p in parts]) if parts else np.empty((0, self.spec.feature_size), np.float32)
        return features, np.concatenate([p[1] for p in parts]) if parts and self.spec.logits else None


@dataclass(frozen=True)
class ExtractorEntry:
    """A registered extractor: where its builder lives, so that listing names loads no network library.

    ``module`` defines ``specify(options) -> ExtractorSpec``, cheap, which checks that the weights are there and right,
    and ``build(spec, options) -> nn.Module``, which maps resized float images (N, 3, S, S) in 0..255 to features.
    """

    module: str
    summary: str

    def functions(
        self,
    ) -> tuple[Callable[[BuildOptions], ExtractorSpec], Callable[[ExtractorSpec, BuildOptions], nn.Module]]:
        """Import the module and return its ``specify`` and ``build``."""
        module = importlib.import_module(self.module)
        return module.specify, module.build


EXTRACTORS: Registry[ExtractorEntry] = Registry("extractor")
EXTRACTORS.add(
    "lite0", ExtractorEntry("ganbench.features.lite0", "EfficientNet-lite0, 1280-d, weights come with the installation")
)
EXTRACTORS.add(
    "inception",
    ExtractorEntry("ganbench.features.inception", "Inception-v3 of 2015, 2048-d and logits: FID, KID, Inception Score"),
)


def load_extractor(name: str, options: BuildOptions | None = None) -> Extractor:
    """Build the extractor ``NAME`` or ``NAME:RESIZE`` for the device that the options choose.

    Raises:
        UnknownName: no such extractor or resize protocol.
        AssetMissing: its weights are not on this machine.
        AssetError: its weights are not the pinned ones.
    """
    from ganbench.features.runtime import make_runner

    options = options or BuildOptions()
    base, _, resize = name.partition(":")
    if resize:
        options = BuildOptions(options.weights, options.device, options.precision, resize)
    specify, build = EXTRACTORS[base].functions()
    spec = specify(options)
    return Extractor(spec, make_runner(spec, lambda: build(spec, options), options.device))
