"""Sheets that a resize squashes: whoever asks for one is told that it makes one image of a whole sheet."""

from __future__ import annotations

from contextlib import suppress

from ganbench.errors import DecodeError
from ganbench.images.source import Source
from ganbench.images.tiles import sheet_advice


def squashed(source: Source) -> list[str]:
    """Return one line if images of a source look like sheets, each of which its resize makes one image of.

    The first, the middle and the last image are looked at, where they are larger than what becomes of them.
    """
    if source.resize is None or not len(source):
        return []
    size = source.resize.height, source.resize.width
    looked = dict.fromkeys((0, len(source) // 2, len(source) - 1))
    found: dict[str, str] = {}
    for index in looked:
        with suppress(DecodeError):  # whoever reads all images says so
            pixels = source.load(index)
            larger = pixels.shape[0] * pixels.shape[1] > size[0] * size[1]
            if larger and (advice := sheet_advice(pixels, size)):
                found[source.names[index]] = advice
    if not found:
        return []
    return [
        f"of {len(looked)} images looked at, {', '.join(found)}: no single image, it seems, and --resize makes one of "
        f"each. {next(iter(found.values()))}"
    ]
