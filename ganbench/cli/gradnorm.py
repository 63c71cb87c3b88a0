"""``ganbench gradnorm``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ganbench.cli import options
from ganbench.cli.train import Limit, Overrides, Precision, Preset

if TYPE_CHECKING:
    from ganbench.diagnostics.curves import Curve


def gradnorm(
    data: Annotated[str, typer.Option(metavar="SRC", help="Real images: any source that 'score' takes.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where the table, the figures and the findings go.")],
    variant: Annotated[
        list[str] | None, typer.Option(metavar="V", help="Variant to probe; may be given several times.")
    ] = None,
    clip: Annotated[
        list[float] | None, typer.Option(metavar="C", min=0, help="A curve of each --variant per clipping bound.")
    ] = None,
    against: Annotated[
        list[str] | None, typer.Option(metavar="V", help="Variant to compare with, as it is, without --clip.")
    ] = None,
    run: Annotated[
        list[Path] | None, typer.Option(metavar="RUN", help="Go on from a run's checkpoint; the run is not touched.")
    ] = None,
    steps: Annotated[int, typer.Option(metavar="N", min=2, help="Discriminator steps of each curve.")] = 600,
    skip: Annotated[int, typer.Option(metavar="N", min=0, help="First steps that the depth figure leaves out.")] = 100,
    seed: Annotated[list[int] | None, typer.Option(metavar="S", help="Repeat every curve per seed.")] = None,
    preset: Preset = "cpu",
    overrides: Overrides = None,
    device: options.Device = "auto",
    precision: Precision = None,
    limit: Limit = None,
    resize: options.Resize = None,
    recursive: options.Recursive = False,
    json_output: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
    quiet: options.Quiet = False,
) -> None:
    """Plot the gradient norm of every discriminator layer, as in the WGAN-GP paper, and say what the plot shows.

    [bold]Examples[/bold]

      ganbench gradnorm --variant wgan --clip 0.01 --clip 0.1 --against wgan-gp --data faces.zip --resize 64 --out plot/

      ganbench gradnorm --variant dcgan --steps 200 --data faces/ --out plot/

      ganbench gradnorm --run runs/wgan --data faces/ --out plot/
    """
    import pandas as pd
    import torch

    from ganbench.diagnostics.curves import measure, of_run, warnings_of
    from ganbench.diagnostics.figures import depth_figure, save_figure, training_figure
    from ganbench.diagnostics.findings import profile, to_markdown
    from ganbench.errors import GanbenchError
    from ganbench.features.runtime import resolve_device
    from ganbench.images.sources import open_source
    from ganbench.storage import atomic_write
    from ganbench.training.data import TrainingImages, decode_source

    del quiet
    if not (variant or against or run):
        raise GanbenchError("nothing to probe: give --variant wgan, or --run RUN")
    if skip >= steps:
        raise GanbenchError(f"--skip {skip} leaves nothing of --steps {steps}")
    short = [f"training.precision={precision}"] if precision else []
    curves = [of_run(path) for path in run or []]
    for number in seed or [0]:
        curves += _curves(variant or [], clip or [], against or [], preset, [*(overrides or []), *short], number)
    opened = open_source(data, recursive=recursive, resize=resize)
    opened = opened if limit is None else opened.first(limit)
    pixels = decode_source(opened)
    frames = []
    for curve in curves:
        training = curve.recipe.training
        images = TrainingImages(pixels, opened.digest(), batch=training.batch, seed=training.seed)
        frame = measure(curve, images, steps, device=torch.device(resolve_device(device)))
        for text in warnings_of(frame):
            typer.secho(f"{curve.name}: {text}", fg=typer.colors.YELLOW, err=True)
        frames.append(frame)
        with atomic_write(
            out / "gradnorm.csv", "w"
        ) as f:  # after every curve: a killed command keeps the finished ones
            pd.concat(frames)[_COLUMNS].to_csv(f, index=False)
    everything = pd.concat(frames)
    since = everything.groupby(["curve", "seed"])["step"].transform("min") + skip
    settled = everything[everything["step"] >= since]
    for name, figure in (("gradnorm", depth_figure(settled)), ("gradnorm-training", training_figure(everything))):
        for ending in (".png", ".svg"):
            save_figure(figure, out / f"{name}{ending}")
    findings = to_markdown(settled)
    with atomic_write(out / "findings.md", "w") as f:
        f.write(findings)
    if json_output:
        profiles = {str(name): profile(part) for name, part in settled.groupby("curve", sort=False)}
        typer.echo(
            json.dumps(
                {
                    name: {"slope": p.slope, "span": p.span, "verdict": p.verdict, "log_norm": p.median.tolist()}
                    for name, p in profiles.items()
                },
                indent=2,
            )
        )
        return
    typer.echo(findings)
    typer.echo(f"wrote gradnorm.csv, gradnorm.png, gradnorm.svg, gradnorm-training.png, .svg and findings.md to {out}")


# The first seven are the format; the rest is there for who wants to look deeper.
_COLUMNS = ["curve", "variant", "step", "layer", "name", "norm", "log_norm"]
_COLUMNS += ["seed", "weight_norm", "ratio", "at_bound", "input_gradient"]


def _curves(
    variants: list[str], clips: list[float], against: list[str], preset: str, overrides: list[str], seed: int
) -> list[Curve]:
    """Return the curves of one seed: every variant per clipping bound, then what they are compared with."""
    from ganbench.diagnostics.curves import of_recipe
    from ganbench.training.recipe import load_recipe

    overrides = [*overrides, f"training.seed={seed}"]
    bounds = [[f"objective.clip={c}"] for c in clips] or [[]]
    recipes = [load_recipe(name, preset, [*overrides, *bound]) for name in variants for bound in bounds]
    recipes += [load_recipe(name, preset, overrides) for name in against]
    return [of_recipe(recipe) for recipe in recipes]
