"""The extractors by name, and what puts one together for a device."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ganbench.features.extractor import Extractor
from ganbench.features.spec import BuildOptions, ExtractorSpec
from ganbench.registry import Registry

if TYPE_CHECKING:
    from torch import nn


PROBE = 4  # images on which the error of bf16 is measured; 4x4 noise, which the resize makes smooth


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


EXTRACTORS: Registry[ExtractorEntry] = Registry("extractor", group="ganbench.extractors")
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


def specify_extractor(name: str, options: BuildOptions | None = None) -> ExtractorSpec:
    """Return the specification of an extractor without building its network; the names are those of ``load_extractor``.

    A user's own factory has to be called all the same, to see what it makes.

    Raises:
        GanbenchError: as ``load_extractor``.
    """
    options = options or BuildOptions()
    base, _, suffix = name.partition(":")
    if base not in EXTRACTORS and suffix:
        from ganbench.features.custom import load_custom

        return load_custom(name, options, list(EXTRACTORS))[0]
    specify, _ = EXTRACTORS[base].functions()
    return specify(replace(options, name=base, resize=suffix or options.resize))


def load_extractor(
    name: str, options: BuildOptions | None = None, *, note: Callable[[str], None] = lambda text: None
) -> Extractor:
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

        spec, network = load_custom(name, options, list(EXTRACTORS))
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
