"""``ganbench gradnorm``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from ganbench.cli import options
from ganbench.cli.train import Overrides, Precision, Preset


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
    skip: Annotated[int, typer.Option(metavar="N", min=0, help="First steps left out of figure and findings.")] = 100,
    seed: Annotated[list[int] | None, typer.Option(metavar="S", help="Repeat every curve per seed.")] = None,
    preset: Preset = "cpu",
    overrides: Overrides = None,
    device: options.Device = "auto",
    precision: Precision = None,
    limit: options.Limit = None,
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

    from ganbench.diagnostics.curves import measure, plan
    from ganbench.diagnostics.figures import depth_figure, save_figure, training_figure
    from ganbench.diagnostics.findings import to_dict, to_markdown
    from ganbench.errors import GanbenchError
    from ganbench.features.runtime import resolve_device
    from ganbench.images.sources import open_source
    from ganbench.system.storage import atomic_write, check_outputs
    from ganbench.training.data import TrainingImages, decode_source
    from ganbench.training.start import check_size

    del quiet
    check_outputs(folders=(out,))
    if skip >= steps:
        raise GanbenchError(f"--skip {skip} leaves nothing of --steps {steps}")
    short = [f"training.precision={precision}"] if precision else []
    curves = plan(
        variant or [], clip or [], against or [], run or [],
        preset=preset, overrides=[*(overrides or []), *short], seeds=seed or [],
    )  # fmt: skip
    opened = open_source(data, recursive=recursive, resize=resize)
    opened = opened if limit is None else opened.first(limit)
    for curve in curves:
        check_size(opened, curve.recipe)
    pixels = decode_source(opened)
    frames = []
    for curve in curves:
        training = curve.recipe.training
        images = TrainingImages(pixels, opened.digest(), batch=training.batch, seed=training.seed)
        frame = measure(curve, images, steps, device=torch.device(resolve_device(device)), warn=_warn)
        frames.append(frame)
        with atomic_write(out / "gradnorm.csv", "w") as f:  # after every curve: a killed command keeps what it has
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
        typer.echo(json.dumps(to_dict(settled), indent=2))
        return
    typer.echo(findings)
    typer.echo(f"wrote gradnorm.csv, gradnorm.png, gradnorm.svg, gradnorm-training.png, .svg and findings.md to {out}")


# The first seven are the format; the rest is there for who wants to look deeper.
_COLUMNS = ["curve", "variant", "step", "layer", "name", "norm", "log_norm"]
_COLUMNS += ["seed", "weight_norm", "ratio", "at_bound", "input_gradient"]


def _warn(text: str) -> None:
    typer.secho(f"warning: {text}", fg=typer.colors.YELLOW, err=True)
