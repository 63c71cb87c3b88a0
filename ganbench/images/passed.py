"""What a source passed over, counted by kind: one line, so that nothing is left out without a word."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import PurePosixPath

from ganbench.images.names import is_archive_name, is_hidden

_SHOWN = 6  # kinds that are named


def passed_over(ignored: Sequence[str], *, special: int = 0, below: int = 0, folders: Sequence[str] = ()) -> list[str]:
    """Return one line that counts what was passed over by kind, or none if that is nothing.

    Archives are named as well: they may hold images. What ganbench itself writes beside toy faces is no news.

    Args:
        ignored: names of files that are no images.
        special: pipes and devices.
        below: images in subfolders that were not looked into.
        folders: those subfolders.
    """
    kinds = _kinds(ignored) if ignored else Counter()
    counted = [f"{count:,} {kind}" for kind, count in kinds.most_common(_SHOWN)]
    rest = sum(kinds.values()) - sum(count for _, count in kinds.most_common(_SHOWN))
    if rest:
        counted.append(f"{rest:,} others")
    if packed := [name for name in ignored if is_archive_name(name)]:
        counted.append(f"of them archives: {_some(packed)}")
    if special:
        counted.append(f"{special:,} pipes or devices")
    if below:
        where = f"{_some(folders)}; --recursive reads them too"
        counted.append(f"{below:,} image{'s' * (below != 1)} in subfolders ({where})")
    return [f"passed over: {', '.join(counted)}"] if counted else []


def _kinds(ignored: Sequence[str]) -> Counter[str]:
    from ganbench.toyfaces import ATTRIBUTES, RECORD  # imports OpenCV, and most folders hold images alone

    return Counter(_kind(name) for name in ignored if PurePosixPath(name).name not in (ATTRIBUTES, RECORD))


def _some(names: Sequence[str]) -> str:
    return ", ".join(repr(name) for name in names[:3]) + (" ..." if len(names) > 3 else "")


def _kind(name: str) -> str:
    """Return what kind of file this is; only plain letters of a name are ever repeated."""
    if is_hidden(name):
        return "hidden files"
    suffix = PurePosixPath(name).suffix.lower()
    plain = suffix[1:].rstrip("~").isalnum() and suffix.isascii() and len(suffix) <= 12
    return suffix if plain else "without a known ending"
