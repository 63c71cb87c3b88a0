"""``ganbench leaderboard``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ganbench.cli import options

if TYPE_CHECKING:
    from ganbench.leaderboard import Entry


def leaderboard(
    paths: Annotated[
        list[Path], typer.Argument(metavar="RUN|SRC|CARD.json...", help="Runs, submissions, or scorecards.")
    ],
    sort: Annotated[str, typer.Option(metavar="ID", help="The result to rank by.")] = "fd[lite0]",
    reference: Annotated[
        str | None, typer.Option(metavar="NAME|FILE|SRC", help="What to score against [default: anime-faces-64].")
    ] = None,
    detector: Annotated[
        str, typer.Option(metavar="NAME|yolo:PATH|none", help="Face detector for AFD, or none.")
    ] = "yolo-nano",
    resize: options.Resize = None,
    jobs: Annotated[int, typer.Option(metavar="N", min=1, help="Processes that score at a time.")] = 1,
    published: Annotated[
        bool, typer.Option("--published", help="Also show a course report's rows, which are not comparable.")
    ] = False,
    csv_file: Annotated[
        Path | None, typer.Option("--csv", metavar="F", help="Wide table, a column per result.")
    ] = None,
    markdown: Annotated[Path | None, typer.Option(metavar="F", help="Markdown tables.")] = None,
    latex: Annotated[Path | None, typer.Option(metavar="F", help="LaTeX tables (booktabs).")] = None,
    html: Annotated[Path | None, typer.Option(metavar="F", help="One self-contained page.")] = None,
    real: Annotated[
        str | None, typer.Option(metavar="SRC", help="Real images, to show the nearest ones in the page.")
    ] = None,
    json_file: Annotated[Path | None, typer.Option("--json", metavar="F", help="JSON; - prints it.")] = None,
    device: options.Device = "auto",
    quiet: options.Quiet = False,
) -> None:
    """Rank runs and submissions. What cannot be scored is listed with its reason; the rest is ranked.

    [bold]Examples[/bold]

      ganbench leaderboard runs/* --sort "fd[lite0]" --markdown board.md

      ganbench leaderboard submissions/*.tgz --jobs 2 --csv board.csv

      ganbench leaderboard runs/* --html report.html --real faces.zip --resize 64
    """
    from ganbench.leaderboard import HowToScore, boards, collect, to_frame
    from ganbench.leaderboard_text import to_json, to_latex, to_markdown
    from ganbench.storage import atomic_write

    del quiet
    how = HowToScore(reference, None if detector == "none" else detector, resize, device)
    entries = collect(
        paths, how, jobs=jobs, warn=lambda text: typer.secho(f"not scored: {text}", fg=typer.colors.YELLOW, err=True)
    )
    boards(entries, sort)  # an unknown --sort is told before anything is written
    texts = {
        csv_file: lambda: to_frame(entries).to_csv(index=False),
        markdown: lambda: to_markdown(entries, sort, published=published),
        latex: lambda: to_latex(entries, sort),
        html: lambda: _html(entries, sort, real, resize, published),
        (None if str(json_file) == "-" else json_file): lambda: to_json(entries, sort),
    }
    written = []
    for path, text in texts.items():
        if path is not None:
            with atomic_write(path, "w") as f:
                f.write(text())
            written.append(path)
    if str(json_file) == "-":
        typer.echo(to_json(entries, sort), nl=False)
    else:
        _print(entries, sort, published, written)
    if all(entry.card is None for entry in entries):
        raise typer.Exit(1)


def _html(entries: list[Entry], sort: str, real: str | None, resize: str | None, published: bool) -> str:
    from ganbench.images.sources import open_source
    from ganbench.report.page import make_page

    source = None if real is None else open_source(real, resize=resize)
    return make_page(entries, sort, real=source, published=published)


def _print(entries: list[Entry], sort: str, published: bool, written: list[Path]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from ganbench.leaderboard import PUBLISHED, PUBLISHED_PROTOCOL, boards
    from ganbench.leaderboard_text import cells, columns, header, notes, seed_cells

    console = Console(highlight=False)
    shown = columns(entries, sort)

    def show(title: str, titles: list[str], lines: list[list[str]]) -> None:
        table = Table(title=title, title_justify="left")
        for i, name in enumerate(titles):
            table.add_column(escape(name), justify="left" if i < 2 or i == len(titles) - 1 else "right")
        for line in lines:
            table.add_row(*(escape(cell) for cell in line))
        console.print(table)

    for board in boards(entries, sort):
        show("", header(board, shown), cells(board, sort, shown))
        for note in notes(board, sort):
            console.print(f"[dim]{escape(note)}[/dim]")
    seeds = seed_cells(entries, shown)
    if seeds:
        show("mean ± standard deviation over seeds", ["variant", "seeds", *shown], seeds)
    if published:
        show("published", ["", "FID", "AFD"], [[name, f"{fid:.1f}", f"{afd:g}"] for name, fid, afd in PUBLISHED])
        console.print(f"[dim]{escape(PUBLISHED_PROTOCOL)}[/dim]")
    failed = sum(entry.card is None for entry in entries)
    if failed:
        console.print(f"[yellow]{failed} of {len(entries)} could not be scored; the reasons are above[/yellow]")
    for path in written:
        console.print(f"wrote {escape(str(path))}")
