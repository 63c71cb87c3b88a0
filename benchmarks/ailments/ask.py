"""The one place that calls what is judged."""

from __future__ import annotations

from pathlib import Path


def diagnose(folder: Path) -> list[str]:
    """Return the kinds of trouble that the doctor tells of a run, each once, grave or not."""
    from ganbench.doctor import diagnosis

    return list(dict.fromkeys(finding.kind for finding in diagnosis.diagnose(folder).findings))
