"""YOLO detectors from ONNX files: ours, and YOLOv5 to YOLO26 and YOLOX exports."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ganbench.detectors.base import Detection, Detector
from ganbench.detectors.layouts import Layout, as_table
from ganbench.detectors.network import GRAY, STEP, Network
from ganbench.detectors.settings import bad_setting
from ganbench.errors import GanbenchError
from ganbench.system.assets import file_hash
from ganbench.system.storage import shipped_dir

_LARGE = 320  # pixels of the images that a network of any size is tried with


@dataclass(frozen=True)
class YoloSettings:
    """What the answer of a YOLO depends on besides its weights.

    Attributes:
        conf: least score of a face.
        iou: boxes that overlap a better one by more than this are dropped.
        imgsz: images are letterboxed to so many pixels, square, or as the network was exported; 0 for the size that it
            was exported for, or 64 where it takes any.
        layout: what the columns of its output mean, a name of ``ganbench.detectors.layouts.FAMILIES``; "" to tell by
            the file's metadata and the values that it puts out.
    """

    conf: float = 0.25
    iou: float = 0.5
    imgsz: int = 0
    layout: str = ""

    def __post_init__(self) -> None:
        for name, value in (("conf", self.conf), ("iou", self.iou)):
            if not 0 < value < 1:
                raise bad_setting(name, value, "a number between 0 and 1")
        if self.imgsz < 0:
            raise bad_setting("imgsz", self.imgsz, f"a multiple of {STEP}, such as 64 or 640")
        if self.layout:
            from ganbench.detectors.evidence import check_choice

            check_choice(self.layout)


class YoloDetector(Detector):
    """Finds faces with a YOLO in an ONNX file, in ONNX Runtime."""

    version = 1
    Settings = YoloSettings
    threshold = "conf"
    settings: YoloSettings

    def __init__(
        self,
        path: Path,
        name: str,
        settings: YoloSettings | None = None,
        *,
        quality: str = "",
        device: str = "auto",
        known: tuple[str, Layout] | None = None,
    ) -> None:
        """Load and check a network.

        Args:
            path: the ONNX file.
            name: name in results.
            settings: thresholds and image size; None for the defaults.
            quality: what is known of the error rates, for the protocol.
            device: ``cpu``, ``cuda`` or ``auto`` (CUDA where ONNX Runtime has it).
            known: hash and layout, of a file that need not be looked into.

        Raises:
            GanbenchError: no such file, not ONNX, not a YOLO, of another input size, or one that may be read in
                several ways.
        """
        super().__init__(settings, device=device)
        self.name = name
        self._path = path
        sha256, layout = known or ("", None)
        self._network = Network(path, device, self.settings.imgsz, sha256)
        self.settings = replace(self.settings, imgsz=max(self._network.height, self._network.width))
        self.notes = [self._network.note] if self._network.note else []
        if layout is None or self.settings.layout:
            layout = _layout_of(self._network, self.settings.layout, str(path))
        self._layout = layout
        self._weights = f"weights {self._network.sha256[:8]}" + (f"; {quality}" if quality else "")

    def pinned(self) -> list[str]:
        """Return the form of the input, the layout, the hash of the weights, and what is known of the error rates."""
        return [part for part in (self._network.form, str(self._layout), self._weights) if part]

    @property
    def identity(self) -> str:
        """All that decides the answer, for cache keys: the protocol, and the whole hash of the weights."""
        return f"{super().identity}, {self._network.sha256}"

    def detect(self, pixels: np.ndarray) -> list[Detection]:
        """Find faces; scores are the network's, 0 to 1.

        Raises:
            GanbenchError: the network does not run, or puts out what is no score: its layout is another.
        """
        found: list[Detection] = []
        step = self._network.together
        for start in range(0, len(pixels), step):
            boxed, offset, factor = letterbox(pixels[start : start + step], self._network.height, self._network.width)
            for output in self._network.run(boxed):
                try:
                    boxes, scores = self._decode(output)
                except GanbenchError as e:
                    raise GanbenchError(f"{self._path}: {e}") from e
                found.append(self._suppress(boxes, scores, offset, factor))
        return found

    def _decode(self, output: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        table = as_table(output[None], self._layout)[0]
        return self._layout.boxes_and_scores(table, self._network.height, self._network.width)

    def _suppress(self, boxes: np.ndarray, scores: np.ndarray, offset: np.ndarray, factor: float) -> Detection:
        import cv2

        sure = scores >= self.settings.conf
        boxes, scores = boxes[sure], scores[sure]
        if not len(boxes):
            return Detection(np.empty((0, 4), np.float32), np.empty(0, np.float32))
        corner = boxes.copy()
        corner[:, :2] -= boxes[:, 2:] / 2  # OpenCV takes the corner and the size
        kept = np.asarray(cv2.dnn.NMSBoxes(corner.tolist(), scores.tolist(), 0.0, self.settings.iou)).reshape(-1)
        corner = corner[kept]
        corner[:, 2:] += corner[:, :2]
        return Detection((corner - offset) / np.float32(factor), scores[kept])


def letterbox(pixels: np.ndarray, height: int, width: int) -> tuple[np.ndarray, np.ndarray, float]:
    """Scale images until they touch two sides, and fill up with gray.

    Args:
        pixels: uint8 (N, H, W, 3).
        height: pixels of the result.
        width: pixels of the result.

    Returns:
        uint8 (N, height, width, 3); how far right and down the image lies in it, float32 (4,), twice over; and the
        factor by which it was scaled.
    """
    import cv2

    own_height, own_width = pixels.shape[1:3]
    factor = min(height / own_height, width / own_width)
    left, top = round((width - own_width * factor) / 2), round((height - own_height * factor) / 2)
    boxed = np.full((len(pixels), height, width, 3), GRAY, np.uint8)
    for canvas, image in zip(boxed, pixels, strict=True):
        if factor != 1:
            scaled = (max(1, round(own_width * factor)), max(1, round(own_height * factor)))
            image = cv2.resize(image, scaled, interpolation=cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR)
        canvas[top : top + image.shape[0], left : left + image.shape[1]] = image
    return boxed, np.array([left, top, left, top], np.float32), factor


def _layout_of(network: Network, asked: str, label: str) -> Layout:
    """Tell the layout of a network by what it puts out for images that differ as much as images can."""
    from ganbench.detectors.evidence import find_layout  # not needed for a layout that is known

    height, width = network.height, network.width
    if network.takes_any_size and height > _LARGE:
        height = width = _LARGE  # the same at any size, and sooner told
    images = _probes(height, width)
    found = find_layout(network.probe(images), height, width, label, network.facts, asked)
    if found.family.startswith("yolox"):  # the layout shows all the same where the pixels came in another form
        network.bytes_bgr = True
        found = find_layout(network.probe(images), height, width, label, network.facts, asked)
        if not found.family.startswith("yolox"):
            raise GanbenchError(f"{label}: its layout cannot be told. Name it: --layout yolox, or {found.choice}")
    return found


def _probes(height: int, width: int) -> np.ndarray:
    """Return plain gray, noise, and a drawn face: uint8 (3, height, width, 3)."""
    from ganbench.toyfaces import toyfaces

    gray = np.full((1, height, width, 3), GRAY, np.uint8)
    noise = np.random.default_rng(0).integers(0, 256, (1, height, width, 3), np.uint8)
    face = next(iter(toyfaces(1, seed=0)))[1]
    return np.concatenate([gray, noise, letterbox(face[None], height, width)[0]])


class YoloNano(YoloDetector):
    """The detector that ships with ganbench, at its calibrated threshold unless told otherwise."""

    name = "yolo-nano"

    def __init__(self, settings: YoloSettings | None = None, *, device: str = "auto") -> None:
        """Load it.

        Args:
            settings: thresholds and image size; None for those of its card.
            device: ``auto``, ``cpu`` or ``cuda``.

        Raises:
            GanbenchError: the shipped file is not the one of its card.
        """
        path, card = _folder() / "yolo-nano.onnx", _card()
        if file_hash(path) != card["sha256"]:
            raise GanbenchError(f"{path}: not the file of its card (SHA-256 differs). Reinstall ganbench")
        calibrated = settings is None or settings == self.defaults()
        quality = f"real faces reach {card['real']:.3f}, non-faces {card['nonfaces']:.3f}" if calibrated else ""
        known = card["sha256"], Layout("yolov8", 1, (8, 16))
        super().__init__(path, self.name, settings, quality=quality, device=device, known=known)

    @classmethod
    def defaults(cls) -> YoloSettings:
        """Return the settings of its card."""
        return YoloSettings(**_card()["settings"])


def _folder() -> Path:
    return shipped_dir("detectors") / "yolo-nano"


def _card() -> dict[str, Any]:
    card: dict[str, Any] = json.loads((_folder() / "card.json").read_text("utf-8"))
    return card
