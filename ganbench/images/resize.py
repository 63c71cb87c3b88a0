"""Resizing whole images by a stated rule, with Pillow's resampling."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from PIL import Image

from ganbench.errors import SourceError
from ganbench.registry import did_you_mean

FILTERS = {
    "bicubic": Image.Resampling.BICUBIC,
    "bilinear": Image.Resampling.BILINEAR,
    "lanczos": Image.Resampling.LANCZOS,
    "box": Image.Resampling.BOX,
    "nearest": Image.Resampling.NEAREST,
}
_RULE = re.compile(r"(?:pillow-(?P<canonical>[a-z]+)-)?(?P<h>\d+)(?:x(?P<w>\d+))?(?::(?P<filter>[a-z]+))?")


@dataclass(frozen=True)
class Resize:
    """Stretches an image to ``height`` x ``width`` (the aspect ratio is not kept), antialiased when it shrinks."""

    height: int
    width: int
    filter: str = "bicubic"

    @classmethod
    def parse(cls, rule: str | Resize | None) -> Resize | None:
        """Parse ``SIZE``, ``HxW``, either followed by ``:FILTER``, or the canonical form that ``str`` gives.

        Raises:
            SourceError: not such a rule.
        """
        if rule is None or isinstance(rule, Resize):
            return rule
        match = _RULE.fullmatch(rule.strip().lower())
        if match is None or (match["canonical"] and match["filter"]):
            raise SourceError(
                f"resize rule {rule!r}: expected SIZE or HxW, then optionally :FILTER, such as 64:bicubic"
            )
        height = int(match["h"])
        width = int(match["w"] or height)
        name = match["canonical"] or match["filter"] or "bicubic"
        if name not in FILTERS:
            raise SourceError(f"resize rule {rule!r}: unknown filter {name!r}.{did_you_mean(name, list(FILTERS))}")
        if not (1 <= height <= 4096 and 1 <= width <= 4096):
            raise SourceError(f"resize rule {rule!r}: sizes from 1 to 4096 pixels")
        return cls(height, width, name)

    def __str__(self) -> str:
        return f"pillow-{self.filter}-{self.height}x{self.width}"

    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        """Resize one uint8 image (H, W, 3); one that has the size already is returned as it is."""
        if pixels.shape[:2] == (self.height, self.width):
            return pixels
        image = Image.fromarray(pixels).resize((self.width, self.height), FILTERS[self.filter])
        return np.asarray(image)
