"""``ganbench gradnorm``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ganbench.cli import options
from ganbench.cli.defaults import folder_or, images_or_toyfaces, say, warn
from ganbench.cli.output import put_json, tell
from ganbench.cli.train import Data, Overrides, Precision, Preset
from ganbench.errors import GanbenchError

if TYPE_CHECKING:
    from ganbench.images.source import Source

Variants = Annotated[list[str] | None, typer.Option(metavar="V", help="Variant to probe; may be given several times.")]
Clips = Annotated[
    list[float] | None, typer.Option(metavar="C", min=0, help="A curve of each --variant per clipping bound.")
]
Against = Annotated[
    list[str] | None, typer.Option(metavar="V", help="Variant to compare with, as it is, without --clip.")
]
Runs = Annotated[
    list[Path] | None,
    typer.Option(
        parser=options.local("a run folder"),
        metavar="RUN",
        help="Go on from a run's checkpoint; the run is not touched.",
    ),
]
Out = Annotated[
    Path | None,
    typer.Option(
        parser=options.local("the folder of figures"),
        metavar="DIR",
        help="Where the table, the figures and the findings go.",
        show_default="gradnorm-VARIANT",
    ),
]
Steps = Annotated[
    int | None,
    typer.Option(
        metavar="N", min=2, help="Discriminator steps of each curve.", show_default="the preset's, at most 600"
    ),
]
Skip = Annotated[
    int | None,
    typer.Option(
        metavar="N", min=0, help="First steps left out of figure and findings.", show_default="a quarter of --steps"
    ),
]
Tables = Annotated[
    list[str] | None,
    typer.Option(
        "--csv",
        metavar="[NAME=]F",
        help="Draw a table that the probe of a loop of your own has written; measures nothing. Several may follow.",
    ),
]
More = Annotated[list[str] | None, typer.Argument(metavar="F...", help="More tables for --csv.", show_default=False)]
Seeds = Annotated[list[int] | None, typer.Option(metavar="S", help="Repeat every curve per seed.")]


def gradnorm(
    more: More = None,
    variant: Variants = None,
    clip: Clips = None,
    against: Against = None,
    run: Runs = None,
    csv: Tables = None,
    data: Data = None,
    out: Out = None,
    steps: Steps = None,
    skip: Skip = None,
    seed: Seeds = None,
    preset: Preset = "probe",
    overrides: Overrides = None,
    device: options.Device = "auto",
    precision: Precision = None,
    limit: options.Limit = None,
    resize: options.Resize = None,
    recursive: options.Recursive = False,
    style: options.Style = "screen",
    json_output: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
    quiet: options.Quiet = False,
) -> None:
    """Plot the gradient norm of every layer of D and G, as in the WGAN-GP paper, and say what the plot shows.

    [bold]Examples[/bold]

      ganbench gradnorm --variant wgan

      ganbench gradnorm --variant wgan --clip 0.01 --clip 0.1 --against wgan-gp --data faces.zip --resize 64 --out plot/

      ganbench gradnorm --run runs/wgan --data faces/ --out plot/

      ganbench gradnorm --csv D=d.csv G=g.csv --style paper
    """
    from ganbench.system.style import check_style

    del quiet
    check_style(style)
    trained = [variant, clip, against, run, data, steps, seed, overrides, precision, limit, resize]
    if csv:
        if recursive or preset != "probe" or device != "auto" or any(option is not None for option in trained):
            raise GanbenchError("--csv draws what was measured already; leave out what is for a training")
        _draw([*csv, *(more or [])], out, skip, style, json_output=json_output)
        return
    if more:
        raise GanbenchError(f"{more[0]}: tables of gradient norms are given with --csv")
    from ganbench.diagnostics.curves import plan
    from ganbench.diagnostics.experiment import experiment, to_plain, to_text

    short = [f"training.precision={precision}"] if precision else []
    curves = plan(
        variant or [], clip or [], against or [], run or [],
        preset=preset, overrides=[*(overrides or []), *short], seeds=seed or [], say=say,
    )  # fmt: skip
    folder = folder_or(out, "--out", _name_of(variant or [], against or [], run or []))
    opened = _open(data, curves[0].recipe.model.size, limit, resize, recursive=recursive)
    if data is None:
        _refuse_other_images(run or [], opened)
    found = experiment(curves, opened, folder, steps=steps, skip=skip, device=device, style=style, say=say, warn=warn)
    if json_output:
        put_json(to_plain(found))
        return
    tell(*to_text(found).split("\n"))
    tell(f"wrote {', '.join(found.files)} to {folder}")


def _open(data: str | None, size: int, limit: int | None, resize: str | None, *, recursive: bool) -> Source:
    from ganbench.images.sources import open_source

    opened = open_source(images_or_toyfaces(data, size), recursive=recursive, resize=resize)
    opened = opened if limit is None else opened.first(limit)
    for text in opened.notes:
        warn(text)
    return opened


def _draw(files: list[str], out: Path | None, skip: int | None, style: str, *, json_output: bool) -> None:
    from ganbench.diagnostics.findings import to_dict, to_markdown
    from ganbench.diagnostics.own_loops import draw_tables

    folder = folder_or(out, "--out", "gradnorm")
    settled, written = draw_tables(files, folder, skip=skip, style=style)
    if json_output:
        put_json(to_dict(settled))
        return
    tell(*to_markdown(settled).split("\n"))
    tell(f"wrote {', '.join(written)} to {folder}")


def _name_of(variants: list[str], against: list[str], runs: list[Path]) -> str:
    """Return the name of the folder for a figure."""
    stems = [name.removesuffix(".toml") for name in variants or ([] if runs else against)]
    names = [*(Path(stem).name for stem in stems), *(run.resolve().name for run in runs)]
    return "-".join(["gradnorm", *dict.fromkeys(names)])


def _refuse_other_images(runs: list[Path], toyfaces: Source) -> None:
    """Refuse to go on with a run on toy faces, unless it is known to have been trained on them."""
    from ganbench.runs.facts import images_of
    from ganbench.training.run_folder import RunFolder

    for run in runs:
        if images_of(RunFolder(run)) != toyfaces.digest():
            raise GanbenchError(f"{run} was trained on other images than the toy faces; give them with --data")
