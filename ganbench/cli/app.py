"""The ``ganbench`` command: registers the subcommands and turns errors into one line and an exit code."""

from __future__ import annotations

import logging
import os
import sys
from typing import Annotated

import typer

from ganbench import __version__
from ganbench.cli import (
    afd,
    assets,
    bench,
    data,
    detect,
    gradnorm,
    leaderboard,
    recipes,
    reference,
    sample,
    score,
    train,
)
from ganbench.errors import GanbenchError
from ganbench.system.log import log_to_stderr

app = typer.Typer(
    name="ganbench",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="Score, train and diagnose GANs on anime faces: the same number on every machine.",
    epilog="Start here: [bold]ganbench score ./generated[/bold]",
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"ganbench {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    context: typer.Context,
    verbose: Annotated[
        int,
        typer.Option(
            "--verbose", "-v", count=True, help="Show on standard error what happens inside; -vv shows every file."
        ),
    ] = 0,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and stop.")
    ] = False,
) -> None:
    del version
    if verbose:
        context.with_resource(log_to_stderr(logging.INFO if verbose == 1 else logging.DEBUG))


app.command("score")(score.score)
app.add_typer(reference.app, name="reference")
app.add_typer(data.app, name="data")
app.command("detect")(detect.detect)
app.add_typer(afd.app, name="afd")
app.command("train")(train.train)
app.command("sample")(sample.sample)
app.command("bench")(bench.bench)
app.command("leaderboard")(leaderboard.leaderboard)
app.command("gradnorm")(gradnorm.gradnorm)
app.add_typer(recipes.app, name="recipes")
app.add_typer(assets.app, name="assets")


def main() -> None:
    """Run the command line; user mistakes end in one line on standard error, never in a traceback."""
    try:
        app()
    except GanbenchError as e:
        typer.secho(f"ganbench: {e}", fg=typer.colors.RED, err=True)
        sys.exit(e.exit_code)
    except BrokenPipeError:
        # The reader (head, less) went away: not an error. Point stdout elsewhere so that the exit flush is silent.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception as e:
        # A fault of ours ends in a traceback, to be reported; one in a plug-in ends in one line, with its place.
        from ganbench.system.code import foreign_place

        if not (place := foreign_place(e)):
            raise
        typer.secho(f"ganbench: {place}: {type(e).__name__}: {e}", fg=typer.colors.RED, err=True)
        sys.exit(GanbenchError.exit_code)
