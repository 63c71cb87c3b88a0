"""YOLO exports of small convolutional networks with random weights: boxes and scores depend on the image."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

LANDMARKS, MASKS = 5, 8
STRIDES = (8, 16, 32)


class Head(nn.Module):
    """Convolutions down to strides 8, 16 and 32, and what a detector reads off them.

    The boxes are centres and sizes in pixels, around their cells; objectness and classes are told apart.
    """

    corner: Tensor
    step: Tensor

    def __init__(self, seed: int, side: int, classes: int, *, loud: bool = False) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.side, self.classes, self.loud = side, classes, loud
        widths = [3, 8, 16, 24, 24, 24]
        self.stem = nn.ModuleList(nn.Conv2d(a, b, 3, 2, 1) for a, b in pairwise(widths))
        self.tell = nn.ModuleList(nn.Conv2d(24, 3 * (5 + classes) + 32, 1) for _ in STRIDES)
        for one in self.parameters():
            fan = max(1, one[0].numel())
            one.data = torch.randn(one.shape, generator=generator) * (2 / fan) ** 0.5 if one.ndim > 1 else one * 0
        cells = [torch.stack(torch.meshgrid(*[torch.arange(side // s)] * 2, indexing="xy"), -1) for s in STRIDES]
        self.register_buffer("corner", torch.cat([one.reshape(-1, 2) for one in cells])[None].float())
        steps = [torch.full((1, (side // s) ** 2, 1), float(s)) for s in STRIDES]
        self.register_buffer("step", torch.cat(steps, 1))

    def raw(self, x: Tensor) -> Tensor:
        """Return what the last convolutions put out, (N, cells, values)."""
        found = []
        for i, layer in enumerate(self.stem):
            x = torch.relu(layer(x - 0.4 if i == 0 else x))
            if i >= 2:
                found.append(self.tell[i - 2](x).flatten(2).transpose(1, 2))
        return torch.cat(found, 1)

    def score(self, logits: Tensor) -> Tensor:
        """Return scores: of faces that are rare, or everywhere."""
        return torch.sigmoid(logits if self.loud else 6 * logits - 9)

    def parts(self, x: Tensor, anchor: int = 0) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return raw boxes, objectness and classes of one anchor, and the other values."""
        values, each = self.raw(x), 5 + self.classes
        own = values[..., anchor * each : (anchor + 1) * each]
        return own[..., :4], self.score(own[..., 4:5]), self.score(own[..., 5:]), values[..., 3 * each :]

    def boxes(self, raw: Tensor) -> Tensor:
        """Decode as YOLOv8 does: distances from the middle of the cell to the sides."""
        distances = nn.functional.softplus(raw) * self.step
        middle = (self.corner + 0.5) * self.step
        low, high = middle - distances[..., :2], middle + distances[..., 2:]
        return torch.cat([(low + high) / 2, high - low], -1)


Way = Callable[["Head", Tensor], Any]


def corners(boxes: Tensor) -> Tensor:
    """Turn centre and size into two corners."""
    return torch.cat([boxes[..., :2] - boxes[..., 2:] / 2, boxes[..., :2] + boxes[..., 2:] / 2], -1)


def v8(head: Head, x: Tensor) -> Tensor:
    raw, _, classes, _ = head.parts(x)
    return torch.cat([head.boxes(raw), classes], -1).transpose(1, 2)


def v8_more(kind: str) -> Way:
    def forward(head: Head, x: Tensor) -> Any:
        raw, _, classes, other = head.parts(x)
        boxes = head.boxes(raw)
        if kind == "pose":
            points = other[..., : 2 * LANDMARKS].reshape(*other.shape[:2], LANDMARKS, 2) * head.step[..., None]
            points = points + boxes[..., None, :2]
            seen = torch.sigmoid(other[..., 10 : 10 + LANDMARKS, None])
            other = torch.cat([points, seen], -1).flatten(2)
        elif kind == "obb":
            other = (torch.sigmoid(other[..., :1]) - 0.25) * np.pi
        else:
            other = other[..., :MASKS]
        table = torch.cat([boxes, classes, other], -1).transpose(1, 2)
        return table if kind != "seg" else (table, head.stem[1](head.stem[0](x))[:, :MASKS])

    return forward


