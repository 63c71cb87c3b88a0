"""The detectors by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ganbench.detectors.base import Detector, DetectorOptions
from ganbench.registry import Registry

DETECTORS: Registry[Callable[[DetectorOptions], Detector]] = Registry("detector", group="ganbench.detectors")
DETECTORS.add("yolo-nano", "ganbench.detectors.yolo:yolo_nano")
DETECTORS.add("opencv-cascade", "ganbench.detectors.cascade:opencv_cascade")


def load_detector(name: str, options: DetectorOptions | None = None) -> Detector:
    """Return a detector by name, or ``yolo:PATH`` for a YOLO in an ONNX file.

    Raises:
        UnknownName: no such detector.
        AssetMissing: it is known, but its file is not installed.
        GanbenchError: a file that is not there or no detector, or an option that it has not got.
    """
    options = options or DetectorOptions()
    kind, colon, path = name.partition(":")
    if kind == "yolo" and colon:
        from ganbench.detectors.yolo import yolo_file

        return yolo_file(Path(path), options)
    return DETECTORS[name](options)


def result_name(name: str) -> str:
    """Return what a detector is called in results: a YOLO in a file goes by the file's name, wherever that lies."""
    kind, colon, path = name.partition(":")
    return f"yolo:{Path(path).name}" if kind == "yolo" and colon else name
