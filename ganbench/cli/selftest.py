"""``ganbench selftest``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ganbench.cli import options
from ganbench.cli.output import is_stdout, put_json, tell, write_documents
from ganbench.system.location import Location

if TYPE_CHECKING:
    from ganbench.selftest.result import SelfTest, Stage


def selftest(
    json_file: Annotated[
        Location | None, typer.Option("--json", parser=options.place, metavar="F", help="Write JSON; - prints it.")
    ] = None,
    quiet: options.Quiet = False,
) -> None:
    """Check that this installation computes what it must, and print a line to quote in a report.

    Decoding, resampling, weights, network, every metric, the detector and the shipped reference are held against known
    values one by one, and then a whole score of drawn faces is. Exit code 1 names what is wrong.

    [bold]Examples[/bold]

      ganbench selftest

      ganbench selftest --json selftest.json
    """
    from ganbench.errors import GateFailed
    from ganbench.selftest.running import run
    from ganbench.system.outputs import check_outputs

    del quiet
    check_outputs(json_file)
    printed = is_stdout(json_file)
    found = run((lambda stage: None) if printed else _show)
    written = write_documents((None if printed else json_file, found.to_json))
    if printed:
        put_json(found.to_dict())
    else:
        tell(found.certificate, *(f"wrote {place}" for place in written))
    if not found.ok:
        raise GateFailed(_verdict(found))


def _show(stage: Stage) -> None:
    made = [check for check in stage.checks if not check.skipped]
    exact = sum(check.exact for check in made)
    tell(
        f"{'ok  ' if stage.ok else 'FAIL'} {stage.name}: {len(made)} checks, {exact} to the bit, {stage.seconds:.1f} s"
    )
    for check in stage.checks:
        if not check.ok or check.skipped:
            tell(f"     {check.what}: {check.found}")


def _verdict(found: SelfTest) -> str:
    first, *others = found.culprits
    more = f" (and {', '.join(others)})" if others else ""
    return f"this installation does not compute what it must; the culprit is {first}{more}. See the lines above"
