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
    from ganbench.bench.grid import Cell, Plan
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
        str | None,
        typer.Option(
            metavar="DIR|URL",
            show_default="bench",
            help="A run folder per cell, and the tables; shared by all who work on it, or in an object store.",
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
    jobs: options.Jobs = 1,
    cluster: options.Cluster = None,
    cores: Annotated[
        int | None,
        typer.Option(
            metavar="N", min=1, show_default="this machine's share by --jobs; 1 of a cluster", help="Cores of a cell."
        ),
    ] = None,
    memory: Annotated[
        str | None, typer.Option(metavar="SIZE", help="Memory of a cell, such as 4G; a cluster reserves it.")
    ] = None,
    gpus: Annotated[float, typer.Option(metavar="F", min=0, help="GPUs of a cell, or a share of one.")] = 0.0,
    shard: Annotated[
        str | None,
        typer.Option(metavar="I/N", help="Only a fixed N-th of the cells, I from 0 to N-1, as of a job array 0-(N-1)."),
    ] = None,
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

    The same command, started several times on one --out, shares the cells; who comes last ranks them. 'ganbench bench
    collect DIR...' ranks what is there at any time.

    [bold]Examples[/bold]

      ganbench bench --variants dcgan,wgan,wgan-gp --seeds 2 --data faces.zip --resize 64 --out bench/ --dry-run

      ganbench bench --dry-run

      ganbench bench --data faces.zip --resize 64 --out bench/ --score-every 1000

      ganbench bench grid.toml --data faces.zip --resize 64 --out bench/ --jobs 2

      ganbench bench grid.toml --data faces.zip --resize 64 --out /shared/bench --shard $SLURM_ARRAY_TASK_ID/8

      ganbench bench grid.toml --data s3://mine/faces.zip --resize 64 --out s3://mine/bench --cluster auto --cores 4
    """
    from ganbench.bench.grid import Plan, Workspace, cells_of, load_grid, make_grid, shard_of
    from ganbench.bench.run import run_grid
    from ganbench.cli.bench_tables import Tables
    from ganbench.leaderboard.choice import choose
    from ganbench.scoring.plan import Plan as ScoringPlan
    from ganbench.system.cluster import Needs
    from ganbench.system.cores import available_cores
    from ganbench.system.memory import parse_size
    from ganbench.system.outputs import check_outputs
    from ganbench.system.urls import is_url

    site = options.site(jobs, cluster)
    place: Path | str = (
        out if out is not None and is_url(out) else folder_or(None if out is None else Path(out), "--out", "bench")
    )
    check_outputs(json_file, folders=(place,))
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
    mine = cells if shard is None else shard_of(cells, shard)
    real = images_or_toyfaces(data, cells[0].recipe.model.size)
    measure = ScoringPlan.of(scoring if data is not None else against_toyfaces(scoring, real))
    choice = choose(measure.results(), sort, columns)
    plan = Plan(plan_grid, Workspace(real, place, limit, resize, device, recursive, skip_bad), measure)
    if dry_run:
        _estimate(plan, mine, jobs, json_file)
        return
    needs = None
    if cluster is not None or cores is not None or memory is not None or gpus:
        share = 1 if cluster is not None else max(1, available_cores() // jobs)
        needs = Needs(cores or share, parse_size(memory, "--memory ") if memory else 0, gpus)
    statuses = run_grid(plan, mine, all_cells=cells, site=site, needs=needs, say=(lambda text: None) if quiet else say)
    tables = Tables(plan.workspace, choice, published=published, detector=measure.options.detector)
    tables.finish(statuses, json_file)


def _estimate(plan: Plan, cells: list[Cell], jobs: int, json_file: Location | None) -> None:
    """Say what is left of the cells, and how long it will take."""
    from ganbench.bench.estimate import estimate
    from ganbench.system.text import json_text, pad

    left = estimate(plan, cells)
    content = {"cells": [asdict(e) for e in left]}
    if is_stdout(json_file):
        put_json(content)
        return
    write_documents((json_file, lambda: json_text(content)))
    for e in left:
        tell(f"{pad(e.name, 36)} {e.state:16} {e.steps:8,} steps {e.seconds / 60:8.1f} min")
    total = sum(e.seconds for e in left) / 60 / jobs
    tell(f"{len(cells)} cells, about {total:.0f} min with --jobs {jobs}, sampling and scoring not counted")
