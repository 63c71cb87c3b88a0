"""``ganbench bench``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ganbench.cli import options
from ganbench.cli.defaults import against_toyfaces, folder_or, images_or_toyfaces, say
from ganbench.cli.output import is_stdout, put_json, tell, write_documents
from ganbench.cli.scoring import OF_TRAINING, takes_scoring_options
from ganbench.cli.train import Data, Overrides
from ganbench.system.location import Location

if TYPE_CHECKING:
    from ganbench.bench.cell import Status
    from ganbench.bench.grid import Cell, Plan
    from ganbench.leaderboard.boards import Leaderboard
    from ganbench.leaderboard.choice import Choice
    from ganbench.scoring.options import ScoreOptions

BASELINES = "dcgan,dcgan-clipnorm,wgan,wgan-gp,stylegan2"


@takes_scoring_options(own=OF_TRAINING)
def bench(
    scoring: ScoreOptions,
    grid: Annotated[
        Path | None,
        typer.Argument(
            parser=options.local("a grid"),
            metavar="GRID.toml",
            help="A grid in a file; options given here win over it.",
        ),
    ] = None,
    data: Data = None,
    out: Annotated[
        Path | None,
        typer.Option(
            parser=options.local("the folder of a bench"),
            metavar="DIR",
            help="A run folder per cell, and the tables.",
            show_default="bench",
        ),
    ] = None,
    variants: Annotated[str | None, typer.Option(metavar="V,V", help=f"Variants; default: {BASELINES}.")] = None,
    seeds: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Seeds 0 ... N-1 of every variant; default: 1.")
    ] = None,
    preset: Annotated[
        str | None, typer.Option(metavar="paper|cpu|smoke", help="Full size; for laptops; for seconds; default: cpu.")
    ] = None,
    overrides: Overrides = None,
    samples: Annotated[
        int | None, typer.Option(metavar="N", min=2, help="Images to draw from each generator; default: 1000.")
    ] = None,
    score_every: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Steps between scores while training; default: never.")
    ] = None,
    save_every: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Steps between checkpoints; default: 250.")
    ] = None,
    gradnorm_steps: Annotated[
        int | None, typer.Option(metavar="N", min=0, help="Steps probed at the end; 0: none; default: 100.")
    ] = None,
    sort: options.Sort = None,
    columns: options.Columns = None,
    published: options.Published = False,
    jobs: Annotated[int, typer.Option(metavar="N", min=1, help="Cells at a time, each on its share of cores.")] = 1,
    json_file: Annotated[
        Location | None,
        typer.Option(
            "--json",
            parser=options.place,
            metavar="F",
            help="Write how every cell ended, and the leaderboard, as JSON; - prints it.",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="List the cells and how long they will take, from a 20-step trial.")
    ] = False,
    device: options.Device = "auto",
    limit: options.Limit = None,
    resize: options.Resize = None,
    recursive: options.Recursive = False,
    skip_bad: options.SkipBad = 0,
    quiet: options.Quiet = False,
) -> None:
    """Train, sample, score and probe a grid of baselines, then rank them. A killed bench goes on where it was.

    Writes leaderboard.csv, .md, .json and .tex, and report.html. A cell that fails is listed with its reason.

    [bold]Examples[/bold]

      ganbench bench --variants dcgan,wgan,wgan-gp --seeds 2 --data faces.zip --resize 64 --out bench/ --dry-run

      ganbench bench --dry-run

      ganbench bench --data faces.zip --resize 64 --out bench/ --score-every 1000

      ganbench bench grid.toml --data faces.zip --resize 64 --out bench/ --jobs 2
    """
    from ganbench.bench.estimate import estimate
    from ganbench.bench.grid import Place, Plan, cells_of, load_grid, make_grid
    from ganbench.bench.run import run_grid
    from ganbench.leaderboard.choice import choose
    from ganbench.leaderboard.export import to_dict
    from ganbench.leaderboard.terminal import print_boards
    from ganbench.scoring.plan import Plan as ScoringPlan
    from ganbench.system.outputs import check_outputs
    from ganbench.system.text import pad

    out = folder_or(out, "--out", "bench")
    check_outputs(json_file, folders=(out,))
    given = {
        "variants": None if variants is None else [v.strip() for v in variants.split(",") if v.strip()],
        "seeds": None if seeds is None else list(range(seeds)),
        "preset": preset,
        "samples": samples,
        "score_every": score_every,
        "save_every": save_every,
        "gradnorm_steps": gradnorm_steps,
    }
    settings = {"variants": BASELINES.split(",")} if grid is None else load_grid(grid)
    plan_grid = make_grid(settings | {key: value for key, value in given.items() if value is not None})
    cells = cells_of(plan_grid, overrides)
    real = images_or_toyfaces(data, cells[0].recipe.model.size)
    measure = ScoringPlan.of(scoring if data is not None else against_toyfaces(scoring, real))
    choice = choose(measure.results(), sort, columns)
    plan = Plan(plan_grid, Place(real, out, limit, resize, device, recursive, skip_bad), measure)
    if dry_run:
        left = estimate(plan, cells)
        if _write_json(json_file, {"cells": [asdict(e) for e in left]}):
            return
        for e in left:
            tell(f"{pad(e.name, 36)} {e.state:16} {e.steps:8,} steps {e.seconds / 60:8.1f} min")
        total = sum(e.seconds for e in left) / 60 / jobs
        tell(f"{len(cells)} cells, about {total:.0f} min with --jobs {jobs}, sampling and scoring not counted")
        return
    statuses = run_grid(plan, cells, jobs=jobs, say=(lambda text: None) if quiet else say)
    ranked = _rank(plan, cells, statuses, choice)
    written = _publish(plan, ranked, published=published)
    board = to_dict(ranked, published=published)
    if not _write_json(json_file, {"cells": [status.to_dict() for status in statuses], "leaderboard": board}):
        print_boards(ranked, published, written)
    failed = [status for status in statuses if status.state != "done"]
    for status in failed:
        tell(f"{status.name} {status.state}: {status.reason}", fg=typer.colors.RED, err=True)
    if failed:
        raise typer.Exit(1)


def _rank(plan: Plan, cells: list[Cell], statuses: list[Status], choice: Choice) -> Leaderboard:
    """Return the leaderboard; cells that failed before they were scored stand in it with their reason."""
    from ganbench.leaderboard.boards import Leaderboard
    from ganbench.leaderboard.entries import collect
    from ganbench.runs.scored import is_scored

    out = plan.place.out
    failed = {
        out / status.name: status.reason
        for status in statuses
        if status.state != "done" and not is_scored(out / status.name, plan.scoring, plan.grid.samples)
    }
    return Leaderboard(collect([out / cell.name for cell in cells], lambda: plan.scoring, failed=failed), choice)


def _publish(plan: Plan, ranked: Leaderboard, *, published: bool) -> list[Location]:
    """Write the tables and the report; returns the files."""
    from ganbench.leaderboard.export import to_csv, to_json, to_latex, to_markdown
    from ganbench.report.page import make_page

    out, detector = plan.place.out, plan.scoring.options.detector
    title = f"Benchmark {out.resolve().name}"
    return write_documents(
        (out / "leaderboard.csv", lambda: to_csv(ranked)),
        (out / "leaderboard.md", lambda: to_markdown(ranked, published=published)),
        (out / "leaderboard.json", lambda: to_json(ranked, published=published)),
        (out / "leaderboard.tex", lambda: to_latex(ranked, published=published)),
        (
            out / "report.html",
            lambda: make_page(
                ranked, title=title, real=plan.place.open(), published=published, detector=detector, note=say
            ),
        ),
    )


def _write_json(file: Location | None, content: dict[str, object]) -> bool:
    """Write the result for programs; return whether it went to standard output, where nothing else may stand then."""
    from ganbench.system.text import json_text

    if is_stdout(file):
        put_json(content)
        return True
    write_documents((file, lambda: json_text(content)))
    return False
