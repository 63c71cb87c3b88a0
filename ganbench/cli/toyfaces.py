"""``ganbench data toyfaces``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ganbench.cli import options
from ganbench.cli.output import tell


def toyfaces(
    out: Annotated[
        Path,
        typer.Argument(
            parser=options.local("the folder of images"),
            metavar="OUT",
            help="Folder for the images and attributes.csv.",
        ),
    ],
    count: Annotated[int, typer.Option(metavar="N", help="How many faces.")] = 1000,
    size: Annotated[int, typer.Option(metavar="PX", help="Side of an image, at least 16.")] = 64,
    seed: options.Seed = 0,
    force: Annotated[bool, typer.Option("--force", help="Write into OUT although it is not empty.")] = False,
    quiet: options.Quiet = False,
) -> None:
    """Draw anime faces with known attributes: an offline data set for trying things out.

    [bold]Example[/bold]

      ganbench data toyfaces ./toyfaces --count 1000 --size 64 --seed 0
    """
    from ganbench.toyfaces import write_toyfaces

    del quiet
    write_toyfaces(out, count, size, seed, force=force)
    tell(f"wrote {count} faces and attributes.csv to {out}")
