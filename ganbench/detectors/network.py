"""A network in an ONNX file as it takes images: size, order of axes, type of the input, and one output of several."""

from __future__ import annotations

from dataclasses import dataclass
from math import isqrt
from pathlib import Path
from typing import Any

import numpy as np

from ganbench.detectors.facts import Facts
from ganbench.detectors.footprint import USUAL, bytes_per_pixel
from ganbench.detectors.settings import bad_setting
from ganbench.errors import GanbenchError
from ganbench.system.memory import VARIABLE, budget
from ganbench.system.onnx_files import onnx_hash
from ganbench.system.onnx_runtime import open_file, run_within
from ganbench.system.wall import reason, wall

STEP = 32  # image sides are multiples of the coarsest stride, where the network does not say otherwise
_BATCH = 64
SIZE = 64  # pixels, where neither the user nor the file says
GRAY = 114  # what letterboxing fills up with, in every YOLO
_OUT_OF_MEMORY = ("smaller than requested bytes", "Failed to allocate", "bad_alloc", "bad allocation")
PATIENCE = 120.0  # seconds for a call; the largest YOLOs take a few for an image of 1280 pixels on one core
_BATCH_BYTES = 256 << 20  # what images are put together for; a single one may take the whole budget
_TYPES = {"tensor(float)": np.float32, "tensor(float16)": np.float16, "tensor(uint8)": np.uint8}


@dataclass(frozen=True)
class _Input:
    """The form of the only input; 0 stands for a side or number that is free."""

    name: str
    dtype: Any
    batch: int
    height: int
    width: int
    channels_last: bool


