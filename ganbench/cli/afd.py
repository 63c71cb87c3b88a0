"""``ganbench afd``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ganbench.cli import options

if TYPE_CHECKING:
    import numpy as np

app = typer.Typer(no_args_is_help=True, help="AFD as a protocol: calibrate a detector's threshold.")
_LOWEST = 0.001  # score from which boxes are looked at


@app.callback()
def _group() -> None:
    """Keep ``calibrate`` a subcommand: Typer makes an app with a single command that command."""


@app.command()
def calibrate(
    real: Annotated[str, typer.Option(metavar="SRC", help="Images with a face.")],
    fake: Annotated[str, typer.Option(metavar="SRC", help="Images without one.")],
    detector: options.Detector = "yolo-nano",
    fpr: Annotated[float, typer.Option(metavar="P", min=0, max=1, help="Share of non-faces that may pass.")] = 0.01,
    iou: options.Iou = None,
    imgsz: options.Imgsz = None,
    resize: options.Resize = None,
    recursive: options.Recursive = False,
    plot: Annotated[Path | None, typer.Option(metavar="F.png", help="Draw the ROC curve.")] = None,
    json_output: Annotated[bool, typer.Option("--json", help="Print JSON, with the whole curve.")] = False,
    device: options.Device = "auto",
    quiet: options.Quiet = False,
) -> None:
    """Find the threshold at which a detector lets so many images without a face pass, and how many faces pass then.

    [bold]Examples[/bold]

      ganbench afd calibrate --real faces/ --fake not-faces/

      ganbench afd calibrate --real faces.zip --fake noise.npz --detector yolo:yolov8.onnx --fpr 0.001 --plot roc.png
    """
    from ganbench.detectors.base import DetectorOptions
    from ganbench.detectors.calibration import area, operating_point, roc
    from ganbench.detectors.registry import load_detector
    from ganbench.images.sources import open_source
    from ganbench.system.storage import check_outputs

    del quiet
    check_outputs(plot)
    conf = None if detector == "opencv-cascade" else _LOWEST
    chosen = load_detector(detector, DetectorOptions(device, conf, iou, imgsz))
    scores = [_best_scores(chosen, open_source(s, resize=resize, recursive=recursive)) for s in (real, fake)]
    points = roc(*scores)
    point = operating_point(points, fpr)
    if plot is not None:
        _plot(points, point, plot)
    result = {
        "detector": chosen.name,
        "protocol": chosen.protocol,
        "area": area(*scores),
        "threshold": point.threshold,
        "real": point.real,
        "fake": point.fake,
        "n_real": len(scores[0]),
        "n_fake": len(scores[1]),
    }
    if json_output:
        curve = [[p.threshold, p.real, p.fake] for p in points[1:]]
        typer.echo(json.dumps(result | {"curve": curve}, indent=2, allow_nan=False))
        return
    typer.echo(f"{chosen.protocol}\narea under the curve {result['area']:.4f}\n")
    typer.echo("threshold   real pass   non-faces pass")
    for allowed in sorted({0.0, 0.001, 0.005, 0.01, 0.02, 0.05, 0.1, fpr}):
        p = operating_point(points, allowed)
        mark = "  <- chosen" if allowed == fpr else ""
        typer.echo(f"{p.threshold:9.4f}   {p.real:9.4f}   {p.fake:14.4f}{mark}")
    typer.echo(
        f"\nuse it: --detector {detector} --conf {point.threshold:.4g}  (n = {len(scores[0])} and {len(scores[1])})"
    )


def _best_scores(detector, source) -> np.ndarray:
    import numpy as np

    from ganbench.system.progress import track

    scores: list[float] = []
    with track(f"detecting in {source.label}", len(source)) as advance:
        for batch in source.batches(64):
            scores += [float(d.scores.max(initial=0.0)) for d in detector.detect(batch.pixels)]
            advance(len(batch.names))
    return np.array(scores)


def _plot(points: list, chosen: object, path: Path) -> None:
    from matplotlib.figure import Figure

    from ganbench.diagnostics.figures import save_figure

    figure = Figure(figsize=(5, 4.5), layout="constrained")
    axes = figure.subplots()
    axes.step([p.fake for p in points], [p.real for p in points], where="post")
    axes.plot(chosen.fake, chosen.real, "o", label=f"threshold {chosen.threshold:.3g}")
    axes.set_xlabel("share of non-faces that pass")
    axes.set_ylabel("share of real faces that pass")
    axes.set_xscale("symlog", linthresh=1e-3)
    axes.grid(alpha=0.3)
    axes.legend()
    save_figure(figure, path)
