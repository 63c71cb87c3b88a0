"""``ganbench bench collect``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ganbench.cli import options
from ganbench.cli.output import is_stdout, put_json, tell, write_documents
from ganbench.system.location import Location

if TYPE_CHECKING:
    from ganbench.bench.survey import Found
    from ganbench.images.source import Source


def collect(
    places: Annotated[
        list[str], typer.Argument(metavar="DIR|URL...", help="What --out of 'ganbench bench' named, or copies of it.")
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            parser=options.local("the folder of the tables"),
            metavar="DIR",
            show_default="the DIR, where it is one",
            help="Where the tables and the page go.",
        ),
    ] = None,
    sort: options.Sort = None,
    columns: options.Columns = None,
    published: options.Published = False,
    real: Annotated[
        str | None, typer.Option("--data", metavar="SRC", help="The training images, for the page: the nearest ones.")
    ] = None,
    limit: options.Limit = None,
    resize: options.Resize = None,
    recursive: options.Recursive = False,
    skip_bad: options.SkipBad = 0,
    json_file: Annotated[
        Location | None,
        typer.Option(
            "--json",
            parser=options.place,
            metavar="F",
            help="What has come of every cell, and the leaderboard; - prints it.",
        ),
    ] = None,
    quiet: options.Quiet = False,
) -> None:
    """Rank what a bench has come to so far, from one folder or from the parts that machines have made of it.

    Folders of different grids, settings or images are refused. What is not finished is listed, and ends in exit code 1.

    [bold]Examples[/bold]

      ganbench bench collect bench/

      ganbench bench collect part-0/ part-1/ part-2/ --out bench/

      ganbench bench collect s3://mine/bench --out bench/
    """
    from ganbench.bench.survey import read_together, refuse_strangers, survey
    from ganbench.cli.bench_tables import rank, write_tables
    from ganbench.errors import GanbenchError
    from ganbench.leaderboard.choice import choose
    from ganbench.leaderboard.entries import known_results
    from ganbench.leaderboard.export import to_dict
    from ganbench.leaderboard.terminal import print_boards
    from ganbench.scoring.options import ScoreOptions
    from ganbench.scoring.plan import Plan
    from ganbench.system.outputs import check_outputs
    from ganbench.system.text import json_text

    del quiet
    folders = [_look_at(place) for place in dict.fromkeys(places)]
    if out is None and (len(folders) > 1 or str(folders[0]) != str(Path(places[0]))):
        raise GanbenchError("--out: name the folder where the tables of these are to go")
    target = out or folders[0]
    check_outputs(json_file, folders=(target,))
    written = read_together(folders)
    found = survey(written, folders)
    refuse_strangers(written, found)
    scored = [one.folder for one in found if one.scored]
    if not scored:
        raise GanbenchError(f"{', '.join(places)}: none of {len(found)} cells has been scored yet. Run the bench on")
    results = known_results(scored, lambda: Plan.of(ScoreOptions()))
    board = rank(found, choose(results, sort, columns))
    source = None if real is None else _images(real, written.images, limit, resize, recursive, skip_bad)
    detector = next((name.partition("[")[2].rstrip("]") for name in results if name.startswith("afd[")), None)
    files = write_tables(
        board, target, target.resolve().name, real=lambda: source, published=published, detector=detector
    )
    answer = {
        "cells": [
            {"name": one.name, "state": one.state, "reason": one.reason, "folder": str(one.folder)} for one in found
        ],
        "leaderboard": to_dict(board, published=published),
    }
    if is_stdout(json_file):
        put_json(answer)
    else:
        write_documents((json_file, lambda: json_text(answer)))
        print_boards(board, published, files)
    _exit_if_unfinished(found)


def _exit_if_unfinished(found: list[Found]) -> None:
    """List the cells that are not done.

    Raises:
        typer.Exit: there are some.
    """
    from ganbench.system.text import pad

    left = [one for one in found if one.state != "done"]
    for one in left:
        tell(f"{pad(one.name, 36)} {one.state}{': ' if one.reason else ''}{one.reason}", err=True)
    if left:
        tell(f"{len(left)} of {len(found)} cells are not done", fg=typer.colors.RED, err=True)
        raise typer.Exit(1)


def _look_at(place: str) -> Path:
    """Return the folder of a bench, or the copy here of what is small in an object store."""
    from ganbench.bench.grid import Workspace
    from ganbench.bench.out import Out
    from ganbench.system.urls import is_url

    looked = Out(Workspace("", place if is_url(place) else Path(place)))
    looked.refresh()
    return looked.folder


def _images(data: str, digest: str, limit: int | None, resize: str | None, recursive: bool, skip_bad: int) -> Source:
    """Open the training images.

    Raises:
        GanbenchError: they are others.
    """
    from ganbench.bench.grid import Workspace
    from ganbench.errors import GanbenchError

    source = Workspace(data, Path(), limit, resize, recursive=recursive, skip_bad=skip_bad).open()
    if source.digest() != digest:
        raise GanbenchError(f"--data {data}: other images than the bench was trained on. Give those, read as they were")
    return source
