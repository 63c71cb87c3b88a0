"""Puts the page together: everything it shows is inside the one file."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

import ganbench
from ganbench.images.source import Source
from ganbench.leaderboard.agreement import trackings
from ganbench.leaderboard.boards import Board, Leaderboard, measured
from ganbench.leaderboard.entries import Entry
from ganbench.leaderboard.export import published_lines
from ganbench.leaderboard.published import PUBLISHED_PROTOCOL
from ganbench.leaderboard.table import SEEDS_NOTE, flag_lines, header, lines, notes, seed_lines
from ganbench.report.curves import WINDOW, gradient_figure, training_figure
from ganbench.report.detections import LOOKED_AT
from ganbench.report.looks import Look, looks_of
from ganbench.report.modes import modes_of
from ganbench.report.pictures import figure_of
from ganbench.report.plots import dot_plot, scatter_plot, series_of
from ganbench.report.provenance import counted, protocols_of, run_texts, versions_of
from ganbench.report.standing import standing_of
from ganbench.report.store import MakeSection, Store
from ganbench.report.templates import environment
from ganbench.report.troubled import Troubled, troubles_of
from ganbench.report.variants import variants_of
from ganbench.scoring.flags import withholding
from ganbench.scoring.row import ARROWS, Row
from ganbench.scoring.scorecard import Scorecard
from ganbench.system.notes import Note, log_note


@dataclass(frozen=True, eq=False)
class _Shown:
    """An entry as the page shows it: its number, pictures, why there are none, what it is ranked by, what was found."""

    number: int
    entry: Entry
    look: Look | None
    reason: str
    headline: str
    trouble: Troubled | None


def make_page(
    leaderboard: Leaderboard,
    *,
    title: str | None = None,
    real: Source | None = None,
    published: bool = False,
    detector: str | None = None,
    samples: Source | None = None,
    lead: MakeSection | None = None,
    note: Note = log_note,
) -> str:
    """Return the page.

    Args:
        leaderboard: the entries, and what to rank them by and to show of them. A single one is shown as its scorecard,
            without a rank; runs of several variants as a bench, which leads with the comparison of the variants.
        title: what the page is [default: the scorecard of the one entry, or a leaderboard].
        real: real images of the samples' size, for the nearest ones; of a folder of toy faces, also for the attributes
            that the samples reach.
        published: whether to show the published rows.
        detector: what may have made the scorecards' AFD, for pictures of its hits and misses; registered detectors are
            found without it.
        samples: the images of a single entry, opened; without it they are looked for where the entry is.
        lead: makes the section that the page of a single entry leads with.
        note: told when the cache of the real images cannot be used.

    Raises:
        GanbenchError: real images that cannot be read.
    """
    entries, store = leaderboard.entries, Store()
    gradients, findings = gradient_figure(entries)
    training = training_figure(entries)
    on_boards = [entry for board in leaderboard.boards for entry in board.entries]
    looks, without = looks_of(on_boards, real, detector, samples, note)
    numbers = {entry: number for number, entry in enumerate(on_boards, 1)}
    troubles = troubles_of(numbers)
    return (
        environment()
        .get_template("page.html")
        .render(
            **_subject(leaderboard, title),
            arrows=ARROWS,
            store=store,
            lead=None if lead is None or len(entries) != 1 else lead(store),
            by=leaderboard.by,
            tables=[_table(board, leaderboard.shown, numbers) for board in leaderboard.boards],
            shown=leaderboard.shown,
            troubles=list(troubles.values()),
            entries=[
                _shown(leaderboard, e, n, looks.get(e), without.get(e, ""), troubles.get(e)) for e, n in numbers.items()
            ],
            flagged=flag_lines(leaderboard),
            rules=leaderboard.rules,
            seeds_note=SEEDS_NOTE,
            unranked=leaderboard.unranked,
            published=published_lines() if published else [],
            published_protocol=PUBLISHED_PROTOCOL,
            looked_at=LOOKED_AT,
            modes=modes_of(looks),
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


def _subject(leaderboard: Leaderboard, title: str | None) -> dict[str, object]:
    """Return what the page is of: its title, and of a single entry the scorecard, what was scored, and the tier."""
    entries, by = leaderboard.entries, leaderboard.by
    if len(entries) != 1:
        usual = f"Leaderboard of {len(entries)} entries" + (f" by {by}" if by else "")
        return {"title": title or usual, "card": None, "flags": []}
    card, flags = entries[0].card, entries[0].flags
    about: dict[str, object] = {}
    if card is not None:
        about["scored"] = _scored(card)
        about["tier"] = str(card.tier.withheld(withholding(flags)))
        about["main"] = [row for name in leaderboard.shown if (row := measured(entries[0], name)) is not None]
    return {"title": title or f"{entries[0].name}: scorecard", "card": card, "flags": flags, **about}


def _scored(card: Scorecard) -> str:
    """Return what was scored: label, number and size of the images, as far as the scorecard says."""
    size = card.source.get("image_size")
    shape = f" of {size[1]}x{size[0]} pixels" if isinstance(size, list) and len(size) == 2 else ""
    return f"{card.source.get('label', '?')}: {card.source.get('count', '?')} images{shape}. "


def _table(board: Board, shown: list[str], numbers: dict[Entry, int]) -> dict[str, object]:
    order = "In the order given" if board.better == "none" else f"Best first by {board.by}"
    series = series_of(board.entries)
    variants = variants_of(board, numbers, series)
    return {
        "order": order,
        "standing": "" if variants else standing_of(board),
        "variants": variants,
        "dots": dot_plot(board, numbers, series),
        "scatter": scatter_plot(board, shown, numbers, series),
        "series": series,
        "titles": header(board, shown),
        "lines": list(zip([numbers[entry] for entry in board.entries], lines(board, shown), strict=True)),
        "notes": notes(board, shown),
        "seeds": seed_lines(board, shown),
        "sorted": {"lower": "ascending", "higher": "descending", "none": "none"}[board.better],
        "n": board.n,
        "protocol": board.protocol,
    }


def _shown(
    leaderboard: Leaderboard, entry: Entry, number: int, look: Look | None, reason: str, trouble: Troubled | None
) -> _Shown:
    row = measured(entry, leaderboard.by)
    return _Shown(number, entry, look, reason, "" if row is None else f"{row.id} {_text(row)}", trouble)


def _text(row: Row) -> str:
    value, low, high = row.formatted()
    return value if row.low is None else f"{value} ({low} … {high})"


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
