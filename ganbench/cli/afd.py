"""``ganbench afd``."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ganbench.cli import options
from ganbench.cli.defaults import warn
from ganbench.cli.output import put_json, tell

if TYPE_CHECKING:
    import numpy as np

    from ganbench.detectors.base import Detector, DetectorOptions
    from ganbench.detectors.calibration import Operating
    from ganbench.images.source import Source

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
    layout: options.Layout = None,
    detector_set: options.DetectorSet = None,
    resize: options.Resize = None,
    recursive: options.Recursive = False,
    limit: options.Limit = None,
    plot: Annotated[
        Path | None,
        typer.Option(parser=options.local("the picture of the curve"), metavar="F.png", help="Draw the ROC curve."),
    ] = None,
    json_output: Annotated[bool, typer.Option("--json", help="Print JSON, with the whole curve.")] = False,
    device: options.Device = "auto",
    quiet: options.Quiet = False,
) -> None:
    """Find the threshold at which a detector lets so many images without a face pass, and how many faces pass then.

    [bold]Examples[/bold]

      ganbench afd calibrate --real faces/ --fake not-faces/

      ganbench afd calibrate --real faces.zip --fake noise.npz --detector yolo:yolov8.onnx --fpr 0.001 --plot roc.png
    """
    from ganbench.detectors.calibration import area, operating_point, roc
    from ganbench.detectors.registry import load_detector
    from ganbench.images.sources import open_source
    from ganbench.system.outputs import check_outputs

    del quiet
    check_outputs(binary=(plot,))
    given = options.detector_options(device, detector_set, None, iou, imgsz, layout)
    chosen = load_detector(detector, _lowered(detector, given))
    opened = [open_source(s, resize=resize, recursive=recursive) for s in (real, fake)]
    for text in [note for one in opened for note in one.notes]:
        warn(text)
    sides = [_best_scores(chosen, one if limit is None else one.first(limit)) for one in opened]
    points = roc(*sides)
    point = operating_point(points, fpr)
    if plot is not None:
        _plot(points, point, plot)
    result = {
        "detector": chosen.name,
        "protocol": chosen.protocol,
        "area": area(*sides),
        "threshold": None if math.isinf(point.threshold) else point.threshold,
        "real": point.real,
        "fake": point.fake,
        "n_real": len(sides[0]),
        "n_fake": len(sides[1]),
    }
    if json_output:
        curve = [[p.threshold, p.real, p.fake] for p in points[1:]]
        put_json(result | {"curve": curve})
    else:
        _show(result, points, fpr, _advice(detector, chosen, given, point))


def _lowered(detector: str, given: DetectorOptions) -> DetectorOptions:
    """Return options under which nearly every box is looked at.

    Raises:
        GanbenchError: the threshold was given, which is what is looked for.
    """
    from ganbench.detectors.base import DetectorOptions
    from ganbench.detectors.registry import detector_class
    from ganbench.errors import GanbenchError

    threshold = detector_class(detector).threshold
    if not threshold:
        return given
    if threshold in given.settings:
        raise GanbenchError(f"{threshold} is the threshold that calibrate looks for. Leave it out.")
    return DetectorOptions(given.device, {**given.settings, threshold: _LOWEST})


def _advice(detector: str, chosen: Detector, given: DetectorOptions, point: Operating) -> str:
    """Return the options that put a threshold to use."""
    from ganbench.detectors.settings import spelled

    if not chosen.threshold:
        return f"{chosen.name} has no setting for it: the scores are for comparison only"
    if math.isinf(point.threshold):
        return "no threshold lets so few pass and still finds a face: choose a larger --fpr"
    settings = {**given.settings, chosen.threshold: float(f"{point.threshold:.4g}")}
    return " ".join(["use it: --detector", detector, *(spelled(*setting) for setting in settings.items())])


def _show(result: dict[str, Any], points: list[Operating], fpr: float, advice: str) -> None:
    from ganbench.detectors.calibration import operating_point

    tell(result["protocol"], f"area under the curve {result['area']:.4f}", "")
    tell("threshold   real pass   non-faces pass")
    for allowed in sorted({0.0, 0.001, 0.005, 0.01, 0.02, 0.05, 0.1, fpr}):
        p = operating_point(points, allowed)
        mark = "  <- chosen" if allowed == fpr else ""
        tell(f"{p.threshold:9.4f}   {p.real:9.4f}   {p.fake:14.4f}{mark}")
    tell("", f"{advice}  (n = {result['n_real']} and {result['n_fake']})")


def _best_scores(detector: Detector, source: Source) -> np.ndarray:
    import numpy as np

    from ganbench.detectors.answers import detections
    from ganbench.system.progress import track

    scores: list[float] = []
    with track(f"detecting in {source.label}", len(source), unit="images") as advance:
        for batch in source.batches(64):
            scores += [float(d.scores.max(initial=0.0)) for d in detections(detector, batch.pixels)]
            advance(len(batch.names))
    return np.array(scores)


def _plot(points: list[Operating], chosen: Operating, path: Path) -> None:
    from matplotlib.figure import Figure

    from ganbench.system.style import save_figure

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
