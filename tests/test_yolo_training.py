"""The scripts that made yolo-nano: votes, loss, scenes, and a training that resumes to the same bits."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from ganbench.detectors.evidence import find_layout

FOLDER = Path(__file__).resolve().parent.parent / "detectors"
sys.path[:0] = [str(FOLDER), str(FOLDER / "yolo-nano")]
import labels
import network
import nonfaces
import scenes
import train
import untouched_nonfaces


def _pools(rng: np.random.Generator) -> tuple[scenes.Pool, scenes.Pool]:
    images = rng.integers(0, 256, (24, 64, 64, 3), dtype=np.uint8)
    boxes = np.tile(np.array([10.0, 8, 54, 56]), (12, 1))
    return scenes.Pool(images[:12], boxes), scenes.Pool(images[12:], np.full((12, 4), np.nan))


def test_intersection_over_union() -> None:
    a = np.array([0.0, 0, 10, 10])
    assert labels.iou(a, a) == 1
    assert labels.iou(a, a + 20) == 0
    assert labels.iou(a, np.array([5.0, 0, 15, 10])) == pytest.approx(50 / 150)


def test_votes_that_disagree_are_no_label() -> None:
    box = np.array([10.0, 10, 50, 50])
    assert labels.merge([box]) is None
    assert labels.merge([box, box + 30]) is None
    np.testing.assert_allclose(labels.merge([box, box + 2, box + 60]), box + 1)


def test_generalised_iou_against_its_definition() -> None:
    a, b = torch.tensor([[0.0, 0, 2, 2]]), torch.tensor([[4.0, 0, 6, 2]])
    # No overlap; hull 6x2 = 12, union 8: 0 - 4/12.
    assert network.generalised_iou(a, b).item() == pytest.approx(-1 / 3)
    assert network.generalised_iou(a, a).item() == pytest.approx(1)


def test_loss_is_small_where_the_network_is_right_and_large_where_it_is_wrong() -> None:
    box = torch.tensor([[16.0, 16, 48, 48]])
    right = []
    for stride, side in zip(network.STRIDES, (8, 4), strict=True):
        centre = network.centres(side, side, stride, torch.device("cpu"))
        distances = torch.stack([centre[0] - 16, centre[1] - 16, 48 - centre[0], 48 - centre[1]]).clamp(min=1e-3)
        near = ((centre - 32).abs() <= network.RADIUS * stride).all(0)
        logit = torch.where(near, 12.0, -12.0)
        right.append(torch.cat([(distances / stride).log(), logit[None]])[None])
    score, boxes = network.loss(right, [box])
    assert score.item() < 1e-8
    assert boxes.item() < 1e-5
    wrong, _ = network.loss([torch.cat([r[:, :4], -r[:, 4:]], 1) for r in right], [box])
    assert wrong.item() > 100
    empty, no_boxes = network.loss(right, [torch.empty(0, 4)])
    assert empty.item() > 10
    assert no_boxes.item() == 0


def test_every_face_size_belongs_to_a_grid() -> None:
    for side in (6.0, 24.0, 32.0, 40.0, 160.0):
        assert any(low <= side < high for low, high in network.RANGES)


@pytest.mark.slow
def test_the_network_is_small_and_its_export_is_read_as_a_yolo(tmp_path: Path) -> None:
    torch.manual_seed(0)
    net = network.YoloNano().eval()
    assert sum(p.numel() for p in net.parameters()) < 1_000_000
    train.export(net, tmp_path / "net.onnx")
    assert (tmp_path / "net.onnx").stat().st_size < 3_000_000
    session = onnxruntime.InferenceSession(str(tmp_path / "net.onnx"))
    for n, height, width in ((1, 64, 64), (3, 96, 160)):
        x = torch.rand(n, 3, height, width)
        (got,) = session.run(None, {"images": x.numpy()})
        with torch.no_grad():
            np.testing.assert_allclose(got, net(x).numpy(), rtol=1e-4, atol=1e-3)
        assert find_layout(got[:1], height, width, "net").strides == (8, 16)


def test_scenes_keep_their_boxes_inside_and_depend_on_the_seed_alone(rng: np.random.Generator) -> None:
    faces, others = _pools(rng)
    for make in (scenes.single, scenes.scenes):
        images, boxes = make(faces, others, 8, np.random.default_rng(3))
        again, _ = make(faces, others, 8, np.random.default_rng(3))
        np.testing.assert_array_equal(images, again)
        everything = np.concatenate(boxes)
        assert len(everything)
        assert (everything >= 0).all()
        assert (everything <= images.shape[1]).all()
        assert (everything[:, 2:] > everything[:, :2]).all()
    _, boxes = scenes.single(faces, others, 8, np.random.default_rng(3))
    assert [len(b) for b in boxes] == [1, 0] * 4


@pytest.mark.slow
def test_a_killed_training_goes_on_to_the_same_bits(
    tmp_path: Path, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    faces, others = _pools(rng)
    monkeypatch.setattr(train, "BATCH", 8)
    monkeypatch.setattr(train, "SCENES", 2)
    for name in ("whole", "killed"):
        (tmp_path / name).mkdir()
    whole = train.train(faces, others, tmp_path / "whole", steps=6, save_every=2)
    make_batch = train.make_batch

    def killed(faces: scenes.Pool, others: scenes.Pool, step: int, seed: int):
        if step == 5:
            raise KeyboardInterrupt
        return make_batch(faces, others, step, seed)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(train, "make_batch", killed)
        train.train(faces, others, tmp_path / "killed", steps=6, save_every=2)
    resumed = train.train(faces, others, tmp_path / "killed", steps=6, save_every=2)
    for a, b in zip(whole.state_dict().values(), resumed.state_dict().values(), strict=True):
        assert torch.equal(a, b)


KINDS = nonfaces.TRAINED | nonfaces.UNSEEN | untouched_nonfaces.UNTOUCHED


@pytest.mark.parametrize("kind", KINDS)
def test_nonfaces_are_images_that_depend_on_the_seed_alone(kind: str, rng: np.random.Generator) -> None:
    make = KINDS[kind]
    faces = rng.integers(0, 256, (24, 64, 64, 3), dtype=np.uint8)
    first, second = (make(faces.copy(), np.random.default_rng(5)) for _ in range(2))
    assert first.dtype == np.uint8
    assert first.shape == faces.shape
    np.testing.assert_array_equal(first, second)
    assert not (first == faces).all((1, 2, 3)).any()


def test_no_kind_stands_in_two_lists() -> None:
    assert len(KINDS) == len(nonfaces.TRAINED) + len(nonfaces.UNSEEN) + len(untouched_nonfaces.UNTOUCHED)
