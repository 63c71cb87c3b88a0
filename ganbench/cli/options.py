"""Options that several commands share, so that they read the same everywhere."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ganbench.errors import GanbenchError
from ganbench.system.location import Location
from ganbench.system.urls import refuse_url

if TYPE_CHECKING:
    from ganbench.detectors.base import DetectorOptions
    from ganbench.system.cluster import Site


def local(what: str) -> Callable[[str], Path]:
    """Return the parser of an option or argument that is a path on this machine; it refuses a URL.

    No parameter is of the type ``Path`` as it is: that makes ``s3:/bucket`` of ``s3://bucket``, without a word.

    Args:
        what: what is there, for the message: ``a run folder``.
    """

    def parse(text: str) -> Path:
        return Path(refuse_url(text, what))

    return parse


place = Location.of  # the parser of one that may be at a URL too

SourceArg = Annotated[
    str,
    typer.Argument(
        metavar="SRC",
        help="Folder, .zip, .tar/.tgz, 'shards-*.tar', .parquet, .npy/.npz of uint8 images, or a sheet with --grid. "
        "Also a URL.",
    ),
]
Resize = Annotated[
    str | None,
    typer.Option(
        metavar="RULE",
        help="Resize images of another size: SIZE or HxW, then optionally :bicubic, "
        ":bilinear, :lanczos, :box or :nearest (Pillow, antialiased).",
    ),
]
Recursive = Annotated[bool, typer.Option("--recursive", help="Look into subfolders too.")]
SkipBad = Annotated[int, typer.Option(metavar="N", min=0, help="Leave out up to N unreadable images, and say which.")]
Grid = Annotated[str | None, typer.Option(metavar="RxC", help="SRC is a sheet of R rows and C columns; or 'guess'.")]
Pad = Annotated[int | None, typer.Option(metavar="PX", min=0, help="Pixels between the tiles of a sheet.")]
Style = Annotated[
    str,
    typer.Option(
        "--style", metavar="screen|paper", help="Look of the figures: paper fits a column of a two-column paper."
    ),
]
Weights = Annotated[str | None, typer.Option(metavar="PATH|URL", help="Weights file for the extractor.")]
Device = Annotated[str, typer.Option(metavar="auto|cpu|cuda", help="Where the network runs.")]
Precision = Annotated[str, typer.Option(metavar="fp32|bf16", help="Arithmetic of the network; part of the protocol.")]
Detector = Annotated[
    str,
    typer.Option(
        metavar="NAME|yolo:PATH|MODULE:CLASS",
        help="yolo-nano, opencv-cascade, any YOLO in an ONNX file, or a class of your own.",
    ),
]
DetectorOrNone = Annotated[
    str, typer.Option(metavar="NAME|yolo:PATH|MODULE:CLASS|none", help="Face detector for AFD, or none.")
]
Conf = Annotated[float | None, typer.Option(metavar="C", show_default="the detector's", help="Least score of a face.")]
Iou = Annotated[float | None, typer.Option(metavar="U", show_default="0.5", help="Overlap that drops the weaker box.")]
Imgsz = Annotated[
    int | None,
    typer.Option(metavar="PX", show_default="64, or the export's", help="Pixels the detector letterboxes to."),
]
Layout = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", show_default="told by the values", help="What the columns of a YOLO's output are: yolov8:2."
    ),
]
DetectorSet = Annotated[
    list[str] | None,
    typer.Option(
        "--detector-set", metavar="KEY=VALUE", help="Any other setting of the detector; may be given several times."
    ),
]
Limit = Annotated[int | None, typer.Option(metavar="N", min=2, help="Use the first N images only.")]
Seed = Annotated[int, typer.Option(metavar="S", min=0, help="Seed of every random choice.")]
Jobs = Annotated[
    int, typer.Option(metavar="N", min=1, help="Processes at a time, each on its share of this machine's cores.")
]
Cluster = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS",
        show_default="this machine",
        help="Work on a Ray cluster instead: auto, HOST:PORT or ray://HOST:PORT.",
    ),
]


Published = Annotated[
    bool,
    typer.Option("--published/--no-published", help="Also show a course report's rows, which are not comparable."),
]


Sort = Annotated[
    str | None,
    typer.Option(metavar="ID", show_default="fd", help="The result to rank by; also a metric alone, if it is one."),
]
Columns = Annotated[
    list[str] | None,
    typer.Option(
        metavar="ID,ID",
        show_default="the usual ones",
        help="The results to show beside the one ranked by; a metric alone stands for all that it was measured with.",
    ),
]


Rules = Annotated[
    str | None,
    typer.Option(
        metavar="hw6|none|FILE.toml",
        show_default="none",
        help="Rules of the assignment, or what differs from them: who breaks one is flagged as invalid.",
    ),
]


def _quiet(value: bool) -> bool:
    from ganbench.system.progress import set_quiet

    set_quiet(value)
    return value


Quiet = Annotated[bool, typer.Option("--quiet", callback=_quiet, help="No progress.")]


def site(jobs: int, cluster: str | None) -> Site:
    """Return where tasks run, from ``--jobs --cluster``.

    Raises:
        GanbenchError: no address of a cluster, or both.
    """
    from ganbench.system.cluster import Site

    return Site(jobs, cluster)


def parse_grid(text: str | None) -> tuple[int, int] | str | None:
    """Parse ``RxC`` or ``guess``.

    Raises:
        GanbenchError: anything else.
    """
    if text is None or text == "guess":
        return text
    rows, _, columns = text.lower().partition("x")
    if not (rows.isdigit() and columns.isdigit() and int(rows) and int(columns)):
        raise GanbenchError(f"--grid {text}: expected ROWSxCOLUMNS such as 10x10, or guess")
    return int(rows), int(columns)


def parse_settings(texts: list[str] | None) -> dict[str, object]:
    """Parse ``KEY=VALUE`` of ``--detector-set``.

    Raises:
        GanbenchError: something else, or one key twice.
    """
    found: dict[str, object] = {}
    for text in texts or ():
        key, equals, value = text.partition("=")
        key = key.strip().replace("-", "_")
        if not key or not equals:
            raise GanbenchError(f"--detector-set {text}: expected KEY=VALUE, such as iou=0.6")
        if key in found:
            raise GanbenchError(f"--detector-set {key} is given twice: {found[key]} and {value}")
        found[key] = value.strip()
    return found


def detector_options(
    device: str,
    settings: list[str] | None,
    conf: float | None,
    iou: float | None,
    imgsz: int | None,
    layout: str | None = None,
) -> DetectorOptions:
    """Return what ``load_detector`` takes, from ``--device --detector-set --conf --iou --imgsz --layout``.

    Raises:
        GanbenchError: text that is no ``KEY=VALUE``, or one setting twice.
    """
    from ganbench.detectors.base import DetectorOptions

    return DetectorOptions.of(device, parse_settings(settings), conf=conf, iou=iou, imgsz=imgsz, layout=layout)
