"""``ganbench sample``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ganbench.cli import options
from ganbench.cli.output import tell
from ganbench.system.location import Location


def sample(
    source: Annotated[
        Location,
        typer.Argument(
            parser=options.place, metavar="RUN|G.pth", help="A run folder, or the assignment's generator (also a URL)."
        ),
    ],
    out: Annotated[
        Path,
        typer.Option(
            parser=options.local("samples"), metavar="DIR|OUT.tgz", help="PNG files, or a submission ready to hand in."
        ),
    ],
    count: Annotated[int, typer.Option(metavar="N", min=1, help="Number of images.")] = 1000,
    seed: options.Seed = 0,
    truncation: Annotated[
        float, typer.Option(metavar="PSI", min=0, max=1, help="Below 1: better and less varied images.")
    ] = 1.0,
    device: options.Device = "auto",
    quiet: options.Quiet = False,
) -> None:
    """Draw samples from a trained generator.

    [bold]Examples[/bold]

      ganbench sample runs/wgan-gp --out submission.tgz

      ganbench sample runs/wgan-gp --count 5000 --seed 1 --out samples/

      ganbench sample G.pth --out samples/
    """
    from contextlib import ExitStack

    import numpy as np
    from PIL import Image

    from ganbench.errors import GanbenchError
    from ganbench.images.arrays import ArraySource
    from ganbench.images.rules import COUNT, TGZ
    from ganbench.images.submission import pack_submission
    from ganbench.system.outputs import check_outputs
    from ganbench.system.progress import track
    from ganbench.system.storage import atomic_write
    from ganbench.training.sampling import load_generator
    from ganbench.training.sampling import sample as draw

    del quiet
    archive = str(out).lower().endswith(TGZ)
    check_outputs(binary=(out if archive else None,), folders=() if archive else (out,))
    if archive and count != COUNT:
        raise GanbenchError(f"{out}: a submission has {COUNT:,} images, not {count:,}; write to a folder instead")
    if not archive and out.is_dir() and any(out.iterdir()):
        raise GanbenchError(f"{out} is not empty; old and new images would be scored together. Give an empty folder")
    generator = load_generator(source.fetched(), device)
    kept, done = [], 0
    with track("sampling", count, unit="images") as advance, ExitStack() as half:
        for pixels in draw(generator, count, seed=seed, truncation=truncation):
            if archive:
                kept.append(pixels)
            else:
                for number, image in enumerate(pixels, done + 1):
                    file = out / f"{number}.png"
                    half.callback(file.unlink, missing_ok=True)
                    with atomic_write(file) as f:
                        Image.fromarray(image).save(f, "PNG")
            done += len(pixels)
            advance(len(pixels))
        half.pop_all()
    if archive:
        images = ArraySource.of(str(source), np.concatenate(kept), value_range=None, resize=None)
        packed = pack_submission(images, out)
        tell(f"wrote {out}: {done:,} images, JPEG quality {packed.quality}, {packed.size:,} bytes")
        return
    tell(f"wrote {done:,} images to {out}")
