"""What decides a feature: the specification of an extractor, and how the user wants it built."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ganbench.errors import GanbenchError

PRECISIONS = ("fp32", "bf16")


@dataclass(frozen=True)
class ExtractorSpec:
    """Everything that decides a feature's value.

    Attributes:
        name: registry name, ``lite0``; a resize protocol other than the default follows a colon, ``inception:clean``.
        version: raised whenever the arithmetic changes; results of different versions do not compare.
        feature_size: length of a feature vector.
        input_size: side of the square that the network sees, pixels.
        resize: a protocol of ``ganbench.features.resize.RESIZES``.
        weights_sha256: hash of the weights file, 64 hex digits.
        logits: number of class logits that the network also returns; 0 for none.
        precision: ``fp32`` or ``bf16``.
        note: what else a reader of the numbers must know: that the weights are not the published ones, the measured
            error of bf16. It follows from the other fields and the machine, and is not compared.
        code: hash of the code, for extractors of other people (``ganbench.system.code``). Caches go by it, since code
            may change without its version; comparisons do not, since code may change without its arithmetic.
    """

    name: str
    version: int
    feature_size: int
    input_size: int
    resize: str
    weights_sha256: str
    logits: int = 0
    precision: str = "fp32"
    note: str = field(default="", compare=False)
    code: str = field(default="", compare=False)

    @property
    def protocol(self) -> str:
        """One line for the protocol column of a scorecard."""
        parts = [
            f"{self.name} v{self.version}",
            f"{self.resize} to {self.input_size} px",
            f"weights {self.weights_sha256[:8]}",
            self.precision,
            self.note,
        ]
        return ", ".join(part for part in parts if part)

    def stated(self) -> dict[str, Any]:
        """Return all that a reference says of its extractor, as plain data: every field but the code."""
        fields = asdict(self)
        del fields["code"]
        return fields

    def key(self) -> str:
        """Return a hash of all fields but the note, for cache file names."""
        fields = self.stated() | ({"code": self.code} if self.code else {})
        del fields["note"]
        return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()


PRECISIONS = ("fp32", "bf16")


@dataclass(frozen=True)
class BuildOptions:
    """How the user wants an extractor built.

    Attributes:
        weights: weights file; None for the one that is installed.
        device: ``auto``, ``cpu`` or ``cuda``.
        precision: ``fp32`` or ``bf16``.
        resize: resize protocol; None for the extractor's default.
        name: the extractor's registered name, for modules that define several; ``load_extractor`` sets it.
    """

    weights: Path | None = None
    device: str = "auto"
    precision: str = "fp32"
    resize: str | None = None
    name: str = ""

    def __post_init__(self) -> None:
        if self.precision not in PRECISIONS:
            raise GanbenchError(f"unknown precision {self.precision!r}. Known: {', '.join(PRECISIONS)}.")
