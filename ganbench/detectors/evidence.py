"""Which layout an output has: every reading that its shape allows is weighed by what the values can and cannot be.

A shape alone does not tell: at 64 pixels, a list of final boxes is as long as YOLOX's grid has cells, and a column of
angles or landmarks stands where another network has the score of a class. So a network is run on several images, and a
reading is dropped for what it makes impossible (a score of 32), or decided by what cannot be coincidence (84 scores in
falling order). Where two readings are left, the user is asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from ganbench.detectors.facts import TASKS, Facts
from ganbench.detectors.grids import FITS, SURE
from ganbench.detectors.layouts import FACE_LANDMARKS, FAMILIES, STRIDES, Layout, as_table, count_cells
from ganbench.detectors.readings import in_shares, weigh
from ganbench.errors import GanbenchError

_MOST_COLUMNS = 1 << 14  # of a box; the largest known networks tell some thousand classes apart
_WITH_LANDMARKS = ("yolov8-pose", "yolov7-face")  # behind the classes, in any number
_MOST_LANDMARKS = 1 << 10  # columns that may be landmarks; whole bodies take some hundred


def check_choice(text: str) -> tuple[str, int]:
    """Return family and number of classes (0: whatever fits) of a ``--layout``.

    Raises:
        GanbenchError: no such layout.
    """
    family, colon, classes = text.partition(":")
    number = int(classes) if classes.isascii() and classes.isdigit() and len(classes) < 6 else 0
    if family not in FAMILIES or (colon and not (number and FAMILIES[family].per_cell)):
        raise GanbenchError(
            f"--layout {text[:60]}: expected one of {', '.join(FAMILIES)}; those that have classes may be followed by "
            "their number, as in yolov8:2"
        )
    return family, number


def find_layout(
    output: np.ndarray, height: int, width: int, label: str, facts: Facts = Facts(), asked: str = ""
) -> Layout:
    """Tell the layout of an output that the network gave for several different images.

    Args:
        output: float (N, A, B), N images; or (M, A) where the boxes of all images are in one list.
        height: input height, pixels.
        width: input width, pixels.
        label: the network, for messages.
        facts: what the file says of itself.
        asked: the layout that the user names; "" to decide by the values.

    Raises:
        GanbenchError: no known layout, values that no detector puts out, or two readings that fit.
    """
    shape = output.shape if output.ndim == 2 else (1, *output.shape[1:])
    what = f"{label}: an output of shape {shape} for a {height}x{width} image"
    if not np.isfinite(output).all():
        raise GanbenchError(f"{what} is not finite, so its scores are not between 0 and 1")
    named = check_choice(asked) if asked else None
    possible = list(_possible(shape, height, width, facts, named))
    left = _told(possible, facts, named)
    if not left:
        raise GanbenchError(f"{what} {_nothing(shape, height, width, facts, asked, possible)}")
    told = bool(facts.classes and facts.task) or facts.final
    if named is not None:  # landmarks without a number of classes begin where the values say
        told = bool(named[1] or facts.classes or named[0] not in _WITH_LANDMARKS)
    readings = [weigh(layout, as_table(output, layout), height, width, told=told) for layout in left]
    fit = [r.layout for r in readings if r.weight == SURE] or [r.layout for r in readings if r.weight == FITS]
    if not fit:
        why = "; ".join(f"as {r.layout.choice}, {r.against}" for r in readings[:4])
        said = f"; the file says of itself: {facts}" if str(facts) else ""
        raise GanbenchError(f"{what} fits no YOLO layout: read {why}{said}. {_remedy(asked)}")
    if len(fit) > 1:
        choices = " or ".join(f"--layout {layout.choice}" for layout in fit)
        raise GanbenchError(
            f"{what} can be read in more than one way, and the wrong one would give a wrong AFD. Say what the network "
            f"is: {choices}"
        )
    return replace(fit[0], shares=in_shares(fit[0], as_table(output, fit[0])))


def _possible(
    shape: tuple[int, ...], height: int, width: int, facts: Facts, named: tuple[str, int] | None
) -> Iterator[Layout]:
    """Yield every layout of an output of this shape."""
    if len(shape) == 2 and shape[1] == 7:
        yield Layout("end2end-flat", 0)
    if len(shape) != 3:
        return
    for family, kind in FAMILIES.items():
        if family == "end2end-flat":
            continue
        rows, values = (shape[2], shape[1]) if kind.values_first else (shape[1], shape[2])
        strides = next((s for s in STRIDES if kind.per_cell * count_cells(height, width, s) == rows), ())
        if values <= _MOST_COLUMNS and (strides or not kind.per_cell):
            for classes, extra in _columns(family, values, facts, named):
                yield Layout(family, classes, strides, extra)


def _columns(family: str, values: int, facts: Facts, named: tuple[str, int] | None) -> Iterator[tuple[int, int]]:
    """Yield how many of so many values per box are classes, and how many are neither box nor score."""
    kind = FAMILIES[family]
    rest = values - (5 if kind.objectness else 4)
    if not kind.per_cell:
        if rest >= 2 and (family == "end2end-obb") == (rest == 3):
            yield 0, rest - 2
        return
    stated = (named[1] if named is not None and named[0] == family else 0) or facts.classes
    if family == "yolov8-obb":
        splits = [(rest - 1, 1)]
    elif family == "yolov5-face":
        splits = [(rest - FACE_LANDMARKS, FACE_LANDMARKS)]
    elif family.endswith("-seg"):
        masks = facts.masks or (rest - stated if stated else 0)
        splits = [(rest - masks, masks)] if masks else []
    elif family in _WITH_LANDMARKS:
        starts = [stated] if stated else range(max(1, rest - _MOST_LANDMARKS), rest - 1)
        splits = [(classes, rest - classes) for classes in starts]
    else:
        splits = [(rest, 0)]
    yield from ((classes, extra) for classes, extra in splits if classes > 0 and extra >= 0)


def _told(possible: list[Layout], facts: Facts, named: tuple[str, int] | None) -> list[Layout]:
    """Return those that the user's choice, the file's metadata and its second output leave."""
    if named is not None:
        family, classes = named
        return [one for one in possible if one.family == family and classes in (0, one.classes)]
    left = [one for one in possible if not facts.classes or one.classes in (0, facts.classes)]
    if facts.final:
        left = [one for one in left if not one.kind.per_cell]
    if facts.task:
        left = [one for one in left if one.family in TASKS.get(facts.task, ())]
    if facts.masks:
        final = [one for one in left if one.family == "end2end" and one.extra == facts.masks]
        return final + [one for one in left if one.family.endswith("-seg")]
    if facts.landmarks:
        left = [one for one in left if one.extra == facts.landmarks]
    return [one for one in left if facts.task == "segment" or not one.family.endswith("-seg")]


def _nothing(shape: tuple[int, ...], height: int, width: int, facts: Facts, asked: str, possible: list[Layout]) -> str:
    """Say why the shape allows no layout, or none that the file or the user names."""
    if asked:
        known = ", ".join(dict.fromkeys(one.choice for one in possible[:8])) or "nothing"
        return f"is not in the layout of --layout {asked}. By its shape it could be: {known}"
    if possible and (str(facts) or facts.masks):
        said = str(facts) or f"a second output with {facts.masks} masks"
        return (
            f"does not fit what the file says of itself ({said}). If you know better, name its layout: --layout "
            f"{possible[0].choice}"
        )
    if len(shape) not in (2, 3):
        return (
            "is none of a YOLO, which puts out (images, boxes, values) or (images, values, boxes). Export the whole "
            "network with its decoding (YOLOv5: without --train), and without plug-ins"
        )
    cells = count_cells(height, width, STRIDES[0])
    return (
        f"fits no YOLO layout: for strides 8/16/32 there would be {cells} boxes, or three times as many. {_remedy('')}"
    )


def _remedy(asked: str) -> str:
    if asked:
        return "Leave --layout out, or name another"
    return (
        "Export it with its own tool, as a plain detector, with its decoding: boxes as centre and size, scores after "
        "the sigmoid. What is no YOLO, such as RT-DETR, is not read"
    )