class Network:
    """Runs an ONNX file on letterboxed images.

    Attributes:
        height: pixels that it takes, as was asked for or as the file says.
        width: the same.
        sha256: hash of the file with its external data.
        facts: what it says of itself.
        note: what the user should know of where it runs; "" for nothing.
        bytes_bgr: whether it takes 0..255 in BGR, as YOLOX does, and not 0..1 in RGB.
    """

    def __init__(self, path: Path, device: str, imgsz: int, sha256: str = "") -> None:
        """Load a network; it is not run yet.

        Args:
            path: the ONNX file.
            device: ``auto``, ``cpu`` or ``cuda``.
            imgsz: pixels of the longer side; 0 for what the file says, or 64 where it takes any.
            sha256: its hash, where that is known already; "" to find it.

        Raises:
            GanbenchError: no such file, not ONNX, of a form that takes no images, of another size, or too large.
        """
        if not path.is_file():
            raise GanbenchError(f"{path}: no such file. Export a YOLO to ONNX, or use the detector yolo-nano")
        self._path = path
        self.sha256 = sha256 or onnx_hash(path)
        with wall(lambda why: GanbenchError(f"{path}: not an ONNX file that ONNX Runtime can load ({why})")):
            self._session, self.note = open_file(str(path), device)
            inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
            self._metadata = dict(self._session.get_modelmeta().custom_metadata_map)
        self._input = _form(path, inputs)
        self._names = [output.name for output in outputs]
        self._wanted = self._names
        self.height, self.width = _size(path, self._input, imgsz)
        _check_memory(path, self.height, self.width, self._input)
        self.facts = Facts.of(self._metadata)
        self.bytes_bgr = False
        self._alone = False

    @property
    def takes_any_size(self) -> bool:
        """Whether height and width of the input are free."""
        return not self._input.height and not self._input.width

    @property
    def form(self) -> str:
        """What of its input is unusual, for the protocol; "" for nothing."""
        parts = [f"{self.height}x{self.width} input"] if self.height != self.width else []
        parts += {np.float16: ["float16"], np.uint8: ["uint8"]}.get(self._input.dtype, [])
        return ", ".join(parts)

    def probe(self, images: np.ndarray) -> np.ndarray:
        """Run on several images, find out which output holds the boxes, and whether images may go in together.

        Args:
            images: uint8 RGB (N, height, width, 3), N > 1, all different.

        Returns:
            The main output for them, float32 (N, A, B), or (M, A) where the boxes of all are in one list.

        Raises:
            GanbenchError: it does not run, or its outputs are none of a YOLO.
        """
        apart = []
        for image in images:
            outputs = self._call(image[None])
            if len(outputs) > 1:
                self._choose(outputs)
                outputs = [outputs[self._names.index(self._wanted[0])]]
            apart.append(self._boxes_of(outputs[0]))
        self._alone = False
        self._alone = not self._input.batch and not self._go_together(images, apart)
        rows = max(one.shape[-2] for one in apart)
        if apart[0].ndim == 3:  # lists of final boxes may differ in length
            apart = [np.pad(one[:1], ((0, 0), (0, rows - one.shape[1]), (0, 0))) for one in apart]
        return np.concatenate(apart)

    @property
    def together(self) -> int:
        """How many images may go in at once: as many as the file says, or fewer the larger they are."""
        if self._alone:
            return 1
        most = _BATCH_BYTES // (USUAL * self.height * self.width)
        return self._input.batch or max(1, min(_BATCH, most))

    def run(self, images: np.ndarray) -> list[np.ndarray]:
        """Run on letterboxed images, uint8 RGB (N, height, width, 3), N <= ``together``; one output (A, B) for each.

        Raises:
            GanbenchError: it does not run, takes too much memory, or does not answer for every image.
        """
        boxes = self._boxes_of(self._call(images)[0])
        if boxes.ndim == 2:
            if not np.isin(boxes[:, 0], np.arange(self.together)).all():
                raise GanbenchError(f"{self._path}: column 0 of its output is no number of an image: another layout")
            return [boxes[boxes[:, 0] == i] for i in range(len(images))]
        if len(boxes) < len(images):
            raise GanbenchError(f"{self._path}: {len(images)} images gave {len(boxes)} answers. Export it again")
        return list(boxes[: len(images)])

    def _call(self, images: np.ndarray) -> list[np.ndarray]:
        """Run on at most as many images as go in together, and return the wanted outputs."""
        form = self._input
        if form.batch > len(images):
            images = np.concatenate([images, np.full((form.batch - len(images), *images.shape[1:]), GRAY, np.uint8)])
        x = images[..., ::-1] if self.bytes_bgr else images
        if not form.channels_last:
            x = x.transpose(0, 3, 1, 2)
        if form.dtype is not np.uint8:
            x = x.astype(np.float32) if self.bytes_bgr else x.astype(np.float32) / np.float32(255)
        try:
            feed = {form.name: np.ascontiguousarray(x, form.dtype)}
            return run_within(self._session, self._wanted, feed, PATIENCE)
        except TimeoutError as e:
            raise GanbenchError(
                f"{self._path}: the network was stopped: {self.height}x{self.width} pixels took longer than "
                f"{PATIENCE:g} seconds. It may hold a loop without an end; if it is only slow, use a smaller "
                "--imgsz, or export it smaller"
            ) from e
        except Exception as e:  # ONNX Runtime has no public base class for its errors
            where = f"{self._path}: the network does not run on {self.height}x{self.width} pixels"
            if any(words in str(e) for words in _OUT_OF_MEMORY):
                raise GanbenchError(
                    f"{where}: it takes more than {budget() >> 20} MB of memory. Use a smaller --imgsz, or raise the "
                    f"budget: {VARIABLE}=4G"
                ) from e
            raise GanbenchError(f"{where}: {reason(e)}") from e

    def _choose(self, outputs: list[np.ndarray]) -> None:
        """Choose the output that holds the boxes: the only table among others, such as mask prototypes or raw heads.

        Raises:
            GanbenchError: none is, or several are.
        """
        tables = [i for i, one in enumerate(outputs) if one.ndim == 3 or (one.ndim == 2 and one.shape[1] == 7)]
        if len(tables) != 1:
            shapes = ", ".join(str(one.shape) for one in outputs[:8])
            raise GanbenchError(
                f"{self._path}: its outputs have the shapes {shapes}; of a YOLO, one is (images, boxes, values) or "
                "(images, values, boxes). Export the whole network with its decoding (YOLOv5: without --train), and "
                "without plug-ins for suppression"
            )
        pictures = [one for one in outputs if one.ndim == 4]
        masks = pictures[0].shape[1] if len(pictures) == 1 else 0
        self._wanted = [self._names[tables[0]]]
        self.facts = Facts.of(self._metadata, masks)

    def _boxes_of(self, output: object) -> np.ndarray:
        if not isinstance(output, np.ndarray) or output.dtype.kind != "f" or output.ndim not in (2, 3):
            shape = output.shape if isinstance(output, np.ndarray) else type(output).__name__
            kind = f" of {output.dtype}" if isinstance(output, np.ndarray) else ""
            raise GanbenchError(
                f"{self._path}: its output is {shape}{kind}, and fits no YOLO layout: those are numbers in floating "
                "point, (images, boxes, values) or (images, values, boxes). Export the whole network with its decoding "
                "(YOLOv5: without --train)"
            )
        return output.astype(np.float32, copy=False)

    def _go_together(self, images: np.ndarray, apart: list[np.ndarray]) -> bool:
        """Tell whether several images at once are answered as each is alone; some exports only say so."""
        if apart[0].ndim == 2 or self.together == 1:
            return False
        try:
            together = self._boxes_of(self._call(images)[0])
        except GanbenchError:
            return False
        return len(together) == len(images) and all(
            alone.shape[1:] == one.shape and np.allclose(alone[0], one, rtol=1e-2, atol=1e-2, equal_nan=True)
            for alone, one in zip(apart, together, strict=True)
        )