def v5(head: Head, x: Tensor) -> Tensor:
    found = []
    for anchor in range(3):
        raw, objectness, classes, _ = head.parts(x, anchor)
        at = torch.sigmoid(raw)
        boxes = [(2 * at[..., :2] - 0.5 + head.corner) * head.step, (2 * at[..., 2:]) ** 2 * head.step * (1 + anchor)]
        found.append(torch.cat([*boxes, objectness, classes], -1))
    return torch.cat(found, 1)


def yolox(head: Head, x: Tensor) -> Tensor:
    raw, objectness, classes, _ = head.parts(x)
    boxes = [(raw[..., :2] + head.corner) * head.step, torch.exp(raw[..., 2:]) * head.step]
    return torch.cat([*boxes, objectness, classes], -1)


def yolox_raw(head: Head, x: Tensor) -> Tensor:
    raw, objectness, classes, _ = head.parts(x)
    return torch.cat([raw, objectness, classes], -1)


def rtdetr(head: Head, x: Tensor) -> Tensor:
    table = v8(head, x).transpose(1, 2)
    best = table[..., 4:].amax(-1).topk(300 if table.shape[1] > 300 else 50).indices[..., None]
    chosen = table.gather(1, best.expand(-1, -1, table.shape[2]))
    return torch.cat([(chosen[..., :4] / head.side).clamp(0, 1), chosen[..., 4:]], -1)


def end2end(head: Head, x: Tensor) -> Tensor:
    table = v8(head, x).transpose(1, 2)
    scores, number = table[..., 4:].max(-1, keepdim=True)
    best = scores[..., 0].topk(min(300, table.shape[1])).indices[..., None]
    rows = torch.cat([corners(table[..., :4]), scores, number.float()], -1)
    return rows.gather(1, best.expand(-1, -1, 6))


def flat(head: Head, x: Tensor) -> Tensor:
    rows = end2end(head, x)[0]
    rows = rows[rows[:, 4] > 0.02]
    return torch.cat([rows[:, :1] * 0, rows[:, :4], rows[:, 5:], rows[:, 4:5]], -1)


def undecoded(head: Head, x: Tensor) -> Tensor:
    """YOLOv5 whose boxes are shares of their cells."""
    parts = [head.parts(x, anchor) for anchor in range(3)]
    return torch.cat([torch.cat([torch.sigmoid(raw), *scores], -1) for raw, *scores, _ in parts], 1)


def v6(head: Head, x: Tensor) -> Tensor:
    table = v8(head, x).transpose(1, 2)
    return torch.cat([table[..., :4], torch.ones_like(table[..., :1]), table[..., 4:]], -1)


def changed(way: Way, change: Callable[[Tensor, Tensor], list[Tensor]]) -> Way:
    """Put out other boxes or scores; boxes first, and what changes them gets both."""

    def forward(head: Head, x: Tensor) -> Tensor:
        table = way(head, x)
        return torch.cat(change(table[..., :4], table[..., 4:]), -1)

    return forward


def turned(way: Way) -> Way:
    """Put out (N, values, boxes) in place of (N, boxes, values)."""
    return lambda head, x: way(head, x).transpose(1, 2)


def best_of_v8(head: Head, x: Tensor) -> tuple[Tensor, Tensor]:
    """Return the boxes of YOLOv8 and their scores, as they are meant."""
    table = v8(head, x).transpose(1, 2)
    return table[..., :4], table[..., 4:].amax(-1)


def best_with_objectness(way: Way) -> Callable[[Head, Tensor], tuple[Tensor, Tensor]]:
    """Return what gives boxes and scores of a family with an objectness, as they are meant."""

    def best(head: Head, x: Tensor) -> tuple[Tensor, Tensor]:
        table = way(head, x)
        return table[..., :4], table[..., 4] * table[..., 5:].amax(-1)

    return best
