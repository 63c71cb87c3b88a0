"""``ganbench compare``."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, cast

import typer

from ganbench.cli import options
from ganbench.cli.output import is_stdout, put_json, write_documents
from ganbench.cli.scoring import takes_scoring_options
from ganbench.system.location import Location

if TYPE_CHECKING:
    from ganbench.comparison.compare import Pairing
    from ganbench.comparison.result import Comparison
    from ganbench.scoring.options import ScoreOptions


@takes_scoring_options()
def compare(
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="SRC|CARD.json|RUN...",
            help="Two or more sets of images or scorecards; or trainings: runs, and folders of runs.",
        ),
    ],
    scoring: ScoreOptions,
    label: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", show_default="by their paths", help="What to call each, in order; once for each."),
    ] = None,
    paired: Annotated[
        str | None,
        typer.Option(
            metavar="names|positions",
            show_default="independent",
            help="The images correspond, by equal names or by their order: test the pairs.",
        ),
    ] = None,
    columns: options.Columns = None,
    grid: options.Grid = None,
    pad: options.Pad = None,
    cache: Annotated[bool, typer.Option("--cache/--no-cache", help="Keep and reuse computed features.")] = True,
    jobs: options.Jobs = 1,
    cluster: options.Cluster = None,
    json_file: Annotated[
        Location | None,
        typer.Option("--json", parser=options.place, metavar="F", help="All pairs and results as JSON; - prints it."),
    ] = None,
    csv_file: Annotated[
        Location | None,
        typer.Option("--csv", parser=options.place, metavar="F", help="A line for every pair and result."),
    ] = None,
    latex: Annotated[
        Location | None,
        typer.Option(parser=options.place, metavar="F", help="A table for a paper, the best and its ties in bold."),
    ] = None,
    caption: Annotated[
        str, typer.Option(metavar="TEXT", show_default="none", help="Caption of that table; what is bold follows it.")
    ] = "",
    quiet: options.Quiet = False,
) -> None:
    """Tell which sets of images, scorecards or kinds of trainings are better, and which cannot be told apart.

    Each difference has a 95 % interval and a p-value, adjusted for the pairs.
    Trainings are compared over their seeds, never over their images.
    Results of different protocols, references or n are not compared.

    [bold]Examples[/bold]

      ganbench compare before/ after/

      ganbench compare before/ after/ --paired names --metric fd --metric kd

      ganbench compare a.tgz b.tgz c.tgz --columns fd,kd,afd --latex table.tex

      ganbench compare dcgan.json wgan.json --json -

      ganbench compare bench/
    """
    from ganbench.comparison.compare import compare_sides
    from ganbench.comparison.latex import to_latex
    from ganbench.comparison.terminal import print_comparison
    from ganbench.system.outputs import check_outputs
    from ganbench.system.text import csv_frame

    del quiet
    site = options.site(jobs, cluster)
    check_outputs(json_file, csv_file, latex)
    chosen, geometry = replace(scoring, cache=cache), options.parse_grid(grid)
    found = compare_sides(
        sources,
        chosen,
        labels=label,
        paired=cast("Pairing | None", paired),
        opened=lambda source: chosen.open(source, grid=geometry, pad=pad),
        site=site,
    )
    shown = _shown(found, columns)
    written = write_documents(
        (None if is_stdout(json_file) else json_file, found.to_json),
        (csv_file, lambda: csv_frame(found.to_frame())),
        (latex, lambda: to_latex(found.chosen(shown), caption=caption)),
    )
    if is_stdout(json_file):
        put_json(found.to_dict())
    else:
        few = found if columns is None else found.chosen(shown)
        print_comparison(few, shown, written, err=any(map(is_stdout, (csv_file, latex))))


def _shown(found: Comparison, columns: list[str] | None) -> list[str]:
    """Return the ids of the results that tables have: those asked for, or the usual ones."""
    from ganbench.leaderboard.choice import choose

    directions = {one.id: one.better for one in found.compared}
    picked = choose(directions, None, columns)
    return list(picked.columns or picked.shown(found.ids))
