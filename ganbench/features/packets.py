"""The observer of wavelet packets: it looks at pixels, and needs no network."""

from __future__ import annotations

from collections.abc import Callable

from ganbench.errors import MetricError
from ganbench.images.batch import Batch
from ganbench.images.source import Source
from ganbench.statistics.collector import sample_bound
from ganbench.statistics.packets import TRANSFORM, PacketCollector, packet_level, sample_cap
from ganbench.system.notes import Note


def can_be_cut(source: Source) -> bool:
    """Tell whether images of a source can be cut into wavelet packets."""
    try:
        packet_level(*source.image_size())
    except MetricError:
        return False
    return True


class PacketConsumer:
    """Shows pixels to a collector."""

    def __init__(self, tally: PacketCollector) -> None:
        self.tally = tally

    def add(self, batch: Batch) -> None:
        """Take in one batch."""
        self.tally.add(batch.indices, batch.pixels)


class PacketObserver:
    """Sends ``PacketConsumer``.

    Args:
        size: (height, width) of the images, pixels.
        seed: Seed of the sample of pixels.
        bound: As ``PacketCollector`` has it.
        sampled: Whether pixels are kept, for the interval.
    """

    def __init__(self, size: tuple[int, int], *, seed: int = 0, bound: int | None = None, sampled: bool) -> None:
        self._size, self._seed, self._bound, self._sampled = size, seed, bound, sampled
        self.identity = f"packets {TRANSFORM} {size} {f'{seed} {bound}' if sampled else 'moments'}"

    @classmethod
    def sampling(cls, source: Source, seed: int) -> PacketObserver:
        """Return the observer of images that are scored: it keeps the pixels of some.

        Raises:
            MetricError: images of that size cannot be cut into packets.
        """
        size = source.image_size()
        packet_level(*size)
        bound = sample_bound(len(source), sample_cap(size) + source.skip_bad, seed)
        return cls(size, seed=seed, bound=bound, sampled=True)

    def load(self, note: Note, first: Callable[[], None]) -> None:
        """See ``Observer``."""
        del note, first

    def consumer(self, loaded: None) -> PacketConsumer:
        """See ``Observer``."""
        del loaded
        return PacketConsumer(self.tally())

    def tally(self) -> PacketCollector:
        """See ``Observer``."""
        return PacketCollector(self._size, seed=self._seed, bound=self._bound, sampled=self._sampled)
