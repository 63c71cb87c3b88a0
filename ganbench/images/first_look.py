"""A first look at images, before something is begun that costs far more than they do."""

from __future__ import annotations

from contextlib import closing

from ganbench.images.source import Source

SUBMISSION = 1000  # images, which take less than a second
_BATCH = 32


def look_first(*sources: Source, count: int = SUBMISSION) -> None:
    """Decode the first images of sources and let them go: a broken source, or a bomb, is refused here.

    Args:
        sources: the images.
        count: how many of each, about.

    Raises:
        SourceError: they cannot be read, are of several sizes, or unpack to endless pixels.
    """
    for source in sources:
        seen = 0
        with closing(source.batches(_BATCH)) as batches:
            for batch in batches:
                seen += len(batch.names)
                if seen >= count:
                    break
