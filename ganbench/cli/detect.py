"""``ganbench detect``."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ganbench.cli import options
from ganbench.cli.defaults import warn
from ganbench.cli.output import is_stdout, put_json, tell, write_documents
from ganbench.system.location import Location

if TYPE_CHECKING:
    import numpy as np

    from ganbench.detectors.base import Detection, Detector
    from ganbench.images.source import Source
    from ganbench.metrics.base import Estimate

_LONGEST_NAME = 255  # bytes
_SHOWN_PX = 256  # annotated images are enlarged to at least this, so that thin boxes can be seen


@dataclass
class _Found:
    """What was found: boxes and scores of each image, and a line per face."""

    faces: list[tuple[np.ndarray, np.ndarray]] = field(default_factory=list)
    lines: list[dict[str, object]] = field(default_factory=list)


def detect(
    source: options.SourceArg,
    detector: options.Detector = "yolo-nano",
    conf: options.Conf = None,
    iou: options.Iou = None,
    imgsz: options.Imgsz = None,
    layout: options.Layout = None,
    detector_set: options.DetectorSet = None,
    draw: Annotated[
        Path | None,
        typer.Option(
            parser=options.local("the folder of drawn images"),
            metavar="DIR",
            help="Write the images with their boxes here.",
        ),
    ] = None,
    csv_file: Annotated[
        Location | None, typer.Option("--csv", parser=options.place, metavar="F", help="Write one line per face.")
    ] = None,
    json_output: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    grid: options.Grid = None,
    pad: options.Pad = None,
    resize: options.Resize = None,
    recursive: options.Recursive = False,
    limit: options.Limit = None,
    skip_bad: options.SkipBad = 0,
    device: options.Device = "auto",
    quiet: options.Quiet = False,
) -> None:
    """Find faces and print AFD, the share of images with at least one.

    [bold]Examples[/bold]

      ganbench detect ./generated --draw ./boxes

      ganbench detect submission.tgz --json

      ganbench detect scene.png --imgsz 256 --draw ./boxes

      ganbench detect ./generated --detector yolo:yolov8x6_animeface.onnx --conf 0.8 --iou 0.8 --imgsz 64
    """

    from ganbench.detectors.registry import load_detector
    from ganbench.images.names import is_image_name
    from ganbench.images.sources import open_source
    from ganbench.metrics.detection_rate import afd
    from ganbench.statistics.detections import DetectionSet
    from ganbench.system.outputs import check_outputs
    from ganbench.system.text import csv_text

    del quiet
    check_outputs(csv_file, folders=(draw,), taken=json_output)
    wanted = options.detector_options(device, detector_set, conf, iou, imgsz, layout)
    chosen = load_detector(detector, wanted, note=lambda text: tell(f"note: {text}", err=True))
    one = Location.of(source)
    if grid is None and is_image_name(one.name) and (one.is_remote or one.path.is_file()):
        grid, pad = "1x1", 0  # one picture, looked at as it is
    opened = open_source(
        source, recursive=recursive, grid=options.parse_grid(grid), pad=pad, resize=resize, skip_bad=skip_bad
    )
    for text in opened.notes:
        warn(text)
    opened = opened if limit is None else opened.first(limit)
    found = _run(chosen, opened, draw)
    estimate = afd(fake=DetectionSet.of(found.faces, opened.image_size()))
    write_documents((csv_file, lambda: csv_text(found.lines, ["name", "score", "x0", "y0", "x1", "y1"])))
    if json_output:
        put_json(_to_dict(chosen, opened, found, estimate))
    else:
        _show(chosen, opened, found, estimate, err=is_stdout(csv_file))


def _run(detector: Detector, source: Source, draw: Path | None) -> _Found:
    from ganbench.detectors.answers import detections
    from ganbench.system.progress import track

    result = _Found()
    with track("detecting", len(source), unit="images") as advance:
        for batch in source.batches(32):
            for name, pixels, found in zip(batch.names, batch.pixels, detections(detector, batch.pixels), strict=True):
                result.faces.append((found.boxes, found.scores))
                for box, score in zip(found.boxes, found.scores, strict=True):
                    corners = zip(("x0", "y0", "x1", "y1"), (round(float(v), 2) for v in box), strict=True)
                    result.lines.append({"name": name, "score": round(float(score), 4), **dict(corners)})
                if draw is not None:
                    _draw(_place(draw, name), pixels, found)
            advance(len(batch.names))
    return result


def _to_dict(detector: Detector, source: Source, found: _Found, estimate: Estimate) -> dict[str, object]:
    return {
        "id": f"afd[{detector.name}]",
        "value": estimate.value,
        "low": estimate.low,
        "high": estimate.high,
        "n": estimate.n,
        "faces": sum(len(boxes) for boxes, _ in found.faces),
        "protocol": detector.protocol,
        "skipped": [bad.name for bad in source.bad],
    }


def _show(detector: Detector, source: Source, found: _Found, estimate: Estimate, *, err: bool) -> None:
    faces = sum(len(boxes) for boxes, _ in found.faces)
    tell(
        f"AFD {estimate.value:.4f} ({estimate.low:.4f} to {estimate.high:.4f}) of {estimate.n} images, "
        f"{faces} faces; {detector.protocol}",
        err=err,
    )
    if source.bad:
        tell(f"left out as unreadable: {', '.join(bad.name for bad in source.bad)}", err=err)


def _place(folder: Path, name: str) -> Path:
    """Return where an image with its boxes goes."""
    # 1.jpg becomes 1.jpg.png: beside a 1.png, neither may overwrite the other.
    path = folder / (name if name.lower().endswith(".png") else f"{name}.png")
    if len(os.fsencode(path.name)) <= _LONGEST_NAME:
        return path
    return path.with_name(f"{path.name[:40]}-{hashlib.sha256(os.fsencode(name)).hexdigest()[:16]}.png")


def _draw(path: Path, pixels: np.ndarray, found: Detection) -> None:
    """Write one image, enlarged, with a green box and score per face; a red frame where there is none."""
    from PIL import Image, ImageDraw

    from ganbench.system.storage import atomic_write

    factor = max(1, -(-_SHOWN_PX // max(pixels.shape[:2])))
    image = Image.fromarray(pixels)
    image = image.resize((image.width * factor, image.height * factor), Image.Resampling.NEAREST)
    pen = ImageDraw.Draw(image)
    for (x0, y0, x1, y1), score in zip(found.boxes * factor, found.scores, strict=True):
        pen.rectangle((x0, y0, x1, y1), outline=(0, 200, 0), width=3)
        pen.text((max(x0, 0) + 4, max(y0, 0) + 4), f"{score:g}", fill=(0, 200, 0))
    if not len(found.boxes):
        pen.rectangle((0, 0, image.width - 1, image.height - 1), outline=(220, 0, 0), width=6)
    with atomic_write(path) as f:
        image.save(f, "PNG")
