"""The tables and the report of a bench: for ``ganbench bench`` at its end, and ``ganbench bench collect``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import typer

from ganbench.bench.grid import Workspace
from ganbench.bench.out import Out
from ganbench.bench.status import Status
from ganbench.bench.survey import Found, survey
from ganbench.bench.written import Written
from ganbench.cli.defaults import say
from ganbench.cli.output import is_stdout, put_json, tell, write_documents
from ganbench.errors import GanbenchError
from ganbench.images.source import Source
from ganbench.leaderboard.boards import Leaderboard
from ganbench.leaderboard.choice import Choice
from ganbench.leaderboard.entries import collect
from ganbench.leaderboard.export import to_csv, to_dict, to_json, to_latex, to_markdown
from ganbench.leaderboard.terminal import print_boards
from ganbench.scoring.plan import Plan
from ganbench.system.location import Location
from ganbench.system.text import json_text


class Tables:
    """What is written of a bench once its cells are at their end."""

    def __init__(self, workspace: Workspace, choice: Choice, *, published: bool, detector: str | None) -> None:
        """Set up.

        Args:
            workspace: of the bench.
            choice: the results to rank by and to show.
            published: whether to show a course report's rows too.
            detector: what the page compares AFD by.
        """
        self._out, self._open = Out(workspace), workspace.open
        self._choice, self._published, self._detector = choice, published, detector

    def finish(self, statuses: list[Status], json_file: Location | None) -> None:
        """Say how the cells of this call ended, and rank all cells of the bench if none is left to anybody.

        Raises:
            typer.Exit: a cell failed.
        """
        out = self._out
        out.refresh()
        written = Written.read(out.folder)
        found = survey(written, [out.folder])
        left = [
            one for one in found if not one.is_over or (one.state == "failed" and not out.sight(one.name).is_free())
        ]
        board = None
        cells: dict[str, object] = {"cells": [status.to_dict() for status in statuses]}
        if left:
            names = ", ".join(one.name for one in left[:5]) + (f" and {len(left) - 5} more" if len(left) > 5 else "")
            say(
                f"{len(left)} of {len(found)} cells are left to other processes: {names}. Whoever comes last ranks "
                f"all; what is there now: ganbench bench collect {out.label}"
            )
        else:
            board = rank(found, self._choice)
        answer = cells | {"leaderboard": None if board is None else to_dict(board, published=self._published)}
        files = [] if board is None else self._publish(board)
        if is_stdout(json_file):
            put_json(answer)
        else:
            write_documents((json_file, lambda: json_text(answer)))
            if board is not None:
                print_boards(board, self._published, files)
            else:
                for status in statuses:
                    tell(f"{status.name}: {status.state}{': ' if status.reason else ''}{status.reason}")
        exit_if_failed(statuses)

    def _publish(self, board: Leaderboard) -> list[Location]:
        written = write_tables(
            board,
            self._out.folder,
            self._out.label.rstrip("/").rpartition("/")[2] or self._out.label,
            real=self._open,
            published=self._published,
            detector=self._detector,
        )
        return [self._out.publish(file.path) for file in written]


def rank(found: list[Found], choice: Choice) -> Leaderboard:
    """Return the leaderboard; cells that were not scored stand in it with the reason."""
    missing = {one.folder: one.reason or f"not finished: {one.state}" for one in found if not one.scored}
    return Leaderboard(collect([one.folder for one in found], _no_plan, failed=missing), choice)


def write_tables(
    board: Leaderboard,
    folder: Path,
    name: str,
    *,
    real: Callable[[], Source | None],
    published: bool,
    detector: str | None,
) -> list[Location]:
    """Write the tables and the report; returns the files."""
    from ganbench.report.page import make_page

    return write_documents(
        (folder / "leaderboard.csv", lambda: to_csv(board)),
        (folder / "leaderboard.md", lambda: to_markdown(board, published=published)),
        (folder / "leaderboard.json", lambda: to_json(board, published=published)),
        (folder / "leaderboard.tex", lambda: to_latex(board, published=published)),
        (
            folder / "report.html",
            lambda: make_page(
                board, title=f"Benchmark {name}", real=real(), published=published, detector=detector, note=say
            ),
        ),
    )


def exit_if_failed(statuses: list[Status]) -> None:
    """Name the cells that failed.

    Raises:
        typer.Exit: there are some.
    """
    failed = [status for status in statuses if status.state == "failed"]
    for status in failed:
        tell(f"{status.name} {status.state}: {status.reason}", fg=typer.colors.RED, err=True)
    if failed:
        raise typer.Exit(1)


def _no_plan() -> Plan:
    raise GanbenchError("a cell was changed while its results were collected. Run the same command again")
