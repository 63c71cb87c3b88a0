"""The detectors by name."""

from __future__ import annotations

import numpy as np

from ganbench.detectors.answers import detections
from ganbench.detectors.base import Detector, DetectorOptions
from ganbench.detectors.settings import kinds_of, resolve
from ganbench.errors import GanbenchError
from ganbench.registry import Registry
from ganbench.system.code import plugin_errors
from ganbench.system.location import Location, told_as
from ganbench.system.notes import Note, log_note

DETECTORS: Registry[type[Detector]] = Registry("detector", Detector, group="ganbench.detectors", classes=True)
DETECTORS.add("yolo-nano", "ganbench.detectors.yolo:YoloNano")
DETECTORS.add("opencv-cascade", "ganbench.detectors.cascade:CascadeDetector")


def load_detector(name: str, options: DetectorOptions | None = None, *, note: Note = log_note) -> Detector:
    """Return a detector by name, ``package.module:Class``, or ``yolo:PATH`` for a YOLO in an ONNX file.

    Args:
        name: its name; the path of a YOLO may be a URL.
        options: device and settings.
        note: told what a user should know of how it was loaded: that it runs elsewhere than wished.

    Raises:
        UnknownName: no such detector.
        AssetMissing: it is known, but its file is not installed.
        GanbenchError: a file that is not there or no detector, or a setting that it has not got or refuses.
    """
    options = options or DetectorOptions()
    file = _yolo_file(name)
    if file is not None:
        from ganbench.detectors.yolo import YoloDetector, YoloSettings

        settings = resolve(YoloSettings(), options.settings, result_name(name))
        path = file.fetched(note)
        with told_as(file, path):
            yolo = YoloDetector(path, result_name(name), settings, device=options.device)
        _say(yolo, note)
        return yolo
    found = detector_class(name)
    with plugin_errors(f"the detector {name}", foreign=True):
        settings = resolve(found.defaults(), options.settings, found.name)
        detector = found(settings, device=options.device)
        if not found.__module__.startswith("ganbench."):
            _try_out(detector)
    _say(detector, note)
    return detector


def _say(detector: Detector, note: Note) -> None:
    for text in detector.notes:
        note(text)


def detector_class(name: str) -> type[Detector]:
    """Return the class behind a name or ``package.module:Class``, after checking what it says of itself.

    Raises:
        UnknownName: no such detector.
        GanbenchError: it is no detector, or says of itself what cannot be.
    """
    if _yolo_file(name) is not None:
        from ganbench.detectors.yolo import YoloDetector

        return YoloDetector
    found = DETECTORS[name]
    called, version = getattr(found, "name", None), getattr(found, "version", None)
    if not isinstance(called, str) or not called or not isinstance(version, int):
        raise GanbenchError(f"{name}: a detector needs a name (text) and a version (a whole number) in its class")
    if called in DETECTORS and DETECTORS[called] is not found:
        raise GanbenchError(f"{name} calls itself {called!r}, which is another detector's name. Give it its own.")
    kinds = kinds_of(found.Settings, called)
    if found.threshold and found.threshold not in kinds:
        raise GanbenchError(f"{name}: its threshold {found.threshold!r} is none of its settings")
    return found


def result_name(name: str) -> str:
    """Return what a detector is called in results, without loading it.

    A YOLO in a file goes by the file's name, wherever that lies; all others by the ``name`` of their class.

    Raises:
        UnknownName: no such detector.
    """
    file = _yolo_file(name)
    return detector_class(name).name if file is None else f"yolo:{file.name}"


def _yolo_file(name: str) -> Location | None:
    kind, colon, path = name.partition(":")
    return Location(path) if kind == "yolo" and colon else None


def _try_out(detector: Detector) -> None:
    """Run somebody else's detector on a gray image, so that what is wrong with it is said before the work.

    Raises:
        GanbenchError: the answer is none.
    """
    detections(detector, np.full((1, 64, 64, 3), 127, np.uint8))
    if not detector.protocol.startswith(f"{detector.name} v{detector.version}"):
        raise GanbenchError(f"{detector.name}: its protocol must start with its name and version")
