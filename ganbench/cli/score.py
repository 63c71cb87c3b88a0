"""``ganbench score``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from ganbench.cli import options
from ganbench.cli.output import is_stdout, put_json, tell, write_documents
from ganbench.cli.scoring import takes_scoring_options
from ganbench.system.location import Location

if TYPE_CHECKING:
    from ganbench.explanation.result import Explanation
    from ganbench.images.sheets import SheetSource
    from ganbench.images.source import Source
    from ganbench.scoring.look import Seen
    from ganbench.scoring.options import ScoreOptions
    from ganbench.scoring.plan import Plan
    from ganbench.scoring.scorecard import Scorecard

EXAMPLES = """
[bold]Examples[/bold]

  ganbench score ./generated

  ganbench score submission.tgz --json card.json --per-image images.csv

  ganbench score sheet.png --grid 10x10 --pad 2

  ganbench score ./generated --reference ./my-real-faces --resize 64

  ganbench score ./generated --detector yolo:yolov8x6_animeface.onnx --conf 0.8 --iou 0.8 --imgsz 64

  ganbench score ./generated --features lite0 --features inception --weights inception.pth --reference real.npz
"""


@takes_scoring_options()
def score(
    source: options.SourceArg,
    scoring: ScoreOptions,
    grid: options.Grid = None,
    pad: options.Pad = None,
    cache: Annotated[bool, typer.Option("--cache/--no-cache", help="Keep and reuse computed features.")] = True,
    json_file: Annotated[
        Location | None,
        typer.Option(
            "--json",
            parser=options.place,
            metavar="F",
            help="Write the scorecard as JSON; - prints it.",
        ),
    ] = None,
    csv_file: Annotated[
        Location | None, typer.Option("--csv", parser=options.place, metavar="F", help="Write the rows as CSV.")
    ] = None,
    markdown: Annotated[
        Location | None, typer.Option(parser=options.place, metavar="F", help="Write a Markdown table.")
    ] = None,
    html: Annotated[
        Location | None,
        typer.Option(
            parser=options.place, metavar="F", help="Write one self-contained page, with samples and detections."
        ),
    ] = None,
    per_image: Annotated[
        Location | None, typer.Option(parser=options.place, metavar="F.csv", help="Write one line per image.")
    ] = None,
    jobs: options.Jobs = 1,
    cluster: options.Cluster = None,
    rules: options.Rules = None,
    fail_on_flags: Annotated[
        bool, typer.Option("--fail-on-flags", help="Exit 1 if the images are flagged; without it flags are only told.")
    ] = False,
    quiet: options.Quiet = False,
) -> None:
    """Score generated images: FD, KD, precision, recall, copies and faces found, each with its 95 % interval."""
    from ganbench.images.rules import Rules
    from ganbench.scoring.plan import Plan
    from ganbench.scoring.score import score_source
    from ganbench.scoring.validity import judged
    from ganbench.system.outputs import check_outputs

    del quiet
    site, asked = options.site(jobs, cluster), Rules.of(rules)
    check_outputs(json_file, csv_file, markdown, html, per_image)
    chosen = replace(scoring, cache=cache, per_image=per_image is not None)
    opened = chosen.open(source, grid=options.parse_grid(grid), pad=pad)
    plan = Plan.of(chosen, opened, site=site)
    seen: list[Seen] = []
    card = judged(score_source(opened, plan, site, kept=None if html is None else seen), asked, source)
    written = write_documents(
        (None if is_stdout(json_file) else json_file, card.to_json),
        (csv_file, card.to_csv),
        (markdown, card.to_markdown),
        (per_image, card.per_image_csv),
        (html, lambda: _page(card, opened, plan, seen[0])),
    )
    if is_stdout(json_file):
        put_json(card.to_dict())
        _refuse(card, plan, fail_on_flags)
        return
    err = any(map(is_stdout, (csv_file, markdown, html, per_image)))
    if grid is not None:
        tell(f"sheet: {cast('SheetSource', opened).geometry}", err=err)
    _print(card, written, err=err)
    _refuse(card, plan, fail_on_flags)


score.__doc__ = f"{score.__doc__}\n{EXAMPLES}"


def _refuse(card: Scorecard, plan: Plan, fail_on_flags: bool) -> None:
    """Fail where nothing could be measured; and on flags, if that is asked for."""
    from ganbench.errors import GateFailed
    from ganbench.scoring.score import refuse_empty

    refuse_empty(card, plan)
    if fail_on_flags and card.flags:
        kinds = ", ".join(flag.kind for flag in card.flags)
        raise GateFailed(f"{card.source['label']} is flagged: {kinds}. See the reasons above")


def _page(card: Scorecard, source: Source, plan: Plan, seen: Seen) -> str:
    """Return the report of a leaderboard with this one entry, and its explanation."""
    from ganbench.errors import GanbenchError
    from ganbench.explanation.explain import explain_scored
    from ganbench.leaderboard.boards import Leaderboard
    from ganbench.leaderboard.entries import Entry
    from ganbench.report.explanation import explanation_section
    from ganbench.report.page import make_page

    name = Path(source.label).name or source.label
    entries = [Entry(name, Path(source.label), card, group=name)]
    explanation: Explanation | str
    try:
        explanation = explain_scored(source, plan, seen)
    except GanbenchError as e:  # a page without it is worth having
        explanation = str(e)
    lead = explanation_section(explanation, source)
    return make_page(Leaderboard.of(entries), detector=plan.options.detector, samples=source, lead=lead)


def _print(card: Scorecard, written: Sequence[Location], *, err: bool) -> None:
    from ganbench.system.streams import cell, console

    screen = console(err=err)
    screen.print(card.renderable(screen))
    for path in written:
        screen.print(cell(f"wrote {path}", screen), soft_wrap=True)
