"""``ganbench explain-protocol``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ganbench.cli import options
from ganbench.cli.output import is_stdout, put_json, tell, write_documents
from ganbench.system.location import Location

if TYPE_CHECKING:
    from ganbench.protocols.explained import Explained


def explain_protocol(
    card: Annotated[Location, typer.Argument(parser=options.place, metavar="A.json", help="A scorecard.")],
    other: Annotated[
        Location | None, typer.Argument(parser=options.place, metavar="[B.json]", help="Another scorecard.")
    ] = None,
    against: Annotated[
        str | None,
        typer.Option(
            metavar="pytorch-fid|clean-fid|torch-fidelity|stylegan|course",
            help="Instead of B.json: a protocol that others have published.",
        ),
    ] = None,
    images: Annotated[
        str | None,
        typer.Option(metavar="SRC", help="Measure on these images how much each difference moves the number."),
    ] = None,
    real: Annotated[
        str | None, typer.Option(metavar="SRC", help="Real images: every reference is built from them.")
    ] = None,
    reference: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME|FILE", help="A reference of one of the sides; may be given several times."),
    ] = None,
    metric: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME", show_default="the first of both", help="The number to measure; may be given several times."
        ),
    ] = None,
    weights: Annotated[
        list[Location] | None,
        typer.Option(
            parser=options.place, metavar="PATH|URL", help="A weights file, told by its hash; several times as well."
        ),
    ] = None,
    features: Annotated[
        list[str] | None,
        typer.Option(
            metavar="MODULE:FACTORY", help="An extractor of your own that a card names; several times as well."
        ),
    ] = None,
    detector: Annotated[
        list[str] | None,
        typer.Option(metavar="yolo:PATH|MODULE:CLASS", help="A detector that is not installed; several times as well."),
    ] = None,
    recursive: options.Recursive = False,
    device: options.Device = "auto",
    cache: Annotated[bool, typer.Option("--cache/--no-cache", help="Keep and reuse computed features.")] = True,
    json_file: Annotated[
        Location | None, typer.Option("--json", parser=options.place, metavar="F", help="Write JSON; - prints it.")
    ] = None,
    quiet: options.Quiet = False,
) -> None:
    """Say why two numbers differ: every difference of two protocols and, given images, what each of them moves.

    One choice is switched from A's to B's at a time, and the images are scored again; the largest move comes first.

    [bold]Examples[/bold]

      ganbench explain-protocol mine.json theirs.json

      ganbench explain-protocol mine.json theirs.json --images ./generated

      ganbench explain-protocol mine.json --against pytorch-fid --images ./generated --real faces.zip

      ganbench explain-protocol mine.json --against course --metric afd --images ./generated --detector yolo:x6.onnx
    """
    from ganbench.protocols.explain import explain_protocol as explain
    from ganbench.system.outputs import check_outputs

    del quiet
    check_outputs(json_file)
    explained = explain(
        card.fetched(),
        None if other is None else other.fetched(),
        against=against,
        images=images,
        real=real,
        references=reference or (),
        metrics=metric,
        weights=[one.fetched() for one in weights or ()],
        features=features or (),
        detectors=detector or (),
        recursive=recursive,
        device=device,
        cache=cache,
    )
    written = write_documents((None if is_stdout(json_file) else json_file, explained.to_json))
    if is_stdout(json_file):
        put_json(explained.to_dict())
    else:
        _show(explained)
        for place in written:
            tell(f"wrote {place}")


def _show(explained: Explained) -> None:
    from ganbench.system.streams import console

    screen = console()
    screen.print(explained.renderable(screen))
