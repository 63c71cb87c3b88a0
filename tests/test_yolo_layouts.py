"""Layouts of detectors told from constructed outputs: the truth, or a question, and never another layout."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
import pytest
from yolo_outputs import Made, Maker

from ganbench.detectors.evidence import check_choice, find_layout
from ganbench.detectors.facts import Facts
from ganbench.detectors.layouts import FAMILIES, Layout, as_table
from ganbench.errors import GanbenchError

SIZES = [(32, 32), (64, 64), (64, 128), (96, 96), (160, 96), (256, 256), (320, 320)]
KINDS = {
    "yolov8": lambda make: make.yolov8("detect", noted=False),
    "yolov8 noted": lambda make: make.yolov8("detect", noted=True),
    "yolov8-pose": lambda make: make.yolov8("pose", noted=False),
    "yolov8-pose noted": lambda make: make.yolov8("pose", noted=True),
    "yolov8-pose of two values": lambda make: make.yolov8("pose2", noted=False),
    "yolov8-pose in shares, noted": lambda make: make.yolov8("pose-shares", noted=True),
    "yolov8-obb": lambda make: make.yolov8("obb", noted=False),
    "yolov8-obb noted": lambda make: make.yolov8("obb", noted=True),
    "yolov8-seg noted": lambda make: make.yolov8("segment", noted=True),
    "yolov5": lambda make: make.yolov5("detect"),
    "yolov5-face": lambda make: make.yolov5("face"),
    "yolov7-face": lambda make: make.yolov5("face7"),
    "yolox": lambda make: make.yolox("decoded"),
    "yolox-raw": lambda make: make.yolox("raw"),
    "yolov6": lambda make: make.yolox("yolov6"),
    "end2end": lambda make: make.final("plain"),
    "end2end of nms": lambda make: make.final("nms"),
    "end2end pose": lambda make: make.final("pose"),
    "end2end segment": lambda make: make.final("segment"),
    "end2end-obb": lambda make: make.final("obb"),
    "end2end-flat": lambda make: make.final("flat"),
}


def decoded(made: Made, layout: Layout, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the best score of each image, and the best box of the first."""
    if made.output.ndim == 2:
        tables = [made.output[made.output[:, 0] == i] for i in range(len(made.best))]
    else:
        tables = list(as_table(made.output, layout))
    read = [layout.boxes_and_scores(table, height, width) for table in tables]
    best = np.array([scores.max(initial=0) for _, scores in read])
    boxes, scores = read[0]
    return best, boxes[scores.argmax()]


def check(made: Made, layout: Layout, height: int, width: int) -> None:
    best, box = decoded(made, layout, height, width)
    faces = made.best > 0
    np.testing.assert_allclose(best[faces], made.best[faces], rtol=1e-5)
    assert (best[~faces] < 0.05).all()
    if layout.kind.box != "turned":
        np.testing.assert_allclose(box, made.box, rtol=1e-3, atol=1e-3)


def answer(kind: str, made: Made, height: int, width: int) -> str:
    """Return what a user answers to the question that must come for YOLOX; "" for what is told without one."""
    if kind != "yolox":
        return ""
    classes = made.output.shape[2] - 5
    question = rf"--layout yolov8-transposed:{classes + 1} or --layout yolox:{classes}$"
    with pytest.raises(GanbenchError, match=question):
        find_layout(made.output, height, width, "net", made.facts)
    return f"yolox:{classes}"


@pytest.mark.parametrize("kind", list(KINDS))
def test_real_outputs_are_read_as_they_were_made(kind: str) -> None:
    for seed, (height, width) in enumerate(SIZES * 2):
        for classes in (1, 2, 5, 80)[seed % 2 :: 2]:
            made = KINDS[kind](Maker(seed, height, width, classes))
            layout = find_layout(made.output, height, width, "net", made.facts, answer(kind, made, height, width))
            assert layout.family == kind.split()[0].rstrip(","), (seed, height, width, classes, layout)
            check(made, layout, height, width)


@pytest.mark.parametrize("kind", ["pose-shares", "pose", "pose2", "obb", "segment"])
def test_columns_that_look_like_classes_are_asked_for(kind: str) -> None:
    """Landmarks in shares of the image, angles in 0..1, masks without their prototypes: never classes."""
    for seed in range(5):
        for height, width in SIZES[:5]:
            made = Maker(seed, height, width, 1 + seed % 3).yolov8(kind, noted=False)
            output = made.output.copy()
            if kind == "obb":
                output[:, -1] = np.abs(output[:, -1]) / 3
            with suppress(GanbenchError):
                layout = find_layout(output, height, width, "net", Facts())
                check(Made(output, made.best, made.facts, made.box), layout, height, width)


