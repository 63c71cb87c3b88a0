"""An explanation: the findings, the distance taken apart, and every form that they are told in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ganbench.explanation.distance import Distance
from ganbench.explanation.finding import Finding
from ganbench.system.text import json_text
from ganbench.system.versions import library_versions

SCHEMA = 1


@dataclass(frozen=True)
class Explanation:
    """Why a set of images scores as it does; made once.

    Attributes:
        findings: strongest first; empty for a set that looks as real ones do.
        source: what was explained: label, count, image size, digest, and how many were looked at.
        reference: the real images: what the reference says of itself.
        distances: the Frechet distance under each extractor that looked, taken apart.
        least: effect from which a finding was believed, in spreads; ``rules``: how many were tried.
        rules: see ``least``.
        names: of the images that were looked at, by position.
        spectrum: mean logarithm of power by frequency, of the set and of real images; empty where not known.
        notes: what a reader must know, one line each.
        versions: library versions.
    """

    findings: list[Finding]
    source: dict[str, Any]
    reference: dict[str, Any]
    distances: list[Distance]
    least: float
    rules: int
    names: dict[int, str] = field(default_factory=dict)
    spectrum: tuple[list[float], list[float]] = field(default_factory=lambda: ([], []))
    notes: list[str] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=library_versions)

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data, the form of the JSON file."""
        return {
            "schema": SCHEMA,
            "findings": [self._named(one.to_dict()) for one in self.findings],
            "distances": [self._distance(one) for one in self.distances],
            "rules": self.rules,
            "least_effect": self.least,
            "spectrum": {"set": list(self.spectrum[0]), "real": list(self.spectrum[1])},
            "source": self.source,
            "reference": self.reference,
            "notes": self.notes,
            "versions": self.versions,
        }

    def to_json(self) -> str:
        """Return it as a JSON text (docs/explaining.md)."""
        return json_text(self.to_dict())

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def lines(self) -> list[str]:
        """Return it as lines for people."""
        count, looked = self.source["count"], self.source["looked_at"]
        said = f"{self.source['label']}: {count:,} images" + ("" if looked == count else f", {looked:,} looked at")
        lines = [said]
        if not self.findings:
            lines.append(f"Nothing found: none of {self.rules:,} rules reaches {self.least:.1f} spreads.")
        for number, one in enumerate(self.findings, 1):
            lines.append(f"{number}. {one.kind} {one.effect:.3g} (95 %: {one.low:.3g} to {one.high:.3g})")
            lines += [f"   {one.text}", f"   {one.remedy}"]
            if one.images:
                lines.append(f"   most of all: {', '.join(self.names[position] for position in one.images[:4])}")
        for distance in self.distances:
            lines += self._of_distance(distance)
        return [*lines, *self.notes]

    def _of_distance(self, one: Distance) -> list[str]:
        real = "" if one.real is None else f"; as many real images {one.real:.1f}"
        whole = max(one.mean + one.covariance, 1e-12)
        worst = ", ".join(self.names[position] for position in one.worst[:4])
        return [
            f"Frechet distance [{one.extractor}] {one.value:.2f} (95 %: {one.low:.2f} to {one.high:.2f}){real}",
            f"   means {one.mean:.2f} ({one.mean / whole:.0%}), covariances {one.covariance:.2f} "
            f"({one.covariance / whole:.0%}); without the worst {one.left_out:,} images {one.without_worst:.2f}",
            f"   the worst: {worst}",
        ]

    def _named(self, data: dict[str, Any]) -> dict[str, Any]:
        return {**data, "images": [self.names[position] for position in data["images"]]}

    def _distance(self, one: Distance) -> dict[str, Any]:
        data = one.to_dict()
        data |= {name: [self.names[position] for position in data[name]] for name in ("worst", "best")}
        for direction in data["directions"]:
            direction |= {name: [self.names[position] for position in direction[name]] for name in ("low", "high")}
        return data
