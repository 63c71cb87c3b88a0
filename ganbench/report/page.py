"""Puts the page together: everything it shows is inside the one file."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

import ganbench
from ganbench.detectors.base import Detector, load_detector
from ganbench.diagnostics.figures import depth_figure
from ganbench.diagnostics.findings import to_markdown as findings
from ganbench.errors import GanbenchError
from ganbench.images.sources import Source, open_source
from ganbench.leaderboard import PUBLISHED, PUBLISHED_PROTOCOL, Entry, boards, result
from ganbench.leaderboard_text import cells, columns, header, notes, seed_cells
from ganbench.report.pictures import coarse, detections, figure_uri, nearest, sheet_uri, training_curves
from ganbench.training.run_folder import RunFolder

SHEET = 64  # samples shown per entry
DETECTED = 200  # samples that the detections are picked from
PICTURED = 30  # entries with pictures: the best; a page of hundreds of sheets would not open


@dataclass(frozen=True)
class Pictures:
    """What the page shows of one entry; "" where there is nothing."""

    name: str
    sheet: str
    hits: str
    hit_count: int
    misses: str
    miss_count: int
    neighbours: str


def make_page(entries: list[Entry], by: str, *, real: Source | None = None, published: bool = False) -> str:
    """Return the page.

    Args:
        entries: what ``collect`` returned.
        by: result id to rank by.
        real: real images of the samples' size, for the nearest ones.
        published: whether to show the published rows.
    """
    shown = columns(entries, by)
    ranked = boards(entries, by)
    tables = [
        {
            "titles": header(board, shown),
            "lines": [
                [(text, _sort_key(text, entry, shown, i)) for i, text in enumerate(line)]
                for entry, line in zip(board.entries, cells(board, by, shown), strict=True)
            ],
            "notes": notes(board, by),
            "by": by,
        }
        for board in ranked
    ]
    best = [entry for board in ranked for entry in board.entries][:PICTURED]
    gradients, finding = _gradients(entries)
    curves = training_curves(
        {e.name: RunFolder(e.path).read_metrics() for e in entries if (e.path / "metrics.jsonl").is_file()}
    )
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=select_autoescape(), undefined=StrictUndefined
    )
    card = next((e.card for e in entries if e.card), None)
    return environment.get_template("page.html").render(
        tables=tables,
        shown=shown,
        seeds=seed_cells(entries, shown),
        failed=[(e.name, e.error) for e in entries if e.card is None],
        published=[(name, f"{fid:.1f}", f"{afd:g}") for name, fid, afd in PUBLISHED] if published else [],
        published_protocol=PUBLISHED_PROTOCOL,
        pictures=_pictures(best, real),
        not_pictured=max(0, sum(e.card is not None for e in entries) - PICTURED),
        curves="" if curves is None else figure_uri(curves),
        gradients=gradients,
        finding=finding,
        protocols=[] if card is None else [(row.id, str(row.cells()["protocol"])) for row in card.rows],
        versions={} if card is None else card.versions,
        version=ganbench.__version__,
        today=datetime.date.today().isoformat(),
    )


def _sort_key(text: str, entry: Entry, shown: list[str], column: int) -> str:
    """Return what the browser sorts a cell by: the number where there is one."""
    if 2 <= column < 2 + len(shown):
        row = result(entry, shown[column - 2])
        return "" if row is None else repr(float(row.value))
    return text


def _pictures(entries: list[Entry], real: Source | None) -> list[Pictures]:
    pixels = None if real is None else np.concatenate([batch.pixels for batch in real.batches(256)])
    small = None if pixels is None else coarse(pixels)
    detector: Detector | None = load_detector("yolo-nano")
    found = []
    for entry in entries:
        images = _samples(entry)
        if images is None:
            continue
        hits, hit_count, misses, miss_count = detections(images[:DETECTED], detector)
        fits = pixels is not None and pixels.shape[1:] == images.shape[1:]
        neighbours = nearest(images, pixels, small) if fits else ""
        found.append(Pictures(entry.name, sheet_uri(images[:SHEET]), hits, hit_count, misses, miss_count, neighbours))
    return found


def _samples(entry: Entry) -> np.ndarray | None:
    """Return an entry's images: those that were scored, of a run or a submission; None for a bare scorecard."""
    path = entry.path / "samples.npz" if (entry.path / "recipe.toml").is_file() else entry.path
    if path.suffix == ".json":
        return None
    try:
        source = open_source(path)
        return np.concatenate([batch.pixels for batch in source.first(min(len(source), 1000)).batches(256)])
    except GanbenchError:
        return None  # scored with --resize or --skip-bad, or moved since: the table still has it


def _gradients(entries: list[Entry]) -> tuple[str, list[str]]:
    """Return the figure over depth of every run that was probed, and the findings' sentences."""
    import pandas as pd

    frames = []
    for entry in entries:
        file = entry.path / "gradnorm.csv"
        if entry.card is not None and file.is_file():
            frame = pd.read_csv(file)
            frames.append(frame.assign(curve=entry.group.rpartition(" ")[0] or entry.name))
    if not frames:
        return "", []
    everything = pd.concat(frames)
    lines = findings(everything).splitlines()
    return figure_uri(depth_figure(everything)), [line for line in lines if line and not line.startswith("|")]
