"""Makes what ``ganbench selftest`` is held against: pictures, and the values that they must have.

    python selftest/make.py                  # over the files that are there
    python selftest/make.py -o /tmp/new      # into another folder, to compare

Run it where a metric, a network or a reference was changed on purpose, and say in the change why values move. It draws
with the toy faces of this checkout and takes what this installation computes for right: so look at what changes.
"""

from __future__ import annotations

import argparse
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ganbench.detectors.answers import detections
from ganbench.detectors.registry import load_detector
from ganbench.features.registry import load_extractor
from ganbench.features.resize import RESIZES, resize_matrix
from ganbench.features.spec import BuildOptions
from ganbench.images.decode import decode
from ganbench.images.resize import FILTERS, Resize
from ganbench.images.sources import open_source
from ganbench.metrics.evaluate import evaluate
from ganbench.metrics.registry import METRICS
from ganbench.references.library import DEFAULT_NAME, find_reference
from ganbench.references.reference import Reference
from ganbench.scoring.options import ScoreOptions
from ganbench.scoring.plan import Plan
from ganbench.scoring.score import score_source
from ganbench.selftest.arrays import checkable, sides, stream
from ganbench.selftest.data import ARRAYS, CARD, PICTURES
from ganbench.selftest.stages import DETECTOR, EXTRACTOR, NETWORK, SMALL
from ganbench.system.storage import sha256_file
from ganbench.system.versions import library_versions
from ganbench.toyfaces import toyfaces

SEED, SIZE = 20, 96  # of the drawn faces
# What a picture is saved as: the kinds that people hand in, and those that are easily read wrongly.
FORMS: tuple[tuple[str, str, str, dict[str, Any]], ...] = (
    ("png", "PNG", "RGB", {}),
    ("png", "PNG", "RGBA", {}),
    ("png", "PNG", "P", {}),
    ("png", "PNG", "L", {}),
    ("bmp", "BMP", "RGB", {}),
    ("jpg", "JPEG", "RGB", {"quality": 95, "subsampling": 0}),
    ("jpg", "JPEG", "RGB", {"quality": 85, "subsampling": 2}),
    ("jpg", "JPEG", "RGB", {"quality": 75, "subsampling": 1, "progressive": True}),
    ("jpg", "JPEG", "L", {"quality": 90}),
    ("jpg", "JPEG", "CMYK", {"quality": 90}),
    ("webp", "WEBP", "RGB", {"quality": 85}),
    ("jpg", "JPEG", "turned", {"quality": 90}),
)
NOISE = 2  # pictures without a face, as PNG


def main() -> None:
    """Make everything, and print what stands on the card."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--out", type=Path, default=Path(__file__).parent, help="folder to write into")
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    pictures = drawn()
    write_archive(out / PICTURES, pictures)
    with (out / ARRAYS).open("wb") as f:
        np.savez_compressed(f, **arrays(pictures))
    card = {
        "what": "values that ganbench selftest is held against",
        "made_by": "python selftest/make.py",
        "licence": "MIT",
        "versions": library_versions(),
        "sha256": {name: sha256_file(out / name) for name in (PICTURES, ARRAYS)},
        "metrics": metrics(),
        "score": scores(out / PICTURES),
        "reference": reference_identity(),
    }
    (out / CARD).write_text(json.dumps(card, indent=1) + "\n", "utf-8")
    for name in (PICTURES, ARRAYS, CARD):
        print(f"{name}: {(out / name).stat().st_size:,} bytes, SHA-256 {sha256_file(out / name)}")


def drawn() -> dict[str, bytes]:
    """Return encoded pictures by their names."""
    faces = [image for _, image in toyfaces(len(FORMS), SIZE, SEED)]
    found = {
        f"{number:02}-{mode.lower()}.{ending}": encoded(face, kind, mode, options)
        for number, (face, (ending, kind, mode, options)) in enumerate(zip(faces, FORMS, strict=True), 1)
    }
    for number in range(NOISE):
        pixels = stream(f"noise {number}", SIZE, SIZE, 3)
        found[f"{len(found) + 1:02}-noise.png"] = encoded(pixels, "PNG", "RGB", {})
    return found


def encoded(pixels: np.ndarray, kind: str, mode: str, options: dict[str, Any]) -> bytes:
    """Return a picture as a file's bytes."""
    image, extra = Image.fromarray(pixels), dict(options)
    if mode == "RGBA":  # a border that is transparent by degrees
        alpha = np.minimum(255, 8 * np.arange(SIZE))[:, None].repeat(SIZE, 1).astype(np.uint8)
        image = Image.fromarray(np.dstack([pixels, alpha]))
    elif mode == "turned":  # upright by its EXIF entry alone
        image = image.rotate(90)
        exif = Image.Exif()
        exif[0x0112] = 6
        extra["exif"] = exif
    elif mode != "RGB":
        image = image.convert(mode)
    buffer = io.BytesIO()
    image.save(buffer, kind, **extra)
    return buffer.getvalue()


def write_archive(path: Path, pictures: dict[str, bytes]) -> None:
    """Write a ZIP whose bytes depend on nothing but the pictures."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, data in pictures.items():
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data)


def arrays(pictures: dict[str, bytes]) -> dict[str, Any]:
    """Return what must come out of every stage."""
    decoded = np.stack([decode(data, name) for name, data in pictures.items()])
    rules = [Resize(size, size, name) for name in FILTERS for size in (SMALL, 128)]
    resized = {str(rule): np.stack([rule(image) for image in decoded[:2]]) for rule in rules}
    small = Resize(SMALL, SMALL)
    seen = np.stack([small(image) for image in decoded])
    features, _ = load_extractor(EXTRACTOR, BuildOptions())(seen)
    found = detections(load_detector(DETECTOR), seen)
    return {
        "decoded": decoded,
        **resized,
        **{f"matrix {name}": resize_matrix(name, SMALL, NETWORK) for name in RESIZES},
        "network input": seen,
        "features": features,
        "faces": np.array([len(one.scores) for one in found]),
        "boxes": np.concatenate([one.boxes for one in found]),
        "scores": np.concatenate([one.scores for one in found]),
    }


def metrics() -> dict[str, dict[str, Any]]:
    """Return what every metric of ganbench must say of the fixed arrays."""
    found: dict[str, dict[str, Any]] = {}
    for name in METRICS:
        metric = METRICS[name]
        if metric.compute.__module__.startswith("ganbench.") and checkable(metric):
            real, fake = sides(metric.needs) or (None, None)
            estimate = evaluate([metric], real=real, fake=fake)[name]
            if isinstance(estimate, Exception):
                raise SystemExit(f"{name}: {estimate}")
            ends = {"value": estimate.value, "low": estimate.low, "high": estimate.high}
            found[name] = {"version": metric.version, **ends}
    return found


def scores(archive: Path) -> dict[str, dict[str, Any]]:
    """Return what a score of the pictures must say."""
    options = ScoreOptions(resize=str(SMALL), cache=False)
    source = open_source(archive, resize=str(SMALL))
    card = score_source(source, Plan.of(options, source))
    return {row.id: {"value": row.value, "n": row.n} for row in card.rows if row.value is not None}


def reference_identity() -> str:
    """Return the identity of the shipped reference."""
    path = find_reference(DEFAULT_NAME, EXTRACTOR)
    if path is None:
        raise SystemExit("the shipped reference is not there")
    return Reference.load(path).identity()


if __name__ == "__main__":
    main()
