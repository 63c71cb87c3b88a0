"""What a user may choose about a scoring, as plain values that can go to another process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ganbench.errors import GanbenchError
from ganbench.images.resize import Resize
from ganbench.images.source import Source
from ganbench.images.sources import open_source
from ganbench.references.reference import Reference

if TYPE_CHECKING:
    import torch

Images = str | Path | np.ndarray | Source
Real = Images | Reference

DEFAULT_FEATURES = ("lite0",)
DEFAULT_DETECTOR = "yolo-nano"


@dataclass(frozen=True)
class ScoreOptions:
    """The choices of one scoring; ``ganbench.score`` describes each.

    Attributes:
        features: extractors.
        metrics: metrics by name; None: all that are on by default.
        references: what to score against; one for each extractor, or one that serves them all; none: the shipped one.
        detector: detector for AFD; None leaves it out.
        detector_settings: its settings, such as ``{"conf": 0.8}``.
        weights: weights file for the extractor that needs one, at a path or a URL.
        precision: ``fp32`` or ``bf16``.
        device: ``auto``, ``cpu`` or ``cuda``.
        resize: rule for images of another size.
        recursive: look into subfolders too.
        limit: use the first so many images only.
        skip_bad: how many unreadable images may be left out.
        seed: seed of every random choice, 0 or more.
        cache: keep and reuse what was computed.
        per_image: also make the table of single images.
    """

    features: tuple[str, ...] = DEFAULT_FEATURES
    metrics: tuple[str, ...] | None = None
    references: tuple[Real, ...] = ()
    detector: str | None = DEFAULT_DETECTOR
    detector_settings: Mapping[str, object] = field(default_factory=dict)
    weights: str | Path | None = None
    precision: str = "fp32"
    device: str = "auto"
    resize: str | Resize | None = None
    recursive: bool = False
    limit: int | None = None
    skip_bad: int = 0
    seed: int = 0
    cache: bool = True
    per_image: bool = False

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise GanbenchError(f"seed {self.seed}: expected 0 or more")

    def looking_with(self, extractor: str) -> ScoreOptions:
        """Return these options with one of their extractors alone, as it was asked for."""
        return replace(self, features=(extractor,))

    def open(
        self,
        source: Images | torch.Tensor,
        *,
        grid: tuple[int, int] | str | None = None,
        pad: int | None = None,
        value_range: tuple[float, float] | None = None,
    ) -> Source:
        """Open images as these options want them; see ``open_source``.

        Raises:
            SourceError: bad images, or fewer than ``limit``.
        """
        opened = open_source(
            source,
            recursive=self.recursive,
            grid=grid,
            pad=pad,
            resize=self.resize,
            value_range=value_range,
            skip_bad=self.skip_bad,
        )
        return opened if self.limit is None else opened.first(self.limit)

    def open_real(self, real: Images) -> Source:
        """Open real images to score against, by the same rules as the generated ones; all of them count.

        Raises:
            SourceError: bad images.
        """
        return open_source(real, resize=self.resize, recursive=self.recursive and isinstance(real, str | Path))


def several(reference: Real | Sequence[Real] | None) -> tuple[Real, ...]:
    """Return the references that a user gave: none, one or several."""
    if reference is None:
        return ()
    if isinstance(reference, str | Path | np.ndarray | Source | Reference):
        return (reference,)
    return tuple(reference)
