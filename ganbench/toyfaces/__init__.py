"""Toy faces: procedurally drawn anime faces with known attributes, free of any licence."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from ganbench.errors import GanbenchError
from ganbench.system.progress import track
from ganbench.system.storage import atomic_write
from ganbench.toyfaces.attributes import MODES, FaceAttributes, mode_of, row, sample_attributes
from ganbench.toyfaces.draw import draw_face, face_box

ATTRIBUTES, RECORD = "attributes.csv", "SHA256"  # what lies beside drawn images, and is none

__all__ = [
    "ATTRIBUTES",
    "MODES",
    "RECORD",
    "FaceAttributes",
    "draw_face",
    "face_box",
    "mode_of",
    "sample_attributes",
    "toyfaces",
    "write_toyfaces",
]


def toyfaces(count: int, size: int = 64, seed: int = 0) -> Iterator[tuple[FaceAttributes, np.ndarray]]:
    """Yield ``count`` faces: their attributes and a uint8 image (size, size, 3), RGB.

    Raises:
        GanbenchError: fewer than one face, smaller than 16 pixels, or a negative seed.
    """
    check_request(count, size, seed)
    for index in range(count):
        attributes = sample_attributes(seed, index)
        yield attributes, draw_face(attributes, size)


def check_request(count: int, size: int, seed: int) -> None:
    """Refuse what cannot be drawn.

    Raises:
        GanbenchError: as ``toyfaces``.
    """
    if count < 1:
        raise GanbenchError(f"toy faces: a count of at least 1, got {count}")
    if size < 16:
        raise GanbenchError(f"toy faces: a size of at least 16 pixels, got {size}")
    if seed < 0:
        raise GanbenchError(f"toy faces: a seed of at least 0, got {seed}")


def write_toyfaces(out: Path, count: int, size: int = 64, seed: int = 0, *, force: bool = False) -> None:
    """Write ``1.png`` ... and ``attributes.csv`` (one line per image, with the box around the head in pixels).

    Raises:
        GanbenchError: OUT is a file, or not empty and ``force`` is not given; or as ``toyfaces``.
    """
    check_request(count, size, seed)
    out = Path(out)
    if out.exists() and not out.is_dir():
        raise GanbenchError(f"{out} is a file; name a folder")
    if out.exists() and any(out.iterdir()) and not force:
        raise GanbenchError(f"{out} is not empty; choose another folder or add --force")
    rows: list[dict[str, object]] = []
    with track("drawing", count, unit="faces") as advance:
        for number, (attributes, image) in enumerate(toyfaces(count, size, seed), 1):
            with atomic_write(out / f"{number}.png") as f:
                Image.fromarray(image).save(f, "PNG")
            box = {k: f"{v:.1f}" for k, v in zip(("x0", "y0", "x1", "y1"), face_box(attributes, size), strict=True)}
            rows.append({"name": f"{number}.png", "mode": mode_of(attributes), **row(attributes), **box})
            advance(1)
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    with atomic_write(out / ATTRIBUTES, "w") as f:
        f.write(text.getvalue())
