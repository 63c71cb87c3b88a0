"""Everything that one number is made by, as something that can be changed one choice at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ganbench.images.resize import Resize
from ganbench.references.reference import Reference
from ganbench.scoring.options import Images
from ganbench.scoring.plan import SAMPLE_CAP


@dataclass(frozen=True, eq=False)
class Material:
    """What the user has: the images to score, and what may stand for the real side.

    Attributes:
        images: what is scored.
        real: real images, from which any reference can be built; None for none.
        references: names or files of references, besides those that are installed.
        weights: weights files.
        extractors: code of the user's own that a card may name, ``module:factory``.
        detectors: detectors in files, such as ``yolo:PATH``, and of the user's own, ``module:Class``.
        recursive: look into subfolders too.
        device: where networks run.
        cache: keep and reuse features.
        loaded: references that were read, so that none is read twice.
    """

    images: Images
    real: Images | None = None
    references: tuple[str | Path | Reference, ...] = ()
    weights: tuple[Path, ...] = ()
    extractors: tuple[str, ...] = ()
    detectors: tuple[str, ...] = ()
    recursive: bool = False
    device: str = "auto"
    cache: bool = True
    loaded: dict[Path, Reference] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class RealSide:
    """The real images of a number.

    Attributes:
        name: of their reference.
        digest: of the images; "" where it is not known.
        count: how many; None: all there are.
        resize: the rule that brought them to their size.
        sample: features kept, and the seed of their choice.
    """

    name: str = ""
    digest: str = ""
    count: int | None = None
    resize: str | None = None
    sample: tuple[int, int] = (SAMPLE_CAP, 0)


@dataclass(frozen=True)
class Setup:
    """What one number is made by.

    Attributes:
        metric: its name.
        formula: the form of it, by the names of ``facts.FORMULAS``; what is missing is as ours.
        extractor: what the features are from; "" for a metric that reads none.
        weights: SHA-256 of the extractor's weights, where they are a file of their own; "" for the installed ones.
        precision: ``fp32`` or ``bf16``.
        device: ``auto``, ``cpu`` or ``cuda``.
        detector: its name in results; "" for none.
        settings: its settings.
        count: images scored; None: all there are.
        skipped: unreadable ones among them that were left out.
        resize: rule for images of another size.
        decoding: how files become pixels.
        value_range: of float images.
        seed: of every random choice.
        real: the real side.
    """

    metric: str
    formula: Mapping[str, Any] = field(default_factory=dict)
    extractor: str = ""
    weights: str = ""
    precision: str = "fp32"
    device: str = "auto"
    detector: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    count: int | None = None
    skipped: int = 0
    resize: str | None = None
    decoding: str = ""
    value_range: tuple[float, float] | None = None
    seed: int = 0
    real: RealSide = RealSide()

    @property
    def files(self) -> int | None:
        """Images that were read, or tried."""
        return None if self.count is None else self.count + self.skipped


def rule_of(value: object) -> str | None:
    """Return a resize rule that a card states.

    Raises:
        GanbenchError: it is none.
    """
    return None if value is None else str(Resize.parse(str(value)))
