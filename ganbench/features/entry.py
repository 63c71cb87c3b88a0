"""What a module offers that defines an extractor."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ganbench.features.spec import BuildOptions, ExtractorSpec

if TYPE_CHECKING:
    from torch import nn


def _nothing(spec: ExtractorSpec) -> dict[str, str]:
    del spec
    return {}


@dataclass(frozen=True)
class ExtractorEntry:
    """An extractor whose weights are a file: found and hashed first, loaded only when the network has to run.

    Attributes:
        specify: cheap; checks that the weights are there and right, and imports no network library.
        build: returns the network: resized float images (N, 3, S, S) in 0..255 to features (N, D), or to features and
            logits. A function of a module: exporting calls it in a process of its own.
        exportable: whether the network may be exported to ONNX; large or foreign ones run in PyTorch everywhere.
        takes_weights: whether ``--weights`` is for it; otherwise its weights come with the installation.
        in_bf16: what bf16 was measured to do to real images and their results; stands in the protocol beside the error
            on the probe.
        arithmetic: what a specification stands for and does not spell out, by name, such as ``layer`` and ``scaling``;
            scorecards keep it.
    """

    specify: Callable[[BuildOptions], ExtractorSpec]
    build: Callable[[ExtractorSpec, BuildOptions], nn.Module]
    exportable: bool = True
    takes_weights: bool = True
    in_bf16: str = ""
    arithmetic: Callable[[ExtractorSpec], dict[str, str]] = _nothing
