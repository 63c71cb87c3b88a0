"""A file of what was done, one line each: a process that was killed goes on where it was."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import ganbench
from ganbench.errors import GanbenchError
from ganbench.system.storage import atomic_write


class Journal:
    """Outcomes by their key, under a first line with the settings that all of them depend on."""

    def __init__(self, path: Path, settings: Mapping[str, Any]) -> None:
        """Open it, or begin it.

        Raises:
            GanbenchError: it is of other settings.
        """
        self._path = path
        first = json.dumps(settings, sort_keys=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            with atomic_write(path, "w") as f:
                f.write(first + "\n")
        lines = path.read_text("utf-8").split("\n")
        if json.loads(lines[0]) != json.loads(first):
            raise GanbenchError(f"{path} is of other settings: {lines[0]}. Now: {first}. Give another --keep")
        whole = lines[1:-1]  # what follows the last line break is half a line, of a process that was killed
        self.outcomes: dict[str, dict[str, Any]] = {entry["key"]: entry for entry in map(json.loads, whole)}
        if lines[-1]:
            with atomic_write(path, "w") as f:
                f.write("\n".join([lines[0], *whole]) + "\n")

    def __contains__(self, key: object) -> bool:
        return key in self.outcomes

    def add(self, key: str, outcome: Mapping[str, Any]) -> None:
        """Write an outcome down."""
        entry = {"key": key, **outcome}
        with self._path.open("a", encoding="utf-8") as f:
            f.write(json.dumps(entry) + "\n")
        self.outcomes[key] = entry


def code_digest() -> str:
    """Return a short digest of the code that is judged: what one version said is no outcome of another."""
    folder, digest = Path(ganbench.__file__).parent, hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:12]
