"""Puts the page together: everything it shows is inside the one file."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

import ganbench
from ganbench.diagnostics.toy_modes import Reached, reader_of
from ganbench.errors import GanbenchError
from ganbench.images.source import Source
from ganbench.images.sources import open_source
from ganbench.leaderboard.agreement import trackings
from ganbench.leaderboard.boards import Board, Leaderboard
from ganbench.leaderboard.entries import Entry
from ganbench.leaderboard.export import published_lines
from ganbench.leaderboard.published import PUBLISHED_PROTOCOL
from ganbench.leaderboard.table import SEEDS_NOTE, header, lines, notes, seed_lines
from ganbench.report.curves import WINDOW, gradient_figure, training_figure
from ganbench.report.detections import LOOKED_AT, Detectors, Overlays
from ganbench.report.pictures import Nearest, RealImages, figure_uri, sheet_uri
from ganbench.runs.facts import environment_of
from ganbench.system.memory import budget
from ganbench.system.notes import Note, log_note
from ganbench.system.text import html
from ganbench.training.run_folder import RunFolder

SHEET = 64  # samples shown per entry
PICTURED = 30  # entries with pictures: the best; a page of hundreds of sheets would not open
_LOADED = 1000  # samples read per entry


@dataclass(frozen=True)
class Pictures:
    """What the page shows of one entry's samples."""

    name: str
    sheet: str
    overlays: Overlays
    nearest: Nearest | None
    modes: list[Reached]


def make_page(
    leaderboard: Leaderboard,
    *,
    real: Source | None = None,
    published: bool = False,
    detector: str | None = None,
    samples: Source | None = None,
    note: Note = log_note,
) -> str:
    """Return the page.

    Args:
        leaderboard: the entries, and what to rank them by and to show of them.
        real: real images of the samples' size, for the nearest ones; of a folder of toy faces, also for the attributes
            that the samples reach.
        published: whether to show the published rows.
        detector: what may have made the scorecards' AFD, for pictures of its hits and misses; registered detectors are
            found without it.
        samples: the images of a single entry, opened; without it they are looked for where the entry is.
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
        _environment()
        .get_template("page.html")
        .render(
            by=leaderboard.by,
            tables=[_table(board, leaderboard.shown) for board in leaderboard.boards],
            shown=leaderboard.shown,
            seeds_note=SEEDS_NOTE,
            unranked=leaderboard.unranked,
            published=published_lines() if published else [],
            published_protocol=PUBLISHED_PROTOCOL,
            pictures=pictures,
            without=without,
            looked_at=LOOKED_AT,
            modes=_modes(pictures),
            training="" if training is None else figure_uri(training),
            window=WINDOW,
            trackings=trackings(entries),
            gradients="" if gradients is None else figure_uri(gradients),
            findings=findings,
            protocols=_protocols(entries),
            runs=[_run(entry) for entry in entries if entry.is_run],
            warnings=_counted([text for entry in entries if entry.card for text in entry.card.warnings]),
            versions=_versions(entries),
            version=ganbench.__version__,
            today=datetime.date.today().isoformat(),
        )
    )


def _environment() -> Environment:
    """Return the templates, of which every value goes through ``html``, the attributes' too."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=select_autoescape(),
        undefined=StrictUndefined,
        finalize=lambda value: Markup(html(value)) if type(value) is str else value,
    )
    environment.filters["lines"] = lambda text: Markup(html(str(text), lines=True))
    environment.filters["breakable"] = lambda text: Markup(html(str(text)).replace("[", "\n["))
    return environment


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
    for entry in entries[:PICTURED]:
        try:
            source = _samples(entry) if opened is None else opened.first(min(len(opened), _LOADED))
            samples = _pixels(source)
        except GanbenchError as e:
            without.append((entry.name, str(e)))
            continue
        found.append(
            Pictures(
                entry.name,
                sheet_uri(samples[:SHEET]),
                detectors.overlays(entry, samples),
                None if images is None else images.nearest(samples),
                [] if modes is None else modes(source),
            )
        )
    return found, without


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


def _modes(pictures: list[Pictures]) -> dict[str, list] | None:
    """Return titles, lines, what is missing and what could not be read; None without toy faces."""
    pictured = [p for p in pictures if p.modes]
    if not pictured:
        return None

    def title(reached: Reached) -> str:
        return f"{reached.attribute.replace('_', ' ')} ({reached.accuracy:.0%})"

    first = pictured[0].modes  # which attributes can be read, and how well, is the same for all
    return {
        "titles": [title(r) for r in first if r.readable],
        "unread": [title(r) for r in first if not r.readable],
        "lines": [
            [p.name, *(f"{len(r.values) - len(r.missing)} of {len(r.values)}" for r in p.modes if r.readable)]
            for p in pictured
        ],
        "missing": [
            (p.name, r.attribute.replace("_", " "), r.missing)
            for p in pictured
            for r in p.modes
            if r.readable and r.missing
        ],
    }


def _protocols(entries: list[Entry]) -> list[tuple[str, str, int]]:
    """Return (result id, protocol with n, number of entries), each different protocol once."""
    counted: dict[tuple[str, str], int] = {}
    for entry in entries:
        for row in entry.card.rows if entry.card else []:
            n = "" if row.n is None else f"n = {row.n}; "
            text = n + str(row.cells()["protocol"])
            counted[row.id, text] = counted.get((row.id, text), 0) + 1
    order = list(dict.fromkeys(name for name, _ in counted))
    return sorted(((name, text, count) for (name, text), count in counted.items()), key=lambda row: order.index(row[0]))


def _run(entry: Entry) -> dict[str, str]:
    """Return what a run was: recipe and environment, as texts."""
    run = RunFolder(entry.path)
    known = environment_of(run)
    images = known.pop("images", None)
    count, digest = (images.get(name, "?") if isinstance(images, dict) else "?" for name in ("count", "digest"))
    known["images"] = f"{count} images, digest {str(digest)[:16]}"
    return {
        "name": entry.name,
        "recipe": run.recipe().to_toml(),
        "environment": "\n".join(f"{key}: {value}" for key, value in known.items()),
    }


def _counted(texts: list[str]) -> list[tuple[str, int]]:
    return [(text, texts.count(text)) for text in dict.fromkeys(texts)]


def _versions(entries: list[Entry]) -> dict[str, str]:
    """Return library versions; where scorecards differ, all of them."""
    found: dict[str, dict[str, None]] = {}
    for entry in entries:
        for name, version in (entry.card.versions if entry.card else {}).items():
            found.setdefault(name, {})[version] = None
    return {name: " / ".join(versions) for name, versions in found.items()}
