"""Projection: the pixels times a matrix of the user's, ``--weights matrix.pth``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ganbench.errors import AssetMissing
from ganbench.features.entry import ExtractorEntry
from ganbench.features.spec import BuildOptions, ExtractorSpec
from ganbench.features.weights import load_state, named_weights, read_state

if TYPE_CHECKING:
    from torch import nn

NAME, VERSION, SIZE, FEATURES = "projection", 1, 16, 64


def matrix_of(options: BuildOptions) -> Path:
    """Return the weights file.

    Raises:
        AssetMissing: none was given.
    """
    if options.weights is None:
        raise AssetMissing(f"{NAME} needs its matrix: --weights matrix.pth")
    return options.weights


def specify(options: BuildOptions) -> ExtractorSpec:
    """Return all that decides a feature; imports no network library.

    Raises:
        AssetError: no weights were given, or there is no such file.
    """
    weights = named_weights(NAME, matrix_of(options), published="")
    return ExtractorSpec(NAME, VERSION, FEATURES, SIZE, "bicubic-aa", weights.sha256, precision=options.precision)


def build(spec: ExtractorSpec, options: BuildOptions) -> nn.Module:
    """Return the network: floats (N, 3, 16, 16), RGB in 0..255, to features (N, 64).

    Raises:
        AssetError: no weights were given, or they are damaged, or of another network.
    """
    from torch import nn

    path = matrix_of(options)
    network = nn.Sequential(nn.Flatten(), nn.Linear(3 * SIZE**2, FEATURES, bias=False))
    load_state(network, read_state(path, spec.name), path, spec.name)
    return network.eval()


ENTRY = ExtractorEntry(specify, build)
