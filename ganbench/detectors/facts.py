"""What an ONNX file says of itself: YOLO exporters note task and classes in its metadata."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

_LONGEST = 1 << 18  # characters of an entry; a thousand class names take 20,000
TASKS = {
    "detect": ("yolov8", "yolov8-transposed", "yolov5", "end2end", "end2end-flat"),
    "segment": ("yolov8-seg", "yolov5-seg", "end2end"),
    "pose": ("yolov8-pose", "end2end"),
    "obb": ("yolov8-obb", "end2end-obb"),
}


@dataclass(frozen=True)
class Facts:
    """What is known of a network besides its output.

    Attributes:
        task: ``detect``, ``segment``, ``pose``, ``obb``, or what else is noted; "" where nothing is.
        classes: how many classes it names; 0 where it names none.
        landmarks: columns that its landmarks take; 0 where it names none.
        masks: channels of a second output with mask prototypes, (N, masks, h, w); 0 for none.
        final: whether it says that it drops weaker boxes itself.
    """

    task: str = ""
    classes: int = 0
    landmarks: int = 0
    masks: int = 0
    final: bool = False

    @classmethod
    def of(cls, metadata: Mapping[str, str], masks: int = 0) -> Facts:
        """Read what YOLOv5 to YOLO26 note; what cannot be read is as good as not noted, and the output has to tell."""
        names, shape = _value(metadata.get("names")), _value(metadata.get("kpt_shape"))
        landmarks = 0
        if isinstance(shape, list | tuple) and len(shape) == 2 and all(type(n) is int and 0 < n < 1000 for n in shape):
            landmarks = shape[0] * shape[1]
        task = metadata.get("task", "").strip().lower()
        classes = len(names) if isinstance(names, dict | list | tuple) else 0
        arguments = _value(metadata.get("args"))
        final = metadata.get("end2end", "").strip() == "True" or (
            isinstance(arguments, dict) and arguments.get("nms") is True
        )
        return cls(task[:50], classes, landmarks, masks, final)

    def __str__(self) -> str:
        said = [f"task {self.task}"] * bool(self.task) + [f"{self.classes} classes"] * bool(self.classes)
        said += ["final boxes"] * self.final
        return ", ".join(said)


def _value(text: str | None) -> object:
    """Return a Python literal, or None for what is none."""
    if text is None or len(text) > _LONGEST:
        return None
    with suppress(Exception):  # whatever the parser has to say of foreign text
        return ast.literal_eval(text)
    return None
