"""Extractor ``inception``: the 2015 TensorFlow Inception-v3, 2048-d pooled features and 1008 logits.

Three protocols, each the arithmetic of one tool on the same weights:

- ``inception`` (``tf1``): torch-fidelity and the original TensorFlow code. Resize as TensorFlow 1 does, then
  (x - 128) / 128.
- ``inception:pytorch-fid``: bilinear with half-pixel centres, then 2 (x / 255) - 1.
- ``inception:clean``: clean-fid. Pillow's antialiased bicubic in float, clipped to 0..255, then (x - 128) / 128.

The logits are without bias, which is what torch-fidelity's Inception Score reads.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ganbench.errors import UnknownName
from ganbench.features.entry import ExtractorEntry
from ganbench.features.spec import BuildOptions, ExtractorSpec
from ganbench.features.weights import WeightsFile, load_state, named_weights, read_state, refuse_foreign
from ganbench.registry import did_you_mean
from ganbench.system.assets import ASSETS, require

if TYPE_CHECKING:
    import torch
    from torch import nn

VERSIONS = {"fp32": 1, "bf16": 2}  # by precision; in bf16 weights were rounded to the nearest before
DEFAULT_RESIZE = "tf1"
RESIZES = (DEFAULT_RESIZE, "pytorch-fid", "clean")
ASSET = "inception"


def specify(options: BuildOptions) -> ExtractorSpec:
    """Return the specification; reads the weights file for its hash only.

    Raises:
        AssetMissing: there are no weights on this machine; the message has the command.
        AssetError: the named file is not there or no weights file, or the installed one is damaged.
        UnknownName: no such resize protocol.
    """
    resize = options.resize or DEFAULT_RESIZE
    if resize not in RESIZES:
        raise UnknownName(f"inception has no resize protocol {resize!r}.{did_you_mean(resize, list(RESIZES))}")
    weights = _weights(options)
    name = "inception" if resize == DEFAULT_RESIZE else f"inception:{resize}"
    version = VERSIONS[options.precision]
    return ExtractorSpec(name, version, 2048, 299, resize, weights.sha256, 1008, options.precision, weights.note)


def _weights(options: BuildOptions) -> WeightsFile:
    """Return the file that the user named, or else the installed asset, which is the published file."""
    published = ASSETS[ASSET].sha256
    if options.weights is not None:
        weights = named_weights("inception", Path(options.weights), published)
        refuse_foreign(weights.path, "inception")
        return weights
    return WeightsFile(require(ASSET), published, True)


def build(spec: ExtractorSpec, options: BuildOptions) -> nn.Module:
    """Return the network, batch norms folded, in inference mode; for bf16 with weights that are bfloat16 already.

    Raises:
        AssetError: the file is damaged, or is of another network.
    """
    import torch
    from torch import nn

    from ganbench.features.networks.inception import InceptionV3, fold_batch_norms, round_weights

    path = _weights(options).path
    with torch.device("meta"):
        network = InceptionV3()
    load_state(network.to_empty(device="cpu"), read_state(path, "inception"), path, "inception")
    fold_batch_norms(network.eval())
    if spec.precision == "bf16":
        round_weights(network)

    class Scaled(nn.Module):
        """Maps resized images in 0..255 to the network's input as the protocol's tool does."""

        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            if spec.resize == "pytorch-fid":
                return self.network(2 * (x / 255) - 1)
            if spec.resize == "clean":
                x = x.clamp(0, 255)
            return self.network((x - 128) / 128)

    return Scaled().eval().requires_grad_(False)


def arithmetic(spec: ExtractorSpec) -> dict[str, str]:
    """Return the layer and the scaling in words."""
    scaling = "2 (x / 255) - 1" if spec.resize == "pytorch-fid" else "(x - 128) / 128"
    return {"layer": "pool3, mean over space", "logits_bias": "left out", "scaling": scaling}


ENTRY = ExtractorEntry(specify, build, arithmetic=arithmetic)
