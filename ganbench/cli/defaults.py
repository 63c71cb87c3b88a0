"""What commands use where no images and no folder are given; they say so."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from ganbench.cli.output import tell

if TYPE_CHECKING:
    from ganbench.scoring.options import ScoreOptions


def images_or_toyfaces(data: str | None, size: int) -> str:
    """Return the source of real images that was given, else a folder of toy faces, drawn once into the cache.

    Args:
        data: what ``--data`` says.
        size: side of the toy faces, pixels.

    Raises:
        GanbenchError: the cache folder cannot be written.
    """
    if data is not None:
        return data
    from ganbench.toyfaces import cached

    return str(cached.cached_toyfaces(size, cached.COUNT, say=lambda text: say(f"no --data: {text}")))


def against_toyfaces(scoring: ScoreOptions, toyfaces: str) -> ScoreOptions:
    """Return the options of scoring with the toy faces as reference, unless one was given or no metric reads any."""
    from ganbench.scoring.choose import reads_real

    if scoring.references or not reads_real(scoring):
        return scoring
    say("no --reference: samples are scored against the toy faces, which they are trained on")
    return replace(scoring, references=(toyfaces,))


def folder_or(given: Path | None, option: str, name: str) -> Path:
    """Return the folder that was given with an option, else one of this name in the current directory."""
    if given is None:
        say(f"no {option}: writing to {name}")
    return given or Path(name)


def say(text: str) -> None:
    """Tell the user a line on standard error; of several processes of one training, only the first does."""
    if int(os.environ.get("RANK", "0")) == 0:
        tell(text, err=True, dim=True)


def warn(text: str) -> None:
    """Tell the user a warning on standard error."""
    tell(f"warning: {text}", err=True, fg=typer.colors.YELLOW)