def _form(path: Path, inputs: list[Any]) -> _Input:
    """Read the form of the input.

    Raises:
        GanbenchError: several inputs, or one that takes no images.
    """
    if len(inputs) != 1:
        names = ", ".join(repr(one.name) for one in inputs[:5])
        raise GanbenchError(f"{path}: it has {len(inputs)} inputs ({names}); a YOLO export takes images alone")
    shape, dtype = inputs[0].shape, _TYPES.get(inputs[0].type)
    sides = [side if isinstance(side, int) and side > 0 else 0 for side in shape]
    channels_last = len(shape) == 4 and sides[3] == 3 and sides[1] != 3
    if dtype is None or len(shape) != 4 or (not channels_last and sides[1] not in (0, 3)):
        raise GanbenchError(
            f"{path}: its input is {inputs[0].type} {shape}; a YOLO export takes float32, float16 or uint8 of shape "
            "(N, 3, H, W) or (N, H, W, 3)"
        )
    height, width = sides[1:3] if channels_last else sides[2:]
    return _Input(inputs[0].name, dtype, sides[0], height, width, channels_last)


def _size(path: Path, form: _Input, imgsz: int) -> tuple[int, int]:
    """Return height and width of what goes in.

    Raises:
        GanbenchError: not what the file was exported for.
    """
    longer = max(form.height, form.width)
    if form.height and form.width and imgsz not in (0, longer):
        raise GanbenchError(f"{path}: exported for {form.height}x{form.width} images: use --imgsz {longer}")
    if imgsz and imgsz < longer:
        raise GanbenchError(f"{path}: one side is {longer} pixels in the export: use --imgsz {longer}")
    size = imgsz or longer or SIZE
    if not longer and size % STEP:
        raise bad_setting("imgsz", size, f"a multiple of {STEP}, such as 64 or 640")
    return form.height or size, form.width or size


def _check_memory(path: Path, height: int, width: int, form: _Input) -> None:
    """Refuse a size for which the memory would not do, before any is taken.

    Raises:
        GanbenchError: with the largest size that would do.
    """
    pixels, bound = height * width * max(form.batch, 1), budget()
    if pixels * USUAL <= bound:
        return
    each = bytes_per_pixel(path, height, width)
    if pixels * each <= bound:
        return
    most = isqrt(int(bound / each / max(form.batch, 1))) // STEP * STEP
    advice = "export it smaller" if form.height or form.width else f"use --imgsz {most} or less"
    raise GanbenchError(
        f"{path}: {max(form.batch, 1)} x {height}x{width} pixels would take about {int(pixels * each) >> 20:,} MB, and "
        f"the budget here is {bound >> 20:,} MB: {advice}, or raise the budget: {VARIABLE}="
        f"{-(-int(pixels * each) >> 30)}G"
    )
