"""The ``ganbench`` command: registers the subcommands and turns errors into one line and an exit code."""

from __future__ import annotations

import logging
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from ganbench import __version__
from ganbench.cli import (
    afd,
    assets,
    audit,
    bench,
    collect,
    compare,
    data,
    detect,
    doctor,
    explain,
    explain_protocol,
    grade,
    grade_export,
    gradnorm,
    leaderboard,
    output,
    overlap,
    ppl,
    recipes,
    reference,
    sample,
    score,
    selftest,
    train,
)
from ganbench.errors import GanbenchError
from ganbench.system import streams
from ganbench.system.headroom import check_headroom, out_of_memory
from ganbench.system.log import log_to_stderr, log_warnings


class _Commands(TyperGroup):
    """The commands; one may go by two words beside a command that goes by the first of them alone."""

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """Return the command that a line calls: its name, itself, and its arguments."""
        if (name := " ".join(args[:2])) in self.commands:
            return name, self.commands[name], args[2:]
        return super().resolve_command(ctx, args)


app = typer.Typer(
    name="ganbench",
    cls=_Commands,
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
app.command("explain")(explain.explain)
app.add_typer(reference.app, name="reference")
app.add_typer(data.app, name="data")
app.command("detect")(detect.detect)
app.add_typer(afd.app, name="afd")
app.command("selftest")(selftest.selftest)
app.command("train")(train.train)
app.command("sample")(sample.sample)
app.command("ppl")(ppl.ppl)
app.command("bench")(bench.bench)
app.command("bench collect")(collect.collect)
app.command("leaderboard")(leaderboard.leaderboard)
app.command("explain-protocol")(explain_protocol.explain_protocol)
app.command("compare")(compare.compare)
app.command("overlap")(overlap.overlap)
app.command("audit")(audit.audit)
app.command("grade")(grade.grade)
app.command("grade export")(grade_export.export)
app.command("grade answer", hidden=True)(grade_export.answer)
app.command("gradnorm")(gradnorm.gradnorm)
app.command("doctor")(doctor.doctor)
app.add_typer(recipes.app, name="recipes")
app.add_typer(assets.app, name="assets")


# What typer raises for a command line that it cannot take: of click, or of a copy of click that typer brings along.
_Mistake: Any = next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException")


def main() -> None:
    """Run the command line; user mistakes end in one line on standard error, never in a traceback."""
    output.begin()
    log_warnings()
    command = typer.main.get_command(app)
    as_json = output.wants_json(sys.argv[1:], command)
    try:
        streams.prepare()
        if not {"--help", "--version"} & set(sys.argv[1:]):
            check_headroom()
        code = command(standalone_mode=False)
        streams.flush()
    except GanbenchError as e:
        code = _fail(type(e).__name__, str(e), e.exit_code, as_json)
    except _Mistake as e:
        code = _refuse(e, as_json)
    except typer.Abort:
        code = _fail("Abort", "stopped", 1, as_json)
    except (BrokenPipeError, SystemExit) as e:
        # The reader (head, less) went away, as libraries tell it too: not an error.
        if isinstance(e, SystemExit) and not isinstance(e.__context__, BrokenPipeError):
            raise
        code = 0
        streams.discard()
    except KeyboardInterrupt:
        raise
    except BaseException as e:  # somebody else's code may raise what is no Exception
        if why := out_of_memory(e):
            sys.exit(_fail("MemoryError", why, GanbenchError.exit_code, as_json))
        # A fault of ours ends in a traceback, to be reported; one in a plug-in ends in one line, with its place.
        from ganbench.system.code import foreign_place

        text = f"{type(e).__name__}: {e}"
        if not (place := foreign_place(e)):
            if as_json:
                output.answer_failure("InternalError", text, 1)
            raise
        code = _fail(type(e).__name__, f"{place}: {text}", GanbenchError.exit_code, as_json)
    sys.exit(code)


def _fail(kind: str, text: str, code: int, as_json: bool) -> int:
    """Say in one line why there is no result, and in JSON where a program reads standard output; returns the code."""
    output.tell(f"ganbench: {text}", fg=typer.colors.RED, err=True)
    try:
        if as_json:
            output.answer_failure(kind, text, code)
        streams.flush()
    except (OSError, GanbenchError):
        streams.discard()  # the line above has said it
    return code


def _refuse(mistake: Any, as_json: bool) -> int:
    """Answer to a command line that cannot be taken; without any argument that is the help."""
    context = getattr(mistake, "ctx", None)
    if type(mistake).__name__ == "NoArgsIsHelpError":
        mistake.show()
        return int(mistake.exit_code)
    where = f" See: {context.command_path} --help" if context is not None else ""
    text = f"{mistake.format_message().removesuffix('.').removesuffix('?')}.{where}"
    return _fail("UsageError", text, int(mistake.exit_code), as_json)
