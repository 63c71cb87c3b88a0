"""Puts the page together: everything it shows is inside the one file."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

import numpy as np

import ganbench
from ganbench.diagnostics.toy_modes import Reached, reader_of
from ganbench.errors import GanbenchError
from ganbench.explanation.result import Explanation
from ganbench.images.source import Source
from ganbench.images.sources import open_source
from ganbench.leaderboard.agreement import trackings
from ganbench.leaderboard.boards import Board, Leaderboard
from ganbench.leaderboard.entries import Entry
from ganbench.leaderboard.export import published_lines
from ganbench.leaderboard.published import PUBLISHED_PROTOCOL
from ganbench.leaderboard.table import SEEDS_NOTE, flag_lines, header, lines, notes, seed_lines
from ganbench.report.curves import WINDOW, gradient_figure, training_figure
from ganbench.report.detections import LOOKED_AT, Detectors, Overlays
from ganbench.report.explanation import explanation_part
from ganbench.report.pictures import Nearest, Picture, RealImages, figure_of, sheet_of
from ganbench.report.provenance import counted, protocols_of, run_texts, versions_of
from ganbench.report.templates import environment
from ganbench.runs.explained import Told, explanation_of
from ganbench.scoring.flags import withholding
from ganbench.scoring.row import ARROWS
from ganbench.scoring.scorecard import Scorecard
from ganbench.system.memory import budget
from ganbench.system.notes import Note, log_note
from ganbench.system.progress import track
from ganbench.training.run_folder import RunFolder

SHEET = 64  # samples shown per entry; of many entries, half of that, as of what the detector found
DETECTED = 16  # hits shown per entry, and misses
TOLD = 3  # findings per run
MANY = 10  # entries
PICTURED = 30  # entries with pictures: the best; a page of hundreds of sheets would not open
_LOADED = 1000  # samples read per entry


@dataclass(frozen=True)
class Pictures:
    """What the page shows of one entry's samples."""

    name: str
    sheet: Picture
    overlays: Overlays
    nearest: Nearest | None
    modes: list[Reached]
    told: list[Told]


class Store:
    """The pictures of a page: they stand at its end, and are shown as the reader comes to them."""

    def __init__(self) -> None:
        self.uris: list[str] = []

    def keep(self, picture: Picture) -> int:
        """Keep a picture, and return its number."""
        self.uris.append(picture.uri)
        return len(self.uris) - 1


def make_page(
    leaderboard: Leaderboard,
    *,
    title: str | None = None,
    real: Source | None = None,
    published: bool = False,
    detector: str | None = None,
    samples: Source | None = None,
    explanation: Explanation | str | None = None,
    note: Note = log_note,
) -> str:
    """Return the page.

    Args:
        leaderboard: the entries, and what to rank them by and to show of them. A single one is shown as its scorecard,
            without a rank.
        title: what the page is [default: the scorecard of the one entry, or a leaderboard].
        real: real images of the samples' size, for the nearest ones; of a folder of toy faces, also for the attributes
            that the samples reach.
        published: whether to show the published rows.
        detector: what may have made the scorecards' AFD, for pictures of its hits and misses; registered detectors are
            found without it.
        samples: the images of a single entry, opened; without it they are looked for where the entry is.
        explanation: of ``samples``, or why there is none; None: nothing is said of one.
        note: told when the cache of the real images cannot be used.

    Raises:
        GanbenchError: real images that cannot be read.
    """
    entries = leaderboard.entries
    gradients, findings = gradient_figure(entries)
    training = training_figure(entries)
    best = [entry for board in leaderboard.boards for entry in board.entries]
    pictures, without = _pictures(best, real, detector, samples, note)
    return (
        environment()
        .get_template("page.html")
        .render(
            **_subject(entries, leaderboard.by, title),
            arrows=ARROWS,
            store=Store(),
            by=leaderboard.by,
            tables=[_table(board, leaderboard.shown) for board in leaderboard.boards],
            shown=leaderboard.shown,
            flagged=flag_lines(leaderboard),
            rules=leaderboard.rules,
            seeds_note=SEEDS_NOTE,
            unranked=leaderboard.unranked,
            published=published_lines() if published else [],
            published_protocol=PUBLISHED_PROTOCOL,
            explained=explanation_part(explanation, samples, real)
            if isinstance(explanation, Explanation) and samples is not None
            else None,
            unexplained=explanation if isinstance(explanation, str) else "",
            pictures=pictures,
            without=without,
            looked_at=LOOKED_AT,
            modes=_modes(pictures),
            training=None if training is None else figure_of(training),
            window=WINDOW,
            trackings=_tracking_lines(entries),
            gradients=None if gradients is None else figure_of(gradients),
            findings=findings,
            protocols=protocols_of(entries),
            runs=[run_texts(entry) for entry in entries if entry.is_run],
            warnings=counted([text for entry in entries if entry.card for text in entry.card.warnings]),
            versions=versions_of(entries),
            version=ganbench.__version__,
            today=datetime.date.today().isoformat(),
        )
    )


