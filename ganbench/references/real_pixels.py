"""The real side of metrics that read pixels alone: what a reference says of its images' pixels, under any extractor."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np

from ganbench.errors import MetricError, ReferenceError
from ganbench.features.collect import collect_all
from ganbench.features.packets import PacketObserver
from ganbench.images.source import Source
from ganbench.references.interop import open_reference
from ganbench.references.library import DEFAULT_NAME, find_by_name, holds_statistics
from ganbench.references.reference import Reference
from ganbench.statistics.packets import PacketCollector, PacketSet, packet_level
from ganbench.system.cluster import Site
from ganbench.system.location import Location, told_as
from ganbench.system.notes import Note, log_note
from ganbench.system.urls import is_url

Given = str | Path | np.ndarray | Source | Reference


@dataclass(frozen=True, eq=False)
class RealPixels:
    """What the pixels of real images say.

    Attributes:
        packets: moments of their wavelet packets.
        name: of the reference, or of the images.
        data: ``label``, ``count`` and ``digest`` of the images.
        image_resize: rule that brought them to their size; None if they were so from the start.
    """

    packets: PacketSet
    name: str
    data: dict[str, Any]
    image_resize: str | None

    @classmethod
    def of(cls, reference: Reference) -> RealPixels:
        """Return what a reference says.

        Raises:
            ReferenceError: it says nothing of pixels.
        """
        if reference.packets is None:
            if reference.image_size is not None:
                _require_packets(reference.image_size)
            raise ReferenceError(
                f"reference {reference.name} lacks the wavelet packets of its images: build it anew "
                "(ganbench reference build)"
            )
        return cls(_set_of(reference), reference.name, reference.data, reference.image_resize)

    @classmethod
    def build(
        cls, source: Source, *, cache: bool = False, note: Note = log_note, site: Site | None = None
    ) -> RealPixels:
        """Look at the pixels of real images; no network is asked.

        Args:
            source: the images.
            cache: of a large source, reuse what was seen of its pieces before, and keep what is seen.
            note: told when that cannot be kept.
            site: where a large source is looked at; None: in this process.

        Raises:
            GanbenchError: bad images, or a size that has no wavelet packets.
        """
        observer = PacketObserver(source.image_size(), sampled=False)
        _, (tally,) = collect_all(
            source, [], cap=1, seed=0, what="pixels of real images", cache=cache, others=[observer], note=note,
            site=site, device="cpu",
        )  # fmt: skip
        packets = cast(PacketCollector, tally).result()
        data = {"label": Path(source.label).name, "count": packets.n, "digest": source.digest()}
        return cls(packets, source.label, data, None if source.resize is None else str(source.resize))

    def require_size(self, size: tuple[int, int]) -> None:
        """Refuse images, (height, width) in pixels, of another size.

        Raises:
            ReferenceError: the sizes differ.
        """
        if self.packets.moments.size != size:
            (rh, rw), (h, w) = self.packets.moments.size, size
            raise ReferenceError(
                f"reference {self.name} is of {rh}x{rw} images, these are {h}x{w} pixels. "
                f"Bring them to the same size by a stated rule: --resize {rh}x{rw}"
            )

    def origin(self) -> str:
        """Return one phrase that says what it is made of, and by which rule the images came to their size."""
        height, width = self.packets.moments.size
        return f"{self.name}: {self.packets.n} images, {self.image_resize or f'{height}x{width} as they were'}"

    def meta(self) -> dict[str, Any]:
        """Return all that is not an array, as plain data."""
        moments = self.packets.moments
        return {
            "name": self.name, "data": self.data, "image_size": list(moments.size), "image_resize": self.image_resize,
            "level": moments.level,
        }  # fmt: skip

    def identity(self) -> str:
        """Return a hash of everything in it, 64 hex digits."""
        digest = hashlib.sha256(json.dumps(self.meta(), sort_keys=True).encode())
        for array in (self.packets.moments.mean, self.packets.moments.cov):
            digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()


def resolve_pixels(
    given: Sequence[Given], served: Sequence[Reference], build: Callable[[str | Path | np.ndarray | Source], RealPixels]
) -> tuple[RealPixels | None, str]:
    """Return the real side of metrics that read pixels, or None and the reason.

    Args:
        given: names, files or real images, as the user gave them; none at all stands for the shipped reference.
        served: the references that extractors have already, which are of the same images.
        build: looks at real images.

    Raises:
        GanbenchError: a file that cannot be read, an unknown name, or bad images.
    """
    why = ""
    for one in served or given or (DEFAULT_NAME,):
        try:
            found = one if isinstance(one, Reference) else _reference(one)
            return (build(cast(Any, one)) if found is None else RealPixels.of(found)), ""
        except (ReferenceError, MetricError) as e:
            why = why or str(e)
    return None, why


def _reference(one: str | Path | np.ndarray | Source) -> Reference | None:
    """Return the reference that a name or a file stands for; None for images."""
    if not isinstance(one, str | Path):
        return None
    if isinstance(one, str) and is_url(one):
        from ganbench.system.remote import fetch_file, is_folder

        if is_folder(one) or not holds_statistics(local := fetch_file(one)):
            return None
        with told_as(Location(one), local):
            return open_reference(local)
    if isinstance(one, str) and not Path(one).exists():
        return open_reference(find_by_name(one))
    return open_reference(Path(one)) if holds_statistics(Path(one)) else None


def _require_packets(size: tuple[int, int]) -> None:
    try:
        packet_level(*size)
    except MetricError as e:
        raise ReferenceError(str(e)) from e


def _set_of(reference: Reference) -> PacketSet:
    """Return the packets as the metric reads them: one set for a reference, so that it is prepared once."""
    moments = reference.packets
    assert moments is not None
    size = (*moments.size, 3)

    def make() -> PacketSet:
        return PacketSet(moments, np.empty((0, *size), np.uint8))

    return reference.features.once("packets", make)
