"""What is known of submissions already, by their content and by all that decides what is seen of them."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from ganbench.errors import GanbenchError
from ganbench.grade.measure import PUBLIC, Look, Picture
from ganbench.images.rules import Rules
from ganbench.images.submission import Check
from ganbench.scoring.plan import Plan
from ganbench.scoring.scorecard import Scorecard
from ganbench.system.leftovers import sweep
from ganbench.system.outputs import write_text
from ganbench.system.parse import parse_json, read_text
from ganbench.system.text import json_text
from ganbench.system.versions import library_versions
from ganbench.system.wall import wall

VERSION = 2  # of what a look holds: another one is made again
_MOST_BYTES = 32 << 20
_FILE = re.compile(r"[0-9a-f]{64}\.json")
_Text = Annotated[str, Field(max_length=1 << 20)]


class _Part(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")


class _Check(_Part):
    what: _Text
    ok: bool
    found: _Text


class _Picture(_Part):
    name: _Text
    why: _Text
    data: Annotated[str, Field(pattern=r"^[A-Za-z0-9+/=]*$")]
    width: Annotated[int, Field(ge=1, le=4096)]
    height: Annotated[int, Field(ge=1, le=4096)]


class _Kept(_Part):
    """A look as its file has it."""

    key: str
    checks: list[_Check]
    card: dict[str, Any] | None
    error: _Text
    worst: list[_Picture]
    first: list[_Picture]
    explained: list[_Text]


class State:
    """The looks that a folder of results keeps, a file each; whoever is killed loses the one at work."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        sweep(folder)

    def load(self, key: str) -> Look | None:
        """Return a look, or None if there is none, or none that can be read: it is made again."""
        path = self._folder / f"{key}.json"
        try:
            with wall(lambda why: GanbenchError(f"{path}: {why}")):
                if not path.is_file():
                    return None
                kept = _Kept.model_validate(parse_json(read_text(path, _MOST_BYTES)))
                card = None if kept.card is None else Scorecard.from_json(json.dumps(kept.card))
        except GanbenchError:
            return None
        if kept.key != key:
            return None
        return Look(
            tuple(Check(**one.model_dump()) for one in kept.checks),
            card,
            kept.error,
            tuple(Picture(**one.model_dump()) for one in kept.worst),
            tuple(Picture(**one.model_dump()) for one in kept.first),
            tuple(kept.explained),
        )

    def keep(self, key: str, look: Look) -> None:
        """Keep a look.

        Raises:
            CannotWrite: no room, or no permission.
        """
        content = {
            "key": key,
            "checks": [asdict(check) for check in look.checks],
            "card": None if look.card is None else look.card.to_dict(),
            "error": look.error,
            "worst": [asdict(picture) for picture in look.worst],
            "first": [asdict(picture) for picture in look.first],
            "explained": list(look.explained),
        }
        write_text(self._folder / f"{key}.json", json_text(content))

    def forget_others(self, keys: Collection[str]) -> None:
        """Remove the looks that no submission has any more."""
        with suppress(OSError):
            for path in self._folder.iterdir():
                if _FILE.fullmatch(path.name) and path.stem not in keys:
                    path.unlink()


def key_of(board: str, digest: str, plan: Plan, rules: Rules) -> str:
    """Return what a look goes by: a hash of all that it depends on, 64 hex digits.

    Args:
        board: ``public`` or ``private``.
        digest: of the submission.
        plan: of the board.
        rules: what is asked; the public board alone looks at them.
    """
    asked = repr(rules) if board == PUBLIC else ""
    parts = [str(VERSION), board, digest, plan.key, asked, json.dumps(library_versions(), sort_keys=True)]
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
