"""Whether scored images keep the rules of an assignment: the flag ``invalid``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from ganbench.errors import GanbenchError
from ganbench.images.rules import HW6, Rules
from ganbench.images.submission import Check, Known, check_submission
from ganbench.scoring.flags import Flag, joined
from ganbench.scoring.scorecard import Scorecard
from ganbench.system.location import Location

_SHOWN = 3  # broken rules that are named


def judged(card: Scorecard, rules: Rules | None, handed_in: object) -> Scorecard:
    """Return a scorecard with the flag of its images if they break a rule; see ``invalid``.

    Args:
        card: the scorecard.
        rules: of the assignment; None: nothing is asked for.
        handed_in: what was scored, as ``score`` takes it.
    """
    if rules is None:
        return card
    path = _file_of(handed_in)
    notes = [] if path is not None else [f"rules {rules.name}: number and size of the images were looked at, no more"]
    flag = invalid(card, rules, path)
    flags = card.flags if flag is None else joined([flag], card.flags)
    return replace(card, flags=flags, warnings=[*card.warnings, *notes])


def _file_of(handed_in: object) -> Path | None:
    """Return the file or folder of what was scored; None for images that have none of their own."""
    if not isinstance(handed_in, str | Path):
        return None
    location = Location.of(handed_in)
    if location.is_remote:
        from ganbench.system.remote import is_folder

        return None if is_folder(location.text) else location.fetched()
    return location.path if location.path.exists() else None


def invalid(card: Scorecard, rules: Rules, path: Path | None) -> Flag | None:
    """Return the flag of images that break a rule, None where they keep all that can be told.

    Args:
        card: their scorecard; it spares another look at images that were scored as they are.
        rules: of the assignment.
        path: what was handed in. None: the scorecard is all there is, and says number and size of the images alone.
    """
    try:
        checks = list(_of_the_card(card, rules)) if path is None else check_submission(path, rules, _known(card.source))
    except GanbenchError as e:
        checks = [Check("images that can be opened as they were handed in", False, str(e))]
    broken = [f"{check.what} ({check.found})" for check in checks if not check.ok]
    if not broken:
        return None
    named = "" if rules == HW6 else " --rules FILE"
    more = f" and {len(broken) - _SHOWN} more" if len(broken) > _SHOWN else ""
    text = (
        f"breaks {len(broken)} of {len(checks)} rules of {rules.name}: {'; '.join(broken[:_SHOWN])}{more}; a valid "
        f"submission breaks none. Look closer with ganbench data check SRC{named}, and hand it in anew."
    )
    return Flag("invalid", None, None, text)


def _known(source: dict[str, Any]) -> Known | None:
    """Return what a scorecard says of the images as they were handed in; None where they may have been resized."""
    size = source.get("image_size")
    if size is None or source.get("resize") is not None:
        return None
    return Known(source["count"], (size[0], size[1]), source.get("skipped", []))


def _of_the_card(card: Scorecard, rules: Rules) -> Iterator[Check]:
    count = card.source["count"] + len(card.source.get("skipped", []))
    if rules.count is not None:
        yield Check(f"{rules.count:,} images", count == rules.count, f"{count:,} images")
    known = _known(card.source)
    if rules.size is not None and known is not None:
        (height, width), (h, w) = rules.size, known.size
        yield Check(f"every image {height}x{width}", known.size == rules.size, f"{h}x{w}")