def _subject(entries: list[Entry], by: str, title: str | None) -> dict[str, object]:
    """Return what the page is of: its title, and of a single entry the scorecard, what was scored, and the tier."""
    if len(entries) != 1:
        usual = f"Leaderboard of {len(entries)} entries" + (f" by {by}" if by else "")
        return {"title": title or usual, "card": None, "flags": []}
    card = entries[0].card
    flags = entries[0].flags
    about = {} if card is None else {"scored": _scored(card), "tier": str(card.tier.withheld(withholding(flags)))}
    return {"title": title or f"{entries[0].name}: scorecard", "card": card, "flags": flags, **about}


def _scored(card: Scorecard) -> str:
    """Return what was scored: label, number and size of the images, as far as the scorecard says."""
    size = card.source.get("image_size")
    shape = f" of {size[1]}x{size[0]} pixels" if isinstance(size, list) and len(size) == 2 else ""
    return f"{card.source.get('label', '?')}: {card.source.get('count', '?')} images{shape}. "


def _table(board: Board, shown: list[str]) -> dict[str, object]:
    order = "In the order given" if board.better == "none" else f"Best first by {board.by}"
    return {
        "order": order,
        "titles": header(board, shown),
        "lines": lines(board, shown),
        "notes": notes(board, shown),
        "seeds": seed_lines(board, shown),
        "sorted": {"lower": "ascending", "higher": "descending", "none": "none"}[board.better],
        "n": board.n,
        "protocol": board.protocol,
    }


def _pictures(
    entries: list[Entry], real: Source | None, detector: str | None, opened: Source | None, note: Note
) -> tuple[list[Pictures], list[tuple[str, str]]]:
    """Return the pictures of the best entries, and (name, reason) of those without."""
    images = None if real is None else RealImages(real, note)
    modes = None if real is None else reader_of(real)
    detectors = Detectors(detector)
    found, without = [], [(entry.name, "only the best are pictured") for entry in entries[PICTURED:]]
    pictured = entries[:PICTURED]
    share = 2 if len(pictured) > MANY else 1
    with track("page", len(pictured), unit="entries") as advance:
        for entry in pictured:
            try:
                source = _samples(entry) if opened is None else opened.first(min(len(opened), _LOADED))
                samples = _pixels(source)
                found.append(
                    Pictures(
                        entry.name,
                        sheet_of(samples[: SHEET // share]),
                        detectors.overlays(entry, samples, DETECTED // share),
                        None if images is None else images.nearest(samples),
                        [] if modes is None else modes(source),
                        _told(entry),
                    )
                )
            except GanbenchError as e:
                without.append((entry.name, str(e)))
            advance(1)
    return found, without


def _told(entry: Entry) -> list[Told]:
    """Return the strongest findings of a run's samples; none where nobody explained them."""
    if not entry.is_run or entry.card is None:
        return []
    return (explanation_of(entry.path, entry.card.source.get("digest")) or [])[:TOLD]


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


def _tracking_lines(entries: list[Entry]) -> list[tuple[str, str, int, str]]:
    """Return run, results, checkpoints and correlation of every detection rate and distance in each run."""
    return [
        (
            t.run,
            f"{t.rate}, {t.distance}",
            t.checkpoints,
            "never changes" if t.correlation is None else f"{t.correlation:.2f}",
        )
        for t in trackings(entries)
    ]


def _modes(pictures: list[Pictures]) -> dict[str, list] | None:
    """Return titles, lines, what is missing and what could not be read; None without toy faces."""
    pictured = [p for p in pictures if p.modes]
    if not pictured:
        return None

    def title(reached: Reached) -> str:
        return f"{reached.attribute.replace('_', ' ')} ({reached.accuracy:.0%})"

    first = pictured[0].modes  # which attributes can be read, and how well, is the same for all
    return {
        "titles": ["toy faces", *(title(r) for r in first if r.readable)],
        "unread": [title(r) for r in first if not r.readable],
        "lines": [
            [
                p.name,
                f"{p.modes[0].faces:.1%}",
                *(f"{len(r.values) - len(r.missing)} of {len(r.values)}" for r in p.modes if r.readable),
            ]
            for p in pictured
        ],
        "missing": [
            (p.name, r.attribute.replace("_", " "), r.missing)
            for p in pictured
            for r in p.modes
            if r.readable and r.missing
        ],
    }
