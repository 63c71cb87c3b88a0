"""What a source passed over, counted by kind: one line, so that nothing is left out without a word."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ganbench.images.names import ending_of, is_archive_name, is_hidden

_SHOWN = 6  # kinds that are named
_NAMED = 3  # files that are named


class Passed:
    """Counts what is passed over by kind, however much it is."""

    def __init__(self) -> None:
        self._kinds: Counter[str] = Counter()
        self._packed: list[str] = []

    def add(self, ignored: Sequence[str]) -> None:
        """Count files that are no images. What ganbench itself writes beside toy faces is no news."""
        if not ignored:
            return
        from ganbench.toyfaces import ATTRIBUTES, RECORD  # imports OpenCV, and most folders hold images alone

        for name in ignored:
            if name.rpartition("/")[2] not in (ATTRIBUTES, RECORD):
                self._kinds[_kind(name)] += 1
            if len(self._packed) <= _NAMED and is_archive_name(name):
                self._packed.append(name)

    def lines(self, *, special: int = 0, below: int = 0, folders: Sequence[str] = ()) -> list[str]:
        """Return one line that counts what was passed over, or none; for the arguments see ``passed_over``."""
        counted = [f"{count:,} {kind}" for kind, count in self._kinds.most_common(_SHOWN)]
        rest = sum(self._kinds.values()) - sum(count for _, count in self._kinds.most_common(_SHOWN))
        if rest:
            counted.append(f"{rest:,} others")
        if self._packed:
            counted.append(f"of them archives: {_some(self._packed)}")
        if special:
            counted.append(f"{special:,} pipes or devices")
        if below:
            where = f"{_some(folders)}; --recursive reads them too"
            counted.append(f"{below:,} image{'s' * (below != 1)} in subfolders ({where})")
        return [f"passed over: {', '.join(counted)}"] if counted else []


def passed_over(ignored: Sequence[str], *, special: int = 0, below: int = 0, folders: Sequence[str] = ()) -> list[str]:
    """Return one line that counts what was passed over by kind, or none if that is nothing.

    Archives are named as well: they may hold images.

    Args:
        ignored: names of files that are no images.
        special: pipes and devices.
        below: images in subfolders that were not looked into.
        folders: those subfolders.
    """
    passed = Passed()
    passed.add(ignored)
    return passed.lines(special=special, below=below, folders=folders)


def _some(names: Sequence[str]) -> str:
    return ", ".join(repr(name) for name in names[:_NAMED]) + (" ..." if len(names) > _NAMED else "")


def _kind(name: str) -> str:
    """Return what kind of file this is; only plain letters of a name are ever repeated."""
    if is_hidden(name):
        return "hidden files"
    suffix = ending_of(name)
    plain = suffix[1:].rstrip("~").isalnum() and suffix.isascii() and len(suffix) <= 12
    return suffix if plain else "without a known ending"
