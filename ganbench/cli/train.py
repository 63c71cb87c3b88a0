"""``ganbench train``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ganbench.cli import options
from ganbench.cli.defaults import against_toyfaces, folder_or, images_or_toyfaces, warn
from ganbench.cli.output import tell
from ganbench.cli.scoring import OF_TRAINING, takes_scoring_options
from ganbench.errors import GanbenchError

if TYPE_CHECKING:
    from ganbench.scoring.options import ScoreOptions
    from ganbench.scoring.plan import Plan
    from ganbench.training.watch import OnTrouble

Variant = Annotated[
    str,
    typer.Option(metavar="V", help="dcgan, dcgan-clipnorm, wgan, wgan-gp, wgan-gp-report, stylegan2, or a .toml file."),
]
Preset = Annotated[
    str,
    typer.Option(metavar="paper|cpu|probe|smoke", help="Full size; for laptops; for gradient norms; for seconds."),
]
Data = Annotated[
    str | None,
    typer.Option(
        metavar="SRC",
        help="Real images: any source that 'score' takes.",
        show_default="toy faces, drawn once into the cache",
    ),
]
Run = Annotated[
    str | None,
    typer.Option(metavar="DIR|URL", help="The run folder, also in an object store.", show_default="runs/VARIANT"),
]
Overrides = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Override a setting, such as optimizer.lr=2e-4.")
]
Precision = Annotated[
    str | None, typer.Option(metavar="fp32|tf32|bf16", help="Arithmetic.", show_default="the recipe's, fp32")
]


_LOOKED_AT = 64  # images


@takes_scoring_options(renamed={"precision": "score_precision", "seed": "score_seed"}, own=OF_TRAINING)
def train(
    variant: Variant,
    scoring: ScoreOptions,
    data: Data = None,
    run: Run = None,
    preset: Preset = "paper",
    steps: Annotated[int | None, typer.Option(metavar="N", min=1, help="Length, in discriminator steps.")] = None,
    overrides: Overrides = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in the folder.")] = False,
    device: options.Device = "auto",
    precision: Precision = None,
    seed: Annotated[
        int | None, typer.Option(metavar="S", help="Seed of every random choice.", show_default="0")
    ] = None,
    limit: options.Limit = None,
    resize: options.Resize = None,
    recursive: options.Recursive = False,
    skip_bad: options.SkipBad = 0,
    log_every: Annotated[int, typer.Option(metavar="N", min=1, help="Steps between lines of metrics.jsonl.")] = 10,
    sheet_every: Annotated[int, typer.Option(metavar="N", min=0, help="Steps between sample sheets; 0: none.")] = 500,
    save_every: Annotated[int, typer.Option(metavar="N", min=1, help="Steps between checkpoints.")] = 250,
    score_every: Annotated[
        int, typer.Option(metavar="N", min=0, help="Steps between scorecards of 1,000 samples; 0: none.")
    ] = 0,
    log: Annotated[
        list[str] | None,
        typer.Option(
            metavar="tensorboard|wandb|mlflow|csv",
            help="Log numbers, sheets and the recipe there too; several times for several. Or a MODULE:CLASS.",
        ),
    ] = None,
    probe_every: Annotated[
        int,
        typer.Option(metavar="N", min=0, help="Steps between records of all layers in probe.csv; 0: none."),
    ] = 0,
    on_trouble: Annotated[
        str,
        typer.Option(
            metavar="warn|stop|rollback",
            help="When the doctor finds something grave: say so; save and stop; or go back to the last good checkpoint "
            "with half the learning rate.",
        ),
    ] = "warn",
    stop_when: Annotated[
        str | None,
        typer.Option(
            metavar="board|ID",
            show_default="never",
            help="Stop when the result that heads the board, or this one, has not improved beyond its interval; needs "
            "--score-every.",
        ),
    ] = None,
    patience: Annotated[
        int, typer.Option(metavar="N", min=1, help="Scorecards without an improvement after which --stop-when stops.")
    ] = 5,
    held_out: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=0,
            show_default="one in eight, at most 64",
            help="Images that are not trained on, to tell by them whether the discriminator overfits.",
        ),
    ] = None,
    quiet: options.Quiet = False,
) -> None:
    """Train a baseline: checkpoint, metrics and sample sheets go to the run folder. Ctrl-C saves and stops.

    [bold]Examples[/bold]

      ganbench train --variant wgan-gp --preset cpu

      ganbench train --variant wgan-gp --data faces.zip --resize 64 --run runs/wgan-gp --preset cpu

      ganbench train --variant wgan-gp --data faces.zip --resize 64 --run runs/wgan-gp --preset cpu --resume

      ganbench train --variant wgan-gp --preset cpu --score-every 1000 --log tensorboard --log csv

      ganbench train --variant dcgan --data faces/ --run runs/a --set optimizer.lr=2e-4 --set model.width=32

      ganbench train --variant wgan-gp --data faces.zip --resize 64 --run s3://mine/runs/wgan-gp --resume

      ganbench train --variant dcgan --data faces/ --run runs/b --on-trouble rollback --score-every 500 --stop-when fd

      torchrun --nproc-per-node 4 -m ganbench train --variant stylegan2 --data faces/ --run runs/s --precision bf16
    """
    from ganbench.images.first_look import look_first
    from ganbench.images.sources import open_source
    from ganbench.loggers.registry import require_loggers
    from ganbench.system.outputs import check_outputs
    from ganbench.system.urls import is_url, masked
    from ganbench.training.checkpoint import look_into_checkpoint
    from ganbench.training.recipe import load_recipe
    from ganbench.training.run_folder import RunFolder

    del quiet
    recipe = load_recipe(variant, preset, _overrides(overrides, steps, precision, seed))
    require_loggers(log or [])
    folder: Path | str = (
        run
        if run is not None and is_url(run)
        else folder_or(None if run is None else Path(run), "--run", f"runs/{recipe.variant}")
    )
    if isinstance(folder, str):
        check_outputs(folders=(folder,))
    real = images_or_toyfaces(data, recipe.model.size)
    opened = open_source(real, recursive=recursive, resize=resize, skip_bad=skip_bad)
    opened = opened if limit is None else opened.first(limit)
    # What may be refused is refused before torch is imported, which takes 600 MB.
    look_first(opened, count=_LOOKED_AT)
    if resume and isinstance(folder, Path) and (checkpoint := RunFolder(folder).checkpoint).is_file():
        look_into_checkpoint(checkpoint)
    from ganbench.doctor.watch import Doctor
    from ganbench.scoring.plan import Plan
    from ganbench.training.options import LoopOptions
    from ganbench.training.start import train as start

    if score_every and data is None:
        scoring = against_toyfaces(scoring, real)
    plan = Plan.of(scoring) if score_every else None
    loop_options = LoopOptions(
        log_every,
        sheet_every or None,
        save_every,
        score_every or None,
        tuple(log or ()),
        plan,
        held_out,
        Doctor(None if stop_when is None else _standstill(stop_when, plan), patience),
        _on_trouble(on_trouble),
    )
    beside = None
    if probe_every:
        from ganbench.diagnostics.recorder import recording

        beside = recording(probe_every, warn)
    finished = start(
        recipe, opened, folder, device=device, resume=resume, options=loop_options, beside=beside, warn=warn
    )
    if int(os.environ.get("RANK", "0")) == 0:
        place = masked(folder) if isinstance(folder, str) else finished.path
        tell(f"trained {place}; draw samples: ganbench sample {finished.path} --out samples")


def _on_trouble(text: str) -> OnTrouble:
    """Return what follows trouble.

    Raises:
        GanbenchError: no such thing.
    """
    for known in ("warn", "stop", "rollback"):
        if text == known:
            return known
    raise GanbenchError(f"--on-trouble {text}: expected warn, stop or rollback")


def _standstill(asked: str, plan: Plan | None) -> tuple[str, str]:
    """Return the result whose standstill stops the run, and which direction of it is better.

    Raises:
        GanbenchError: nothing is scored while the run goes on, or no result is called so.
    """
    from ganbench.leaderboard.choice import choose

    if plan is None:
        raise GanbenchError("--stop-when looks at scorecards that are made on the way: add --score-every 500")
    results = plan.results()
    by = choose(results, None if asked == "board" else asked).by
    return by, results[by]


def _overrides(given: list[str] | None, steps: int | None, precision: str | None, seed: int | None) -> list[str]:
    """Return ``--set`` texts for the options that are short for a setting."""
    short = {"training.steps": steps, "training.precision": precision, "training.seed": seed}
    return [*(given or []), *(f"{key}={value}" for key, value in short.items() if value is not None)]
