"""File names: which are images, and in what order."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

from ganbench.images.decode import EXTENSIONS

ARCHIVE_ENDINGS = (".zip", ".tar", ".tgz", ".tbz2", ".txz", ".gz", ".bz2", ".xz", ".7z", ".rar", ".zst")
_NUMBER = re.compile(r"([0-9]+)")


def natural_key(name: str) -> tuple:
    """Return a sort key under which 2.jpg comes before 10.jpg, the same on every system and in every locale."""
    parts: list[tuple] = []
    for i, part in enumerate(_NUMBER.split(name.casefold())):
        if i % 2:
            digits = part.lstrip("0")
            parts.append((1, len(digits), digits))  # orders like the number, however many digits there are
        else:
            parts.append((0, 0, part))
    return parts, name


def is_hidden(name: str) -> bool:
    """Tell whether a part of a name starts with a dot, or is ``__MACOSX``, which macOS adds to archives."""
    if not name.startswith(".") and "/." not in name and "__MACOSX" not in name:  # nearly all
        return False
    return any(part.startswith(".") or part == "__MACOSX" for part in PurePosixPath(name).parts)


def is_image_name(name: str) -> bool:
    """Tell by its name whether a file counts as an image: a known extension in any case, and not hidden."""
    return not is_hidden(name) and ending_of(name) in EXTENSIONS


def ending_of(name: str) -> str:
    """Return the last ending of a name in lower case, such as ``.jpg``, as ``PurePosixPath(name).suffix`` tells it."""
    stem, dot, ending = name.rpartition(".")
    if dot and ending and "/" not in ending and stem and stem[-1] not in "./":  # nearly all
        return f".{ending.lower()}"
    return PurePosixPath(name).suffix.lower()


def is_archive_name(name: str) -> bool:
    """Tell by its name whether a file probably holds other files, and is not hidden."""
    return not is_hidden(name) and name.lower().endswith(ARCHIVE_ENDINGS)


def no_image_in(names: Sequence[str]) -> str:
    """Return what is there, of files of which none is an image, and what images are called if they could be some."""
    held = f"{len(names)} other files" + (f", such as {names[0]!r}" if names else "")
    if any(not PurePosixPath(name).suffix for name in names if not is_hidden(name)):
        held += f"; images are known by their endings: {', '.join(sorted(EXTENSIONS))}"
    return held
