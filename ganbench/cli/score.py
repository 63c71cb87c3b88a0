"""``ganbench score``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ganbench.cli import options

if TYPE_CHECKING:
    from ganbench.images.source import Source
    from ganbench.scoring.scorecard import Scorecard

EXAMPLES = """
[bold]Examples[/bold]

  ganbench score ./generated

  ganbench score submission.tgz --json card.json --per-image images.csv

  ganbench score sheet.png --grid 10x10 --pad 2

  ganbench score ./generated --reference ./my-real-faces --resize 64

  ganbench score ./generated --detector yolo:yolov8x6_animeface.onnx --conf 0.8 --iou 0.8 --imgsz 64

  ganbench score ./generated --features lite0 --features inception --weights inception.pth --reference real.npz
"""


def score(
    source: options.SourceArg,
    reference: Annotated[
        str | None,
        typer.Option(metavar="NAME|FILE|SRC", show_default="anime-faces-64", help="What to score against."),
    ] = None,
    features: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", show_default="lite0", help="Extractor; may be given several times."),
    ] = None,
    metric: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Compute only this metric; may be given several times.")
    ] = None,
    detector: Annotated[
        str, typer.Option(metavar="NAME|yolo:PATH|none", help="Face detector for AFD, or none.")
    ] = "yolo-nano",
    conf: options.Conf = None,
    iou: options.Iou = None,
    imgsz: options.Imgsz = None,
    weights: options.Weights = None,
    precision: options.Precision = "fp32",
    device: options.Device = "auto",
    grid: options.Grid = None,
    pad: options.Pad = None,
    resize: options.Resize = None,
    recursive: options.Recursive = False,
    skip_bad: options.SkipBad = 0,
    cache: Annotated[bool, typer.Option("--cache/--no-cache", help="Keep and reuse computed features.")] = True,
    seed: options.Seed = 0,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="F", help="Write the scorecard as JSON; - prints it.")
    ] = None,
    csv_file: Annotated[Path | None, typer.Option("--csv", metavar="F", help="Write the rows as CSV.")] = None,
    markdown: Annotated[Path | None, typer.Option(metavar="F", help="Write a Markdown table.")] = None,
    html: Annotated[
        Path | None, typer.Option(metavar="F", help="Write one self-contained page, with samples and detections.")
    ] = None,
    per_image: Annotated[Path | None, typer.Option(metavar="F.csv", help="Write one line per image.")] = None,
    quiet: options.Quiet = False,
) -> None:
    """Score generated images: FD, KD, precision, recall, copies and faces found, each with its 95 % interval."""
    from ganbench.images.sources import open_source
    from ganbench.scoring.score import ScoreOptions, score_source
    from ganbench.system.storage import check_outputs

    del quiet
    check_outputs(json_file, csv_file, markdown, html, per_image)
    opened = open_source(
        source, recursive=recursive, grid=options.parse_grid(grid), pad=pad, resize=resize, skip_bad=skip_bad
    )
    card = score_source(
        opened,
        reference,
        ScoreOptions(
            features=tuple(features or ["lite0"]),
            metrics=metric,
            detector=None if detector == "none" else detector,
            conf=conf,
            iou=iou,
            imgsz=imgsz,
            weights=weights,
            precision=precision,
            device=device,
            seed=seed,
            cache=cache,
            per_image=per_image is not None,
        ),
        resize=resize,
    )
    to_stdout = json_file is not None and str(json_file) == "-"
    written = card.write(
        json_file=None if to_stdout else json_file,
        csv_file=csv_file,
        markdown_file=markdown,
        per_image_file=per_image,
    )
    if html is not None:
        _write_page(card, opened, None if detector == "none" else detector, html)
        written.append(html)
    if to_stdout:
        typer.echo(card.to_json(), nl=False)
        return
    if grid is not None:
        typer.echo(f"sheet: {opened.geometry}")
    _print(card, written)


score.__doc__ = f"{score.__doc__}\n{EXAMPLES}"


def _write_page(card: Scorecard, source: Source, detector: str | None, path: Path) -> None:
    """Write the report of a leaderboard with this one entry, by its first result."""
    from ganbench.leaderboard.entries import Entry
    from ganbench.report.page import make_page
    from ganbench.system.storage import atomic_write

    by = next((row.id for row in card.rows if row.value is not None), card.rows[0].id)
    name = Path(source.label).name or source.label
    with atomic_write(path, "w") as f:
        f.write(make_page([Entry(name, Path(source.label), card, group=name)], by, detector=detector, samples=source))


def _print(card: Scorecard, written: list[Path]) -> None:
    """Print the table; protocols and reasons stand below it, each once."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console(highlight=False)
    height, width = card.source["image_size"]
    title = f"{card.source['label']}: {card.source['count']} images, {height}x{width}"
    table = Table(title=escape(title), title_justify="left")
    for column, justify in (("result", "left"), ("value", "right"), ("95 % interval", "right"), ("n", "right")):
        table.add_column(column, justify=justify, no_wrap=True)
    for name, value, interval, n, _ in card.table():
        table.add_row(escape(name), value, interval, n)
    console.print(table)
    for ids, note in _footnotes(card):
        console.print(f"[dim]{escape(', '.join(ids))}: {escape(note)}[/dim]")
    for text in card.warnings:
        console.print(f"[yellow]warning[/yellow] {escape(text)}")
    for path in written:
        console.print(f"wrote {escape(str(path))}")


def _footnotes(card: Scorecard) -> list[tuple[list[str], str]]:
    """Return (ids, note) for protocols and reasons, each note once with all the results that it is about."""
    shared = card.shared_protocols()
    notes: dict[str, list[str]] = {f"{protocol}": [f"[{name}]"] for name, protocol in shared.items()}
    for row in card.rows:
        text = str(row.cells()["protocol"]).removeprefix(shared.get(row.instrument, "")).removeprefix("; ")
        if text:
            notes.setdefault(text, []).append(row.id)
    return [(ids, note) for note, ids in notes.items()]
