"""YOLO detectors from ONNX files: ours, and YOLOv5, YOLOv8, YOLO11 and YOLOX exports."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ganbench.detectors.base import Detection, Detector
from ganbench.detectors.layouts import Layout, find_layout
from ganbench.detectors.settings import bad_setting
from ganbench.errors import GanbenchError
from ganbench.system.assets import file_hash
from ganbench.system.cores import available_cores
from ganbench.system.storage import shipped_dir

if TYPE_CHECKING:
    import onnxruntime

GRAY = 114  # what letterboxing fills up with, in every YOLO
BATCH = 64
_STEP = 32  # image sides are multiples of the coarsest stride


@dataclass(frozen=True)
class YoloSettings:
    """What the answer of a YOLO depends on besides its weights.

    Attributes:
        conf: least score of a face.
        iou: boxes that overlap a better one by more than this are dropped.
        imgsz: images are letterboxed to so many pixels, square.
    """

    conf: float = 0.25
    iou: float = 0.5
    imgsz: int = 64

    def __post_init__(self) -> None:
        for name, value in (("conf", self.conf), ("iou", self.iou)):
            if not 0 < value < 1:
                raise bad_setting(name, value, "a number between 0 and 1")
        if self.imgsz < _STEP or self.imgsz % _STEP:
            raise bad_setting("imgsz", self.imgsz, f"a multiple of {_STEP}, such as 64 or 640")


class YoloDetector(Detector):
    """Finds faces with a YOLO in an ONNX file, in ONNX Runtime."""

    version = 1
    Settings = YoloSettings
    threshold = "conf"
    settings: YoloSettings

    def __init__(
        self, path: Path, name: str, settings: YoloSettings | None = None, *, quality: str = "", device: str = "auto"
    ) -> None:
        """Load and check a network.

        Args:
            path: the ONNX file.
            name: name in results.
            settings: thresholds and image size; None for the defaults.
            quality: what is known of the error rates, for the protocol.
            device: ``cpu``, ``cuda`` or ``auto`` (CUDA where ONNX Runtime has it).

        Raises:
            GanbenchError: no such file, not ONNX, not a YOLO, or of another input size.
        """
        super().__init__(settings, device=device)
        if not path.is_file():
            raise GanbenchError(f"{path}: no such file. Export a YOLO to ONNX, or use the detector yolo-nano")
        self.name = name
        self._session = _session(path, device)
        self._input = self._session.get_inputs()[0]
        self._check_input(path)
        size = self.settings.imgsz
        gray = np.full((1, size, size, 3), GRAY, np.uint8)
        # YOLOX takes 0..255 in BGR, the others 0..1 in RGB; the layout, which tells them apart, does not depend on it.
        self._layout: Layout | None = None
        self._layout = find_layout(self._run(gray), size, size, str(path))
        self._weights = f"weights {file_hash(path)[:8]}" + (f"; {quality}" if quality else "")

    def pinned(self) -> list[str]:
        """Return the layout and the hash of the weights, and what is known of the error rates."""
        return [str(self._layout), self._weights]

    def _check_input(self, path: Path) -> None:
        shape, size = self._input.shape, self.settings.imgsz
        if self._input.type != "tensor(float)" or len(shape) != 4 or shape[1] not in (3, "c"):
            raise GanbenchError(
                f"{path}: its input is {self._input.type} {shape}; a YOLO export takes float32 (N, 3, H, W). "
                "Export in float32"
            )
        for side in shape[2:]:
            if isinstance(side, int) and side != size:
                raise GanbenchError(f"{path}: exported for {shape[2]}x{shape[3]} images: add --imgsz {side}")

    def detect(self, pixels: np.ndarray) -> list[Detection]:
        """Find faces; scores are the network's, 0 to 1."""
        found = []
        fixed = self._input.shape[0]
        step = fixed if isinstance(fixed, int) else BATCH
        for start in range(0, len(pixels), step):
            part = pixels[start : start + step]
            found += self._detect(part, step if isinstance(fixed, int) else len(part))
        return found

    def _detect(self, pixels: np.ndarray, batch: int) -> list[Detection]:
        import cv2

        size = self.settings.imgsz
        height, width = pixels.shape[1:3]
        factor = size / max(height, width)
        left, top = (round((size - side * factor) / 2) for side in (width, height))
        boxed = np.full((batch, size, size, 3), GRAY, np.uint8)
        for canvas, image in zip(boxed, pixels, strict=False):
            if factor != 1:
                shrinks = factor < 1
                scaled = (max(1, round(width * factor)), max(1, round(height * factor)))
                image = cv2.resize(image, scaled, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
            canvas[top : top + image.shape[0], left : left + image.shape[1]] = image
        assert self._layout is not None  # found when it was loaded
        boxes, scores = self._layout.boxes_and_scores(self._run(boxed), size, size)
        offset = np.array([left, top, left, top], np.float32)
        return [
            self._suppress(b, s, offset, factor)
            for b, s in zip(boxes[: len(pixels)], scores[: len(pixels)], strict=True)
        ]

    def _run(self, boxed: np.ndarray) -> np.ndarray:
        """Run the network on letterboxed images, uint8 (N, size, size, 3)."""
        if self._layout is not None and self._layout.family.startswith("yolox"):
            x = boxed[..., ::-1].transpose(0, 3, 1, 2).astype(np.float32)
        else:
            x = boxed.transpose(0, 3, 1, 2).astype(np.float32) / np.float32(255)
        try:
            return self._session.run(None, {self._input.name: np.ascontiguousarray(x)})[0]
        except Exception as e:  # ONNX Runtime has no public base class for its errors
            raise GanbenchError(f"the network does not run on {self.settings.imgsz} pixels: {e}") from e

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


def _session(path: Path, device: str) -> onnxruntime.InferenceSession:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = available_cores()
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    providers = ["CPUExecutionProvider"]
    if device != "cpu" and "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        providers.insert(0, "CUDAExecutionProvider")
    elif device == "cuda":
        raise GanbenchError("--device cuda: this ONNX Runtime has no CUDA. Run: pip install onnxruntime-gpu")
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=providers)
    except Exception as e:  # ONNX Runtime has no public base class for its errors
        raise GanbenchError(f"{path}: not an ONNX file that ONNX Runtime can load ({e})") from e


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
        known = f"real faces reach {card['real']:.3f}, non-faces {card['nonfaces']:.3f}" if calibrated else ""
        super().__init__(path, self.name, settings, quality=known, device=device)

    @classmethod
    def defaults(cls) -> YoloSettings:
        """Return the settings of its card."""
        return YoloSettings(**_card()["settings"])


def _folder() -> Path:
    return shipped_dir("detectors") / "yolo-nano"


def _card() -> dict[str, Any]:
    card: dict[str, Any] = json.loads((_folder() / "card.json").read_text("utf-8"))
    return card
