"""``ganbench explain``."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from ganbench.cli import options
from ganbench.cli.output import is_stdout, put_json, tell, write_documents
from ganbench.system.location import Location

if TYPE_CHECKING:
    pass


def explain(
    source: options.SourceArg,
    reference: Annotated[
        str | None,
        typer.Option(metavar="NAME|FILE|SRC", show_default="anime-faces-64", help="The real side."),
    ] = None,
    real: Annotated[
        str | None,
        typer.Option(
            metavar="SRC",
            help="The real images of the reference: the page then shows them too, and kinds of toy faces are named.",
        ),
    ] = None,
    features: Annotated[
        str, typer.Option(metavar="NAME", help="Extractor by whose features kinds, variety and distance are told.")
    ] = "lite0",
    json_file: Annotated[
        Location | None,
        typer.Option("--json", parser=options.place, metavar="F", help="Write the findings as JSON; - prints them."),
    ] = None,
    html: Annotated[
        Location | None,
        typer.Option(parser=options.place, metavar="F", help="One self-contained page, with the images."),
    ] = None,
    grid: options.Grid = None,
    pad: options.Pad = None,
    resize: options.Resize = None,
    recursive: options.Recursive = False,
    limit: options.Limit = None,
    skip_bad: options.SkipBad = 0,
    weights: options.Weights = None,
    precision: options.Precision = "fp32",
    device: options.Device = "auto",
    seed: options.Seed = 0,
    cache: Annotated[bool, typer.Option("--cache/--no-cache", help="Keep and reuse computed features.")] = True,
    quiet: options.Quiet = False,
) -> None:
    """Explain a score: in which ways images differ from real ones, strongest first, and what to do about each.

    [bold]Examples[/bold]

      ganbench explain ./generated

      ganbench explain submission.tgz --json findings.json --html why.html

      ganbench explain ./generated --reference real.npz --real ./my-real-faces --resize 64 --html why.html
    """
    from ganbench.diagnostics.toy_kinds import with_attributes
    from ganbench.explanation.explain import explain_source
    from ganbench.scoring.options import ScoreOptions
    from ganbench.system.outputs import check_outputs

    del quiet
    check_outputs(json_file, html)
    chosen = ScoreOptions(
        features=(features,), references=() if reference is None else (reference,), detector=None, weights=weights,
        precision=precision, device=device, resize=resize, recursive=recursive, limit=limit, skip_bad=skip_bad,
        seed=seed, cache=cache,
    )  # fmt: skip
    opened = chosen.open(source, grid=options.parse_grid(grid), pad=pad)
    known = None if real is None else replace(chosen, limit=None, skip_bad=0).open_real(real)
    found = explain_source(opened, chosen)
    if known is not None:
        found = with_attributes(found, known)

    def page() -> str:
        from ganbench.report.explanation import make_explanation_page

        return make_explanation_page(found, opened, known)

    written = write_documents((None if is_stdout(json_file) else json_file, found.to_json), (html, page))
    if is_stdout(json_file):
        put_json(found.to_dict())
        return
    tell(*found.lines(), *(f"wrote {place}" for place in written), err=is_stdout(html), wrap=True)
