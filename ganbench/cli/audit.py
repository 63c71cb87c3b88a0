"""``ganbench audit``."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from ganbench.cli import options
from ganbench.cli.defaults import warn
from ganbench.cli.output import is_stdout, put_json, tell, write_documents
from ganbench.cli.scoring import takes_scoring_options
from ganbench.system.location import Location

if TYPE_CHECKING:
    from ganbench.audit.result import Audit
    from ganbench.scoring.options import ScoreOptions


@takes_scoring_options()
def audit(
    real: Annotated[
        str | None,
        typer.Argument(
            metavar="REAL",
            show_default="what the shipped reference keeps",
            help="Real images: a folder, an archive, an array; also at a URL. A quarter becomes the reference.",
        ),
    ] = None,
    *,
    scoring: ScoreOptions,
    n: Annotated[
        int, typer.Option("--n", metavar="N", help="Images that you score: the verdicts are for so many.")
    ] = 1000,
    check: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", show_default="all", help="Do only this check; may be given several times."),
    ] = None,
    run: Annotated[
        list[str] | None,
        typer.Option(metavar="RUN", help="A healthy run, scored while it trained; may be given several times."),
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="A first look in minutes: fewer and smaller sets.")] = False,
    json_file: Annotated[
        Location | None,
        typer.Option("--json", parser=options.place, metavar="F", help="All figures as JSON; - prints it."),
    ] = None,
    csv_file: Annotated[
        Location | None,
        typer.Option("--csv", parser=options.place, metavar="F", help="A row for each metric and check."),
    ] = None,
    html: Annotated[
        Location | None,
        typer.Option(parser=options.place, metavar="F", help="One self-contained page, with curves."),
    ] = None,
    cache: Annotated[
        bool, typer.Option("--cache/--no-cache", help="Keep every finished piece of work, and go on from those kept.")
    ] = True,
    jobs: options.Jobs = 1,
    cluster: options.Cluster = None,
    quiet: options.Quiet = False,
) -> None:
    """Find out which metric to believe: every metric is tried on real images whose faults are known.

    An audit that was stopped goes on where it was when it is started again.

    [bold]Examples[/bold]

      ganbench audit faces.zip --resize 64

      ganbench audit faces.zip --resize 64 --n 250 --quick --html audit.html

      ganbench audit --check sanity --check matched --json audit.json

      ganbench audit faces.zip --resize 64 --run runs/wgan --check order --metric kd
    """
    from ganbench.audit.build import materials_of
    from ganbench.audit.registry import chosen_checks
    from ganbench.audit.run import run_audit
    from ganbench.audit.scale import Scale
    from ganbench.report.audit import make_audit_page
    from ganbench.system.outputs import check_outputs

    del quiet
    site = options.site(jobs, cluster)
    check_outputs(json_file, csv_file, html)
    scale, checks = Scale.of(n, quick=quick), chosen_checks(check)
    chosen = replace(scoring, cache=cache)
    images = None if real is None else chosen.open(real)
    materials, notes = materials_of(chosen, images, runs=tuple(run or ()), site=site, note=warn)
    found = run_audit(materials, checks, scale, site=site, cache=cache, note=warn, notes=notes)
    written = write_documents(
        (None if is_stdout(json_file) else json_file, found.to_json),
        (csv_file, found.to_csv),
        (html, lambda: make_audit_page(found)),
    )
    if is_stdout(json_file):
        put_json(found.to_dict())
    else:
        _show(found, written, err=any(map(is_stdout, (csv_file, html))))


def _show(found: Audit, written: list[Location], *, err: bool) -> None:
    """Print the table for people: how each metric did in each check, and its verdict."""
    from rich.table import Table

    from ganbench.system.streams import cell, console

    for text in found.notes:
        warn(text)
    screen = console(err=err)
    judged = [
        name for name in found.titles if any(row.check == name and row.finding.passed is not None for row in found.rows)
    ]
    view = Table(title=f"checks at n = {found.scale.n:,}")
    for title in ("metric", "passes", "fails"):
        view.add_column(title, no_wrap=title == "passes")
    for one in found.verdicts:
        passed = {name: row.finding.passed for name in judged if (row := found.row(one, name)) is not None}
        asked = [name for name, said in passed.items() if said is not None]
        failed = [name for name in asked if not passed[name]]
        words = (one, f"{len(asked) - len(failed)} of {len(asked)}" if asked else "none asked", ", ".join(failed))
        view.add_row(*(cell(text, screen) for text in words))
    screen.print(view)
    for one, text in found.verdicts.items():
        tell(f"{one}: {text}", err=err)
    for place in written:
        tell(f"wrote {place}", err=err)
