"""The contract of a detector, as a check that every one must pass: ours, and those of other packages."""

from __future__ import annotations

import numpy as np

from ganbench.detectors.base import Detection, Detector
from ganbench.detectors.settings import kinds_of, shown
from ganbench.errors import GanbenchError
from ganbench.features.contract import varied_images
from ganbench.system.contract import require, same_every_time

_BOX_PX, _SCORE = 1e-2, 1e-4  # how far boxes and scores may be off in other company: rounding, as for features


def check_detector(detector: Detector) -> None:
    """Check the contract of a detector.

    Its class names it, and declares its settings as a frozen dataclass with defaults; the protocol shows every one. It
    returns one ``Detection`` per image, in order: float32 boxes in pixels that touch the image, and a score for each;
    the same every time and in every thread, whatever the neighbours; no image gives no detection. It leaves the images
    as they are.

    Args:
        detector: as ``ganbench.detectors.registry.load_detector`` returns it.

    Raises:
        AssertionError: with what is wrong.
    """
    _check_settings(detector)
    for height, width in ((64, 64), (48, 80)):
        _check_answers(detector, varied_images(height, width))
    nothing = detector.detect(np.empty((0, 64, 64, 3), np.uint8))
    require(nothing == [], f"{detector.name}: no images must give an empty list")


def _check_answers(detector: Detector, pixels: np.ndarray) -> None:
    name, before = detector.name, pixels.copy()
    found = detector.detect(pixels)
    require(np.array_equal(pixels, before), f"{name}: detect changes the images that it is given")
    whole = isinstance(found, list) and len(found) == len(pixels)
    require(whole, f"{name}: detect must return a list with one Detection per image")
    for one in found:
        _check_detection(name, one, *pixels.shape[1:3])
    last, *others = detector.detect(np.roll(pixels, 1, axis=0))
    require(all(map(_near, found, [*others, last])), f"{name}: detections are not in the order of the images")
    alone = [detector.detect(pixels[i : i + 1])[0] for i in range(len(pixels))]
    require(all(map(_near, found, alone)), f"{name}: what is found in an image depends on its neighbours")
    same_every_time(name, lambda: detector.detect(pixels), found, _same)


def _check_settings(detector: Detector) -> None:
    name, protocol = detector.name, detector.protocol
    require(isinstance(name, str) and bool(name), f"the name must be text, not {name!r}")
    require(isinstance(detector.version, int), f"{name}: the version must be a whole number, not {detector.version!r}")
    start = f"{name} v{detector.version}"
    require(protocol.startswith(start), f"{name}: the protocol must start with {start!r}: {protocol}")
    require(len(protocol.splitlines()) == 1, f"{name}: the protocol must be one line")
    try:
        kinds = kinds_of(detector.Settings, name)
    except GanbenchError as e:
        raise AssertionError(str(e)) from e
    right = isinstance(detector.settings, detector.Settings)
    require(right, f"{name}: its settings must be an instance of its class's Settings")
    for part in shown(detector.settings):
        require(part in protocol, f"{name}: the protocol does not show the setting {part!r}: {protocol}")
    require(
        not detector.threshold or detector.threshold in kinds,
        f"{name}: its threshold {detector.threshold!r} is none of its settings",
    )


def _check_detection(name: str, found: Detection, height: int, width: int) -> None:
    require(isinstance(found, Detection), f"{name}: detect must return Detections, not {type(found).__name__}")
    boxes, scores = found.boxes, found.scores
    require(
        boxes.dtype == np.float32 and boxes.shape == (len(boxes), 4),
        f"{name}: boxes must be float32 (M, 4), not {boxes.dtype} {boxes.shape}",
    )
    require(
        scores.dtype == np.float32 and scores.shape == (len(boxes),),
        f"{name}: scores must be float32 (M,), one for each box, not {scores.dtype} {scores.shape}",
    )
    require(bool(np.isfinite(boxes).all() and np.isfinite(scores).all()), f"{name}: boxes or scores are not finite")
    require(
        bool((boxes[:, :2] <= boxes[:, 2:]).all()), f"{name}: boxes must be x0, y0, x1, y1, with x0 <= x1, y0 <= y1"
    )
    inside = (boxes[:, 2:] >= 0).all() and (boxes[:, :2] <= (width, height)).all()
    require(bool(inside), f"{name}: boxes must be in pixels of the image; one lies outside of it")


def _near(a: Detection, b: Detection) -> bool:
    return (
        a.boxes.shape == b.boxes.shape
        and bool((np.abs(a.boxes - b.boxes) <= _BOX_PX).all())
        and bool((np.abs(a.scores - b.scores) <= _SCORE).all())
    )


def _same(a: list[Detection], b: list[Detection]) -> bool:
    return len(a) == len(b) and all(
        np.array_equal(x.boxes, y.boxes) and np.array_equal(x.scores, y.scores) for x, y in zip(a, b, strict=True)
    )
