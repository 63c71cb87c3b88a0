"""Extractors: uint8 images in, float32 features out, with a specification that pins every choice in between."""

from __future__ import annotations

import hashlib
import importlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from ganbench.errors import MetricError
from ganbench.features.resize import resize_matrix
from ganbench.registry import Registry

if TYPE_CHECKING:
    from torch import nn

BATCH = 32  # images that are decoded, and on CUDA run, together
PROBE = 4  # images on which the error of bf16 is measured; 4x4 noise, which the resize makes smooth


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
        note: what else a reader of the numbers must know: that the weights are not the published ones, the measured
            error of bf16. It follows from the other fields and the machine, and is not compared.
    """

    name: str
    version: int
    feature_size: int
    input_size: int
    resize: str
    weights_sha256: str
    logits: int = 0
    precision: str = "fp32"
    note: str = field(default="", compare=False)

    @property
    def protocol(self) -> str:
        """One line for the protocol column of a scorecard."""
        parts = [
            f"{self.name} v{self.version}",
            f"{self.resize} to {self.input_size} px",
            f"weights {self.weights_sha256[:8]}",
            self.precision,
            self.note,
        ]
        return ", ".join(part for part in parts if part)

    def key(self) -> str:
        """Return a hash of all fields but the note, for cache file names."""
        fields = asdict(self)
        del fields["note"]
        return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()


class Runner(Protocol):
    """Runs a network on some device: uint8 (N, H, W, 3) and the two resize matrices in, one array per output back."""

    def __call__(self, pixels: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> list[np.ndarray]:
        """Return features (N, D) and, if the network has them, logits (N, K), as float32."""
        ...


@dataclass(frozen=True)
class BuildOptions:
    """How the user wants an extractor built.

    Attributes:
        weights: weights file; None for the one that is installed.
        device: ``auto``, ``cpu`` or ``cuda``.
        precision: ``fp32`` or ``bf16``.
        resize: resize protocol; None for the extractor's default.
        name: the extractor's registered name, for modules that define several; ``load_extractor`` sets it.
    """

    weights: Path | None = None
    device: str = "auto"
    precision: str = "fp32"
    resize: str | None = None
    name: str = ""


class Extractor:
    """Computes features of uint8 images; the result of an image does not depend on its neighbours in a batch."""

    def __init__(self, spec: ExtractorSpec, runner: Runner) -> None:
        self.spec = spec
        self._run = runner

    def __deepcopy__(self, memo: dict) -> Extractor:
        """Return itself: it never changes, and a network session cannot be copied."""
        return self

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
    ``exportable`` tells whether the network may be exported to ONNX; large or foreign ones run in PyTorch everywhere.
    ``takes_weights`` tells whether ``--weights`` is for it; otherwise its weights come with the installation.
    """

    module: str
    summary: str
    exportable: bool = True
    takes_weights: bool = True

    def functions(
        self,
    ) -> tuple[Callable[[BuildOptions], ExtractorSpec], Callable[[ExtractorSpec, BuildOptions], nn.Module]]:
        """Import the module and return its ``specify`` and ``build``."""
        module = importlib.import_module(self.module)
        return module.specify, module.build


EXTRACTORS: Registry[ExtractorEntry] = Registry("extractor")
EXTRACTORS.add(
    "lite0",
    ExtractorEntry(
        "ganbench.features.lite0", "EfficientNet-lite0, 1280-d, weights come with the installation", takes_weights=False
    ),
)
EXTRACTORS.add(
    "inception",
    ExtractorEntry("ganbench.features.inception", "Inception-v3 of 2015, 2048-d and logits: FID, KID, Inception Score"),
)
for _name, _summary in (
    ("vgg16", "VGG16, 4096-d"),
    ("clip-vit-b-32", "CLIP ViT-B/32, 512-d"),
    ("dinov2-vit-s-14", "DINOv2 ViT-S/14, 384-d"),
    ("dinov2-vit-b-14", "DINOv2 ViT-B/14, 768-d"),
    ("dinov2-vit-l-14", "DINOv2 ViT-L/14, 1024-d"),
    ("dinov2-vit-g-14", "DINOv2 ViT-g/14, 1536-d"),
):
    EXTRACTORS.add(
        _name, ExtractorEntry("ganbench.features.fidelity", f"{_summary}, needs --weights", exportable=False)
    )


def takes_weights(name: str) -> bool:
    """Tell whether ``--weights`` is for the extractor of this name, ``NAME``, ``NAME:RESIZE`` or a user's own."""
    base = name.partition(":")[0]
    return base in EXTRACTORS and EXTRACTORS[base].takes_weights


def load_extractor(name: str, options: BuildOptions | None = None) -> Extractor:
    """Build the extractor ``NAME``, ``NAME:RESIZE`` or ``package.module:factory`` for the device of the options.

    Raises:
        UnknownName: no such extractor, resize protocol, module or factory.
        AssetMissing: its weights are not on this machine.
        AssetError: its weights are damaged, or are not the right ones.
    """
    options = options or BuildOptions()
    base, _, suffix = name.partition(":")
    if base not in EXTRACTORS and suffix:
        from ganbench.features.custom import load_custom

        spec, network = load_custom(name, options)
        return _assemble(spec, lambda: network, options.device, exportable=False)
    entry = EXTRACTORS[base]
    options = replace(options, name=base, resize=suffix or options.resize)
    specify, build = entry.functions()
    spec = specify(options)
    return _assemble(spec, lambda: build(spec, options), options.device, exportable=entry.exportable)


def _assemble(spec: ExtractorSpec, build: Callable[[], nn.Module], device: str, *, exportable: bool) -> Extractor:
    """Put an extractor together; in bf16, measure its error against fp32 and note it in the protocol."""
    from ganbench.features.runtime import TorchRunner, make_runner

    runner = make_runner(spec, build, device, exportable=exportable)
    if spec.precision == "bf16":
        in_full = replace(spec, precision="fp32")
        # PyTorch runs the same network at either precision; exported graphs are one for each.
        whole = runner.at("fp32") if isinstance(runner, TorchRunner) else make_runner(in_full, build, device)
        probe = np.random.default_rng(0).integers(0, 256, (PROBE, 4, 4, 3), dtype=np.uint8)
        exact = Extractor(in_full, whole)(probe)[0].astype(np.float64)
        rough = Extractor(spec, runner)(probe)[0].astype(np.float64)
        error = np.linalg.norm(rough - exact) / max(np.linalg.norm(exact), np.finfo(float).tiny)
        measured = f"feature error {100 * error:.2g} % of fp32 on {PROBE} smooth images"
        spec = replace(spec, note="; ".join(part for part in (measured, spec.note) if part))
    return Extractor(spec, runner)