def test_landmarks_in_shares_before_the_classes_are_asked_for() -> None:
    for seed in range(10):
        made = Maker(seed, 64, 64, 1).yolov5("face-shares")
        with pytest.raises(GanbenchError, match=r"--layout yolov5:11 or --layout yolov5-face:1"):
            find_layout(made.output, 64, 64, "net")
        check(made, find_layout(made.output, 64, 64, "net", asked="yolov5-face"), 64, 64)


@pytest.mark.parametrize("kind", list(KINDS))
def test_a_named_layout_is_the_truth_or_refused(kind: str) -> None:
    for classes in (1, 3):
        made = KINDS[kind](Maker(7, 64, 64, classes))
        truth = find_layout(made.output, 64, 64, "net", made.facts, answer(kind, made, 64, 64))
        assert find_layout(made.output, 64, 64, "net", made.facts, truth.choice) == truth
        wrong = "yolov5" if truth.kind.per_cell != 3 else "yolov8"
        with pytest.raises(GanbenchError, match="is not in the layout of --layout"):
            find_layout(made.output, 64, 64, "net", made.facts, wrong)


def test_an_output_that_goes_against_its_metadata_is_refused() -> None:
    made = Maker(0, 64, 64, 2).yolov8("detect", noted=False)
    for facts in (Facts("detect", 1), Facts("pose", 1, 15), Facts("classify", 1000), Facts(classes=7)):
        with pytest.raises(GanbenchError, match="the file says of itself"):
            find_layout(made.output, 64, 64, "net", facts)
    with pytest.raises(GanbenchError, match="a second output with 32 masks"):
        find_layout(made.output, 64, 64, "net", Facts(masks=32))


def test_scores_are_checked_on_every_image() -> None:
    made = Maker(0, 64, 64, 1).yolov8("detect", noted=False)
    layout = find_layout(made.output, 64, 64, "net")
    for wrong in (1.5, -0.2, np.nan):
        later = as_table(made.output, layout)[0].copy()
        later[17, 4] = wrong
        with pytest.raises(GanbenchError, match=r"scores are .* not between 0 and 1: it is another layout"):
            layout.boxes_and_scores(later, 64, 64)
    made = Maker(0, 64, 64, 1).final("plain")
    layout = find_layout(made.output, 64, 64, "net")
    later = made.output[0].copy()
    later[0, 5] = 0.5
    with pytest.raises(GanbenchError, match="the number of a class is not a whole number"):
        layout.boxes_and_scores(later, 64, 64)
    later = made.output[0][:, [2, 3, 0, 1, 4, 5]]
    with pytest.raises(GanbenchError, match="boxes are not corners in order"):
        layout.boxes_and_scores(later, 64, 64)


def test_noise_is_no_detector() -> None:
    """Whatever its shape: values of a network that finds no faces are refused, or asked about."""
    for seed in range(200):
        rng = np.random.default_rng(seed)
        shape = (3, *rng.permutation([84, int(rng.integers(4, 40))]))
        output = rng.normal(0, [1, 10][seed % 2], shape).astype(np.float32)
        with pytest.raises(GanbenchError):
            find_layout(output, 64, 64, "net")


def test_boxes_in_shares_of_the_image() -> None:
    made = Maker(1, 64, 128, 1).yolov8("detect", noted=False)
    output = made.output.copy()
    output[:, :4] /= np.array([128, 64, 128, 64])[None, :, None]
    layout = find_layout(output, 64, 128, "net")
    assert "boxes in shares of the image" in str(layout)
    check(Made(output, made.best, made.facts, made.box), layout, 64, 128)


@pytest.mark.parametrize("text", ["yolo", "yolov8:", "yolov8:0", "yolov8:x", "yolov8:1234567", "end2end:1", "yolov8:²"])
def test_choices_that_are_none(text: str) -> None:
    with pytest.raises(GanbenchError, match="--layout"):
        check_choice(text)
    assert check_choice("yolov8-pose:3") == ("yolov8-pose", 3)
    assert all(check_choice(family) == (family, 0) for family in FAMILIES)


def test_metadata() -> None:
    noted = {"names": "{0: 'face', 1: 'cat'}", "task": "pose", "kpt_shape": "[5, 3]", "end2end": "True"}
    assert Facts.of(noted) == Facts("pose", 2, 15, final=True)
    assert Facts.of({"names": "['face']", "args": "{'nms': True}"}, masks=32) == Facts("", 1, masks=32, final=True)
    for odd in ("", "{", "[" * 10_000, "-" * 100_000 + "1", "__import__('os')", "x" * (1 << 20), "3", "\x00"):
        assert Facts.of({"names": odd, "kpt_shape": odd, "args": odd, "task": odd[:9]}) == Facts(odd[:9].strip())
    for odd in ("[5]", "[5, -3]", "[5, 3.0]", "[True, 3]", "[10000, 3]", "{5: 3}"):
        assert Facts.of({"kpt_shape": odd}) == Facts()
