"""What a detector answers, checked for every batch: other people's may fail, or answer for other images than asked."""

from __future__ import annotations

import numpy as np

from ganbench.detectors.base import Detection, Detector
from ganbench.errors import GanbenchError
from ganbench.system.code import plugin_errors


def detections(detector: Detector, pixels: np.ndarray) -> list[Detection]:
    """Run a detector on uint8 RGB images (N, H, W, 3); one ``Detection`` per image, in order.

    Raises:
        GanbenchError: it fails, or its answer is not one Detection of finite numbers for each image.
    """
    with plugin_errors(f"the detector {detector.name}", not type(detector).__module__.startswith("ganbench.")):
        found = detector.detect(pixels)
    if not isinstance(found, list) or not all(isinstance(one, Detection) for one in found) or len(found) != len(pixels):
        raise GanbenchError(
            f"{detector.name}: detect must return a list with one Detection per image: {len(pixels)} images gave "
            f"{len(found) if isinstance(found, list) else type(found).__name__}"
        )
    for one in found:
        shapes = np.shape(one.boxes), np.shape(one.scores)
        if len(shapes[1]) != 1 or shapes[0] != (*shapes[1], 4):
            raise GanbenchError(
                f"{detector.name}: a Detection holds boxes (M, 4) and scores (M,), not {shapes[0]} and {shapes[1]}"
            )
        if not all(
            np.asarray(part).dtype.kind in "fiu" and np.isfinite(part).all() for part in (one.boxes, one.scores)
        ):
            raise GanbenchError(f"{detector.name}: a Detection whose boxes or scores are not finite numbers")
    return found
