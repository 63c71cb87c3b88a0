"""``ganbench bench``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ganbench.cli import options
from ganbench.cli.train import Data, Limit, Overrides, Preset


def bench(
    data: Data,
    out: Annotated[Path, typer.Option(metavar="DIR", help="A run folder per cell, and the tables.")],
    grid: Annotated[Path | None, typer.Argument(metavar="[GRID.toml]", help="A grid in a file.")] = None,
    variants: Annotated[str, typer.Option(metavar="V,V", help="Variants [default: the five baselines].")] = "",
    seeds: Annotated[int, typer.Option(metavar="N", min=1, help="Seeds 0 ... N-1 of every variant.")] = 1,
    preset: Preset = "cpu",
    overrides: Overrides = None,
    score_every: Annotated[int, typer.Option(metavar="N", min=0, help="Steps between scores; 0: at the end.")] = 0,
    gradnorm_steps: Annotated[int, typer.Option(metavar="N", min=0, help="Steps probed at the end; 0: none.")] = 100,
    reference: Annotated[
        str | None, typer.Option(metavar="NAME|FILE", help="What to score against [default: anime-faces-64].")
    ] = None,
    detector: Annotated[
        str, typer.Option(metavar="NAME|yolo:PATH|none", help="Face detector for AFD, or none.")
    ] = "yolo-nano",
    sort: Annotated[str, typer.Option(metavar="ID", help="The result to rank by.")] = "fd[lite0]",
    jobs: Annotated[int, typer.Option(metavar="N", min=1, help="Cells at a time, each on its share of cores.")] = 1,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="List the cells and how long they will take.")] = False,
    device: options.Device = "auto",
    limit: Limit = None,
    resize: options.Resize = None,
    quiet: options.Quiet = False,
) -> None:
    """Train, sample, score and probe a grid of baselines; a killed bench goes on where it was. Then rank them.

    [bold]Examples[/bold]

      ganbench bench --variants dcgan,wgan,wgan-gp --seeds 2 --data faces.zip --resize 64 --out bench/ --dry-run

      ganbench bench --data faces.zip --resize 64 --out bench/ --score-every 1000

      ganbench bench grid.toml --data faces.zip --resize 64 --out bench/ --jobs 2
    """
    from ganbench.bench import Grid, Place, cells_of, estimate, load_grid, run_grid
    from ganbench.leaderboard import HowToScore, collect, to_frame
    from ganbench.leaderboard_text import to_markdown
    from ganbench.report.page import make_page
    from ganbench.storage import atomic_write

    del quiet
    chosen = [v.strip() for v in variants.split(",") if v.strip()]
    standard = ["dcgan", "dcgan-clipnorm", "wgan", "wgan-gp", "stylegan2"]
    if grid is not None:
        plan = load_grid(grid)
    else:
        plan = Grid(
            chosen or standard,
            list(range(seeds)),
            preset=preset,
            gradnorm_steps=gradnorm_steps,
            score_every=score_every or None,
        )
    cells = cells_of(plan, overrides)
    place = Place(data, limit, resize, out, device, reference, None if detector == "none" else detector)
    if dry_run:
        seconds = estimate(cells, place)
        for cell, time in zip(cells, seconds, strict=True):
            typer.echo(f"{cell.name:32} {time / 60:8.1f} min")
        typer.echo(f"{len(cells)} cells, about {sum(seconds) / 60 / jobs:.0f} min of training with --jobs {jobs}")
        return
    statuses = run_grid(plan, cells, place, jobs=jobs, warn=lambda text: typer.secho(text, dim=True, err=True))
    for status in statuses:
        reason = f": {status['reason']}" if status["reason"] else ""
        typer.echo(f"{status['name']:32} {status['state']}{reason}")
    done = [out / status["name"] for status in statuses if status["state"] == "done"]
    if not done:
        raise typer.Exit(1)
    entries = collect(done, HowToScore(reference, place.detector, resize, device))
    files = {
        "leaderboard.csv": to_frame(entries).to_csv(index=False),
        "leaderboard.md": to_markdown(entries, sort, published=True),
        "report.html": make_page(entries, sort, real=place.open(), published=True),
    }
    for name, text in files.items():
        with atomic_write(out / name, "w") as f:
            f.write(text)
    typer.echo(files["leaderboard.md"])
    typer.echo(f"wrote {', '.join(files)} to {out}")
    if len(done) < len(statuses):
        raise typer.Exit(1)
