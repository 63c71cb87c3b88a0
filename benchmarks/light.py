"""An extractor that computes next to nothing: its features are the pixels of a small copy of the image.

There are nearly as many as lite0 has, so that what is collected and merged is as large; what is left of the time is
that of reading, decoding, hashing, detecting and merging.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from ganbench.features.entry import ExtractorEntry
from ganbench.features.spec import BuildOptions, ExtractorSpec

if TYPE_CHECKING:
    from torch import nn

SIDE = 20


def specify(options: BuildOptions) -> ExtractorSpec:
    weights = hashlib.sha256(b"none").hexdigest()
    return ExtractorSpec("light", 1, 3 * SIDE * SIDE, SIDE, "bicubic-aa", weights, precision=options.precision)


def build(spec: ExtractorSpec, options: BuildOptions) -> nn.Module:
    import torch
    from torch import nn

    del spec, options

    class Pixels(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.flatten(1) / 255

    return Pixels()


ENTRY = ExtractorEntry(specify, build, takes_weights=False)
