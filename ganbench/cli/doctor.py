"""``ganbench doctor``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ganbench.cli import options
from ganbench.cli.defaults import warn
from ganbench.cli.output import is_stdout, put_json, tell, write_documents
from ganbench.errors import GanbenchError
from ganbench.system.location import Location

if TYPE_CHECKING:
    from ganbench.doctor.diagnosis import Diagnosis

_SCORES = {"probability": True, "unbounded": False}


def doctor(
    run: Annotated[
        Path,
        typer.Argument(
            parser=options.local("a run"),
            metavar="RUN",
            help="A run folder of ganbench, or a log of any program: .csv, .tsv, .jsonl, TensorBoard's events.",
        ),
    ],
    json_file: Annotated[
        Location | None,
        typer.Option("--json", parser=options.place, metavar="F", help="The findings as JSON; - prints it."),
    ] = None,
    html: Annotated[
        Location | None,
        typer.Option(parser=options.place, metavar="F", help="One self-contained page, with the curves."),
    ] = None,
    samples: Annotated[
        Path | None,
        typer.Option(
            parser=options.local("a folder of sheets"),
            metavar="DIR",
            help="Beside a log: a folder of sample sheets, the step in their names.",
        ),
    ] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(
            metavar="OURS=THEIRS", help="What a column of a log is, where its name is not well known; several times."
        ),
    ] = None,
    scores: Annotated[
        str | None,
        typer.Option(
            metavar="probability|unbounded",
            show_default="not known",
            help="Of a log: whether a Sigmoid reads the discriminator's answer (GAN) or nothing does (WGAN).",
        ),
    ] = None,
    grid: options.Grid = None,
    pad: options.Pad = None,
    fail: Annotated[bool, typer.Option("--fail", help="Exit code 1 where anything grave is found.")] = False,
    quiet: options.Quiet = False,
) -> None:
    """Say what is wrong with a training, since when, and what helps: by what it recorded, finished or going on.

    Nothing is said of a healthy run. Rules and bounds: docs/doctor.md.

    [bold]Examples[/bold]

      ganbench doctor runs/wgan

      ganbench doctor runs/wgan --json - --html doctor.html

      ganbench doctor log.csv --column discriminator_loss=lossD --column generator_loss=lossG --samples samples/

      ganbench doctor tensorboard/ --scores probability --fail
    """
    from ganbench.doctor.diagnosis import diagnose
    from ganbench.doctor.names import parse_columns
    from ganbench.system.outputs import check_outputs

    del quiet
    if scores is not None and scores not in _SCORES:
        raise GanbenchError(f"--scores {scores}: expected probability or unbounded")
    columns = parse_columns(column or [])
    geometry = options.parse_grid(grid)
    check_outputs(json_file, html)
    found = diagnose(
        run, columns=columns, samples=samples, grid=geometry or "guess", pad=pad,
        probability=None if scores is None else _SCORES[scores],
    )  # fmt: skip
    documents = None if is_stdout(json_file) else json_file
    written = write_documents((html, lambda: _page(found)), (documents, found.to_json))
    if is_stdout(json_file):
        put_json(found.to_dict())
    else:
        _show(found, written, err=is_stdout(html))
    if fail and found.grave:
        from ganbench.errors import GateFailed

        raise GateFailed(f"{found.records.label}: {len(found.grave)} grave findings, the first {found.grave[0].kind}")


def _page(found: Diagnosis) -> str:
    from ganbench.report.doctor import make_doctor_page

    return make_doctor_page(found)


def _show(found: Diagnosis, written: list[Location], *, err: bool) -> None:
    """Print the findings for people."""
    for text in found.records.notes:
        warn(text)
    for number, finding in enumerate(found.findings, 1):
        weight = "" if finding.grave else ", no emergency"
        fg = typer.colors.RED if finding.grave else typer.colors.YELLOW
        tell(f"{number}. {finding.kind} ({finding.where}), step {finding.when}{weight}", fg=fg, err=err)
        tell(f"   {finding.sentence}", f"   What to do: {finding.remedy}.", err=err, wrap=True)
    if not found.findings:
        tell(f"nothing found in {found.records.last:,} steps of {found.records.label}", err=err)
    tell(f"looked at: {', '.join(found.recorded())}", err=err, dim=True, wrap=True)
    for place in written:
        tell(f"wrote {place}", err=err)
