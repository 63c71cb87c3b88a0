"""What a page shows of its entries' images: first samples, detections, neighbours. Together they take a known room."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ganbench.diagnostics.toy_modes import Reached, reader_of
from ganbench.errors import GanbenchError
from ganbench.images.source import Source
from ganbench.images.sources import open_source
from ganbench.leaderboard.entries import Entry
from ganbench.report.detections import Detectors, Overlays
from ganbench.report.nearest import Nearest, RealImages
from ganbench.report.pictures import Picture
from ganbench.report.tiles import Tiles, sheets_of
from ganbench.system.memory import budget
from ganbench.system.notes import Note
from ganbench.system.progress import track
from ganbench.training.run_folder import RunFolder

SHEET = 64  # samples shown per entry; of many entries, half of that
FIRST = 8  # samples shown beside the numbers: the first row of the sheet
DETECTED = 16  # misses shown per entry, and hits where the sheet has few; of many entries, half of that
MANY = 10  # entries
PICTURED = 30  # entries with all their pictures: the best
LINED = 200  # entries with their first samples
_ROOM = 1_500_000  # characters that all pictures of the first may take: a page that can be mailed, and opens at once
_LINE = 4_000  # characters of the first samples alone
_LOADED = 1000  # samples read per entry


@dataclass(frozen=True)
class Look:
    """What the page shows of one entry's samples.

    Attributes:
        sheet: the first of them, with the boxes that were found in them.
        overlays: what the detector of its scorecard finds.
        hits: samples with a face, where the sheet has few of those that there are; or None.
        misses: samples without one, or None.
        neighbours: those nearest to a real image, or None.
        nearest: how near they are, or None.
        modes: the attributes of toy faces that the samples reach.
        is_line: whether it is the first samples alone.
    """

    sheet: Picture
    overlays: Overlays = field(default_factory=Overlays)
    hits: Picture | None = None
    misses: Picture | None = None
    neighbours: Picture | None = None
    nearest: Nearest | None = None
    modes: tuple[Reached, ...] = ()
    is_line: bool = False


def looks_of(
    entries: list[Entry], real: Source | None, detector: str | None, opened: Source | None, note: Note
) -> tuple[dict[Entry, Look], dict[Entry, str]]:
    """Return the pictures of entries, the best first, and the reason of those without, or with their first ones alone.

    Args:
        entries: best first.
        real: real images, for the nearest ones, and of toy faces for the attributes that are reached.
        detector: what may have made the scorecards' AFD.
        opened: the images of a single entry; None: they are looked for where the entry is.
        note: told when the cache of the real images cannot be used.

    Raises:
        GanbenchError: real images that cannot be read.
    """
    looker = _Looker(min(len(entries), PICTURED), real, detector, note)
    found, without = {}, {}
    with track("page", min(len(entries), LINED), unit="entries") as advance:
        for place, entry in enumerate(entries):
            if place >= PICTURED:
                without[entry] = "only the best are pictured"
            if place >= LINED:
                continue
            try:
                source = _samples(entry) if opened is None else opened.first(min(len(opened), _LOADED))
                found[entry] = looker.all_of(entry, source) if place < PICTURED else _line(source)
            except GanbenchError as e:
                without[entry] = str(e)
            advance(1)
    return found, without


class _Looker:
    """Makes all pictures of an entry; real images and detectors are loaded once."""

    def __init__(self, entries: int, real: Source | None, detector: str | None, note: Note) -> None:
        self._share = 2 if entries > MANY else 1
        self._room = _ROOM // max(1, entries)
        self._real = None if real is None else RealImages(real, note)
        self._modes = None if real is None else reader_of(real)
        self._detectors = Detectors(detector)

    def all_of(self, entry: Entry, source: Source) -> Look:
        """Return all pictures of an entry.

        Raises:
            GanbenchError: its images cannot be read.
        """
        samples, shown = _pixels(source), SHEET // self._share
        overlays = self._detectors.overlays(entry, samples, DETECTED // self._share)
        nearest = None if self._real is None else self._real.nearest(samples, FIRST // self._share)
        hits_in_sheet = sum(len(boxes) > 0 for boxes in overlays.boxes[:shown])
        tiles = {
            "sheet": Tiles(samples[:shown], FIRST, overlays.boxes[:shown]),
            "hits": overlays.hits if hits_in_sheet < min(FIRST, overlays.hit_count) else None,
            "misses": overlays.misses,
            "neighbours": None if nearest is None else nearest.tiles,
        }
        known = {name: one for name, one in tiles.items() if one is not None}
        pictures = dict(zip(known, sheets_of(list(known.values()), self._room), strict=True))
        modes = () if self._modes is None else tuple(self._modes(source))
        return Look(
            pictures["sheet"],
            overlays,
            hits=pictures.get("hits"),
            misses=pictures.get("misses"),
            neighbours=pictures.get("neighbours"),
            nearest=nearest,
            modes=modes,
        )


def _line(source: Source) -> Look:
    """Return the first samples alone.

    Raises:
        GanbenchError: they cannot be read.
    """
    (sheet,) = sheets_of([Tiles(_pixels(source.first(min(len(source), FIRST))), FIRST)], _LINE)
    return Look(sheet, is_line=True)


def _pixels(source: Source) -> np.ndarray:
    """Return the first images of a source, uint8 (N, H, W, 3): fewer where they are large.

    Raises:
        GanbenchError: they cannot be read.
    """
    height, width = source.image_size()
    fits = max(1, budget() // 16 // (height * width * 3))
    return np.concatenate([batch.pixels for batch in source.first(min(len(source), fits)).batches(256)])


def _samples(entry: Entry) -> Source:
    """Return an entry's first images: those that were scored, of a run or a submission.

    Raises:
        GanbenchError: there are none, or they cannot be read.
    """
    if entry.path.suffix.lower() == ".json":
        raise GanbenchError("a scorecard alone has no images")
    path = RunFolder(entry.path).scored_samples if entry.is_run else entry.path
    resize = entry.card.source.get("resize") if entry.card else None
    source = open_source(path, resize=None if resize is None else str(resize))
    return source.first(min(len(source), _LOADED))
