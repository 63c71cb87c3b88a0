"""Do the metrics say what they should? Score real, corrupted, collapsed, drawn and random images, and print the table.

    python benchmarks/behaviour.py --data anime-faces-20k.zip

The archive's first 18,000 images (by name) made the shipped reference; its last 2,000 are the real images to score.
Expected: held-out real images are best on every metric; each corruption worsens FD as it grows stronger; a collapsed
set loses recall and coverage but not precision.
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image, ImageFilter

import ganbench
from ganbench.features.collect import collect_features
from ganbench.features.registry import load_extractor
from ganbench.images.sources import open_source
from ganbench.metrics.registry import name_of
from ganbench.toyfaces import toyfaces

HELD_OUT = 2000


def _each(images: np.ndarray, change: Callable[[Image.Image], Image.Image]) -> np.ndarray:
    return np.stack([np.asarray(change(Image.fromarray(image)), np.uint8) for image in images])


def _blur(image: Image.Image, radius: float) -> Image.Image:
    return image.filter(ImageFilter.GaussianBlur(radius))


def _jpeg(image: Image.Image, quality: int) -> Image.Image:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return Image.open(buffer).convert("RGB")


def sets(data: Path) -> Iterator[tuple[str, np.ndarray]]:
    """Yield (name, uint8 images (2000, 64, 64, 3)) of every set."""
    source = open_source(data, resize="64")
    pixels = np.concatenate([batch.pixels for batch in source.batches(256)])
    real = pixels[-HELD_OUT:]
    yield "held-out real", real
    for radius in (0.5, 1, 2, 4):
        yield f"blur, radius {radius}", _each(real, partial(_blur, radius=radius))
    rng = np.random.default_rng(0)
    for sigma in (4, 8, 16, 32):
        yield f"noise, sigma {sigma}", np.clip(real + rng.normal(0, sigma, real.shape), 0, 255).astype(np.uint8)
    for quality in (75, 50, 25, 10):
        yield f"JPEG quality {quality}", _each(real, partial(_jpeg, quality=quality))

    # Mode collapse: the 5 % of all images nearest to one face, and their mirror images to reach 2,000.
    array_source = open_source(pixels)
    everything = collect_features(
        array_source, load_extractor("lite0"), cap=len(pixels), seed=0, what="features of all images"
    ).sample
    distance = ((everything - everything[-HELD_OUT]) ** 2).sum(1)
    nearest = np.sort(np.argsort(distance)[: HELD_OUT // 2])
    yield "5 % nearest to one face", np.concatenate([pixels[nearest], pixels[nearest][:, :, ::-1]])
    yield "toy faces", np.stack([image for _, image in toyfaces(HELD_OUT, size=64, seed=7)])
    yield "uniform noise", rng.integers(0, 256, real.shape, dtype=np.uint8)


def main() -> None:
    """Score every set against the shipped reference and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="anime-faces-20k.zip")
    parser.add_argument("--csv", type=Path)
    args = parser.parse_args()
    rows = {}
    for name, images in sets(args.data):
        card = ganbench.score(images)
        row: dict[str, float | str | None] = {name_of(r.id): r.value for r in card.rows}
        fd = card["fd[lite0]"]
        row["fd 95 %"] = f"{fd.low:.1f} … {fd.high:.1f}"
        rows[name] = row
        print(name, {k: v if isinstance(v, str) else None if v is None else round(v, 4) for k, v in row.items()})
    frame = pd.DataFrame(rows).T
    print(frame.to_string())
    if args.csv:
        frame.to_csv(args.csv)


if __name__ == "__main__":
    main()
