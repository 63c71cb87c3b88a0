"""What the self-test found, and the line that a report can quote."""

from __future__ import annotations

import hashlib
import platform
from dataclasses import dataclass, field

from ganbench.selftest.checks import Check
from ganbench.system.text import json_text
from ganbench.system.versions import library_versions

SCHEMA = 1
_QUOTED = ("python", "numpy", "scipy", "pillow", "onnxruntime", "opencv-python")


@dataclass(frozen=True)
class Stage:
    """What was found of one stage.

    Attributes:
        name: such as ``resampling``.
        checks: the questions and answers.
        needs: stages that it cannot do without.
        seconds: how long it took.
    """

    name: str
    checks: tuple[Check, ...]
    needs: tuple[str, ...]
    seconds: float

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return all(check.ok for check in self.checks)


@dataclass(frozen=True)
class SelfTest:
    """The whole self-test.

    Attributes:
        stages: in the order in which an image meets them.
        values: digest of what ships to be held against, 64 hex digits.
        versions: of the libraries.
    """

    stages: tuple[Stage, ...]
    values: str
    versions: dict[str, str] = field(default_factory=library_versions)

    @property
    def ok(self) -> bool:
        """Whether this installation computes what it must."""
        return all(stage.ok for stage in self.stages)

    @property
    def culprits(self) -> list[str]:
        """Names of the stages that are wrong by themselves, the first one first, and of metrics their own names.

        A stage that follows from one that is wrong is not among them.
        """
        wrong = {stage.name for stage in self.stages if not stage.ok}
        found: list[str] = []
        for stage in self.stages:
            if stage.name in wrong and not wrong & set(stage.needs):
                faults = [check.what.partition(",")[0] for check in stage.checks if not check.ok]
                each = stage.name in ("metrics", "weights")
                found += [f"{stage.name}: {what}" for what in dict.fromkeys(faults)] if each else [stage.name]
        return found

    @property
    def made(self) -> list[Check]:
        """All checks that were made."""
        return [check for stage in self.stages for check in stage.checks if not check.skipped]

    @property
    def results(self) -> str:
        """Digest of everything that was found, 64 hex digits: equal ones are equal to the bit."""
        told = "\n".join(f"{check.what} {check.digest}" for check in self.made)
        return hashlib.sha256(told.encode()).hexdigest()

    @property
    def certificate(self) -> str:
        """One line to quote in a report."""
        good, exact = sum(check.ok for check in self.made), sum(check.exact for check in self.made)
        verdict = "PASS" if self.ok else f"FAIL ({', '.join(self.culprits)})"
        versions = ", ".join(f"{name} {self.versions[name]}" for name in _QUOTED)
        return (
            f"ganbench {self.versions['ganbench']} selftest: {verdict}; {good} of {len(self.made)} checks, {exact} to "
            f"the bit; values {self.values[:8]}, results {self.results[:8]}; "
            f"{platform.system()} {platform.machine()}, {versions}"
        )

    def to_dict(self) -> dict[str, object]:
        """Return everything as plain data."""
        return {
            "schema": SCHEMA,
            "ok": self.ok,
            "certificate": self.certificate,
            "culprits": self.culprits,
            "values": self.values,
            "results": self.results,
            "versions": self.versions,
            "stages": [
                {
                    "name": stage.name,
                    "ok": stage.ok,
                    "seconds": round(stage.seconds, 2),
                    "checks": [
                        {
                            "what": check.what,
                            "ok": check.ok,
                            "exact": check.exact,
                            "found": check.found,
                            "skipped": check.skipped or None,
                        }
                        for check in stage.checks
                    ],
                }
                for stage in self.stages
            ],
        }

    def to_json(self) -> str:
        """Return everything as a JSON text."""
        return json_text(self.to_dict())
