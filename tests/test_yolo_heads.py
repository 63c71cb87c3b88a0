"""Layouts of networks with random weights, whose boxes depend on the image: right, asked for, or refused."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch
from torch import Tensor
from yolo_heads import (
    Head,
    Way,
    best_of_v8,
    best_with_objectness,
    changed,
    corners,
    end2end,
    flat,
    rtdetr,
    turned,
    undecoded,
    v5,
    v6,
    v8,
    v8_more,
    yolox,
    yolox_raw,
)

from ganbench.detectors.evidence import find_layout
from ganbench.detectors.layouts import Layout, as_table
from ganbench.detectors.yolo import _probes
from ganbench.errors import GanbenchError
from ganbench.toyfaces import toyfaces

pytestmark = pytest.mark.slow

SIDE = 64
first = turned(v8)  # boxes first
as_corners = {"change": lambda boxes, scores: [corners(boxes), scores]}
as_shares = {"change": lambda boxes, scores: [boxes / SIDE, scores]}
as_logits = {"change": lambda boxes, scores: [boxes, torch.logit(scores, 1e-6)]}
READ = {
    "v8": v8,
    "v8 boxes first": first,
    "v8-pose": v8_more("pose"),
    "v8-obb": v8_more("obb"),
    "v5": v5,
    "v6": v6,
    "yolox": yolox,
    "yolox-raw": yolox_raw,
    "end2end": end2end,
    "class numbers from 1": changed(end2end, lambda boxes, rest: [boxes, rest[..., :1], rest[..., 1:] + 1]),
    "filled up": lambda head, x: end2end(head, x) * (end2end(head, x)[..., 4:5] > 0.02),
    "v8 in shares": turned(changed(first, **as_shares)),
    "v8 boxes first, in shares": changed(first, **as_shares),
    "v5 in shares": changed(v5, **as_shares),
    "end2end in shares": changed(end2end, **as_shares),
}
REFUSED = {
    "v5 turned": turned(v5),
    "yolox-raw turned": turned(yolox_raw),
    "rtdetr": rtdetr,
    "v8 corners": turned(changed(first, **as_corners)),
    "v8 boxes first, corners": changed(first, **as_corners),
    "v5 corners": changed(v5, **as_corners),
    "yolox corners": changed(yolox, **as_corners),
    "v8 logits": turned(changed(first, **as_logits)),
    "v8 boxes first, logits": changed(first, **as_logits),
    "v5 logits": changed(v5, **as_logits),
    "yolox logits": changed(yolox, **as_logits),
    "scores first": turned(changed(first, lambda boxes, scores: [scores, boxes])),
    "v5 undecoded": undecoded,
    "class before score": changed(end2end, lambda boxes, rest: [boxes, rest.flip(-1)]),
    "end2end of centres": changed(
        end2end, lambda boxes, rest: [(boxes[..., :2] + boxes[..., 2:]) / 2, boxes[..., 2:] - boxes[..., :2], rest]
    ),
}
HEADS = [(seed, classes, loud) for seed in range(2) for classes in (1, 2) for loud in (False, True)]


def tensor(pixels: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(pixels.transpose(0, 3, 1, 2))).float() / 255


def looked_at() -> Tensor:
    """Return faces, noise and plain images."""
    rng = np.random.default_rng(3)
    plain = np.broadcast_to(rng.integers(0, 256, (4, 1, 1, 3), np.uint8), (4, SIDE, SIDE, 3))
    noise = rng.integers(0, 256, (4, SIDE, SIDE, 3), np.uint8)
    return tensor(np.concatenate([np.stack([face for _, face in toyfaces(16, seed=9)]), noise, plain]))


def is_right(kind: str, head: Head, way: Way, layout: Layout, x: Tensor) -> bool:
    """Tell whether a layout gives the best box of each image and its score."""
    objectness = next((one for name, one in (("v5", v5), ("yolox", yolox)) if kind.startswith(name)), None)
    boxes, scores = (best_with_objectness(objectness) if objectness else best_of_v8)(head, x)
    try:
        found = layout.boxes_and_scores(as_table(way(head, x).numpy(), layout), SIDE, SIDE)
    except GanbenchError:
        return False
    best, truth = found[1].max(-1, keepdims=True), scores.numpy().max(-1, keepdims=True)
    same_scores = np.allclose(best, truth, atol=0.02 if kind == "filled up" else 1e-4)
    if "obb" in kind or not same_scores:  # turned boxes are given as the upright ones around them
        return same_scores
    return all(
        np.abs(boxes[i].numpy() - found[0][i, found[1][i].argmax()]).max(-1)[scores[i].numpy() > truth[i] - 1e-4].min()
        < 0.1
        for i in range(len(x))
        if truth[i] > 0.02
    )


def outcome(kind: str, way: Way, seed: int, classes: int, loud: bool) -> str:
    """Return ``right``, ``asked`` where the truth is among the choices, ``refused``, or what is wrong."""
    head = Head(seed, SIDE, classes, loud=loud)
    with torch.no_grad():
        output, images = way(head, tensor(_probes(SIDE, SIDE))).numpy(), looked_at()
        try:
            layout = find_layout(output, SIDE, SIDE, "net")
        except GanbenchError as e:
            if "in more than one way" not in str(e):
                return "refused"
            choices = re.findall(r"--layout ([\w:-]+)", str(e))
            layouts = [find_layout(output, SIDE, SIDE, "net", asked=choice) for choice in choices]
            right = any(is_right(kind, head, way, one, images) for one in layouts)
            return "asked" if right else f"asked in vain: {choices}"
        return "right" if is_right(kind, head, way, layout, images) else f"wrong: {layout}"


@pytest.mark.parametrize("kind", list(READ))
def test_what_can_be_read_is_right_or_asked_for(kind: str) -> None:
    found = {head: outcome(kind, READ[kind], *head) for head in HEADS}
    assert set(found.values()) <= {"right", "asked"}, found


@pytest.mark.parametrize("kind", list(REFUSED))
def test_what_cannot_be_read_is_refused(kind: str) -> None:
    found = {head: outcome(kind, REFUSED[kind], *head) for head in HEADS}
    assert set(found.values()) == {"refused"}, found


def test_scores_everywhere_are_asked_for_in_any_order() -> None:
    """YOLOX with its values first, which no tool writes, where its scores show that they are none of classes."""
    for seed, classes, _ in HEADS:
        assert outcome("yolox", turned(yolox), seed, classes, loud=True) == "asked"


def test_lists_of_all_images() -> None:
    for seed, classes, loud in HEADS:
        head, images = Head(seed, SIDE, classes, loud=loud), tensor(_probes(SIDE, SIDE))
        with torch.no_grad():
            lists = [flat(head, image[None]).numpy() for image in images]
            _, scores = best_of_v8(head, images)
        if any(map(len, lists)):
            layout = find_layout(np.concatenate(lists), SIDE, SIDE, "net")
            best = [layout.boxes_and_scores(one, SIDE, SIDE)[1].max(initial=0) for one in lists]
            np.testing.assert_allclose(best, np.where(scores.amax(-1) > 0.02, scores.amax(-1), 0), rtol=1e-5)
