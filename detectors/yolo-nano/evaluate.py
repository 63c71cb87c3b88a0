"""Measure yolo-nano on images that it was not trained on, and write its card and contact sheets.

    python detectors/yolo-nano/evaluate.py --onnx work/yolo-nano.onnx --labels labels.npz --out work/ [--install]

Held out: the last 2,000 real faces, and non-faces of kinds that were not trained on. The threshold is chosen on half of
them, the error rates are measured on the other half. ``--install`` puts the network and its card in place.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import torch

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from labels import iou
from nonfaces import TRAINED, UNSEEN

from ganbench.detectors.calibration import area, roc
from ganbench.detectors.yolo import YoloDetector, YoloSettings
from ganbench.images.sheets import write_sheet
from ganbench.system.style import COLOURS, drawing, legend_below, save_figure
from ganbench.training.data import TrainingImages
from ganbench.training.recipe import load_recipe
from ganbench.training.sampling import sample
from ganbench.training.trainer import Trainer

HELD_OUT = 18_000  # images from here on were not trained on
FALSE_POSITIVES = 0.015  # what the threshold allows on unseen kinds of non-faces


def best_scores(detector: YoloDetector, images: np.ndarray) -> np.ndarray:
    """Return each image's best score, 0 without a box."""
    return np.array([d.scores.max(initial=0.0) for d in detector.detect(images)])


def one_epoch_dcgan(faces: np.ndarray) -> dict[str, np.ndarray]:
    """Return samples of an untrained DCGAN and of one after an epoch, with the assignment's settings at half width."""
    recipe = load_recipe("dcgan", "paper", ["model.width=32", "training.seed=77"])
    trainer = Trainer(recipe, torch.device("cpu"))
    untrained = np.concatenate(list(sample(trainer.sampler, 500, seed=1)))
    images = TrainingImages(faces, "", batch=recipe.training.batch, seed=7)
    for step in range(images.steps_per_epoch):
        trainer.train_step(images.load(step))
    return {
        "untrained DCGAN": untrained,
        "DCGAN, one epoch": np.concatenate(list(sample(trainer.sampler, 500, seed=1))),
    }


def scenes_of_several(faces: np.ndarray, boxes: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, list]:
    """Return 192x192 pictures with nine tiles, five to nine of them faces, and the boxes of these."""
    pictures, truth = [], []
    background = next(iter(UNSEEN.values()))(faces[:400], rng)
    for _ in range(100):
        count = int(rng.integers(5, 10))
        cells = rng.permutation(9)
        chosen = rng.choice(len(faces), count, replace=False)
        picture = cv2.resize(background[rng.integers(len(background))], (192, 192))
        own = []
        for cell, i in zip(cells, chosen, strict=False):
            top, left = (cell // 3) * 64, (cell % 3) * 64
            picture[top : top + 64, left : left + 64] = faces[i]
            own.append(boxes[i] + np.array([left, top, left, top]))
        pictures.append(picture)
        truth.append(np.array(own))
    return np.stack(pictures), truth


def scene_recall(detector: YoloDetector, pictures: np.ndarray, truth: list) -> tuple[float, float]:
    """Return the share of faces met by a box at 0.5 IoU, and false boxes per picture."""
    met = total = false = 0
    for found, boxes in zip(detector.detect(pictures), truth, strict=True):
        overlap = iou(found.boxes[:, None], boxes[None]) if len(found.boxes) else np.zeros((0, len(boxes)))
        met += int((overlap.max(0, initial=0) >= 0.5).sum())
        false += int((overlap.max(1, initial=0) < 0.5).sum())
        total += len(boxes)
    return met / total, false / len(pictures)


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--onnx", type=Path, required=True)
    parser.add_argument("--labels", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--install", action="store_true")
    args = parser.parse_args()
    with np.load(args.labels) as file:
        images, boxes = file["images"], file["boxes"]
    faces, face_boxes = images[HELD_OUT:], boxes[HELD_OUT:]
    rng = np.random.default_rng(99)
    loose = YoloDetector(args.onnx, "yolo-nano", YoloSettings(conf=0.001))
    unseen = {name: make(faces[:1000], rng) for name, make in UNSEEN.items()}
    scores = {name: best_scores(loose, pixels) for name, pixels in unseen.items()}
    chosen_on = np.concatenate([s[::2] for s in scores.values()])
    conf = round(float(np.quantile(chosen_on, 1 - FALSE_POSITIVES)) + 0.005, 2)
    conf = min(max(conf, 0.25), 0.9)
    settings = YoloSettings(conf=conf)
    detector = YoloDetector(args.onnx, "yolo-nano", settings)

    judged_on = {name: s[1::2] for name, s in scores.items()}
    nonfaces = np.concatenate(list(judged_on.values()))
    rows = _real_rows(detector, faces)
    rows += [(f"unseen kind: {name}", float((s >= conf).mean()), len(s)) for name, s in judged_on.items()]
    rows.append(("all unseen kinds", float(np.mean(nonfaces >= conf)), len(nonfaces)))
    for name, make in TRAINED.items():
        rows.append((f"trained kind: {name}", share(detector, make(faces[1000:1400], rng)), 400))
    rows.append(("noise", share(detector, rng.integers(0, 256, (500, 64, 64, 3), dtype=np.uint8)), 500))
    gans = one_epoch_dcgan(images[:HELD_OUT])
    rows += [(name, share(detector, pixels), len(pixels)) for name, pixels in gans.items()]
    lines = ["| images | share with a face | n |", "| --- | --- | --- |"]
    lines += [f"| {name} | {value:.3f} | {n} |" for name, value, n in rows]
    lines += ["", *_lines_on_boxes(detector, args.onnx, faces, face_boxes, rng)]
    print(f"conf {conf}", *lines, sep="\n")
    (args.out / "measured.md").write_text("\n".join(lines) + "\n", "utf-8")
    _sheets(args.out, detector, faces, unseen, gans)
    _curves(args.out, args.onnx.parent / "log.jsonl", best_scores(loose, faces), nonfaces, conf)
    card = {
        "sha256": hashlib.sha256(args.onnx.read_bytes()).hexdigest(),
        "settings": {"conf": conf, "iou": settings.iou, "imgsz": detector.settings.imgsz},
        "real": round(rows[0][1], 4),
        "nonfaces": round(float(np.mean(nonfaces >= conf)), 4),
        "bytes": args.onnx.stat().st_size,
    }
    print(json.dumps(card))
    if args.install:
        shutil.copyfile(args.onnx, HERE / "yolo-nano.onnx")
        shutil.copyfile(args.out / "curves.png", HERE / "curves.png")
        (HERE / "card.json").write_text(json.dumps(card, indent=2) + "\n", "utf-8")


def share(detector: YoloDetector, pixels: np.ndarray) -> float:
    """Return the share of images in which a face is found."""
    return float(np.mean([len(d.boxes) > 0 for d in detector.detect(pixels)]))


def _real_rows(detector: YoloDetector, faces: np.ndarray) -> list[tuple[str, float, int]]:
    """Return what is found in real faces of several sizes; those of their own come first."""
    rows = []
    for side in (64, 48, 128):
        how = cv2.INTER_AREA if side < 64 else cv2.INTER_CUBIC
        resized = faces if side == 64 else np.stack([cv2.resize(f, (side, side), interpolation=how) for f in faces])
        rows.append((f"real, held out, {side} px", share(detector, resized), len(faces)))
    return rows


def _lines_on_boxes(
    detector: YoloDetector, onnx: Path, faces: np.ndarray, face_boxes: np.ndarray, rng: np.random.Generator
) -> list[str]:
    """Return what is said of boxes, of pictures of several faces, and of speed."""
    both = [
        (d.boxes[np.argmax(d.scores)], b)
        for d, b in zip(detector.detect(faces), face_boxes, strict=True)
        if len(d.boxes) and not np.isnan(b[0])
    ]
    overlap = np.array([iou(found, label) for found, label in both])
    labelled = np.flatnonzero(~np.isnan(face_boxes[:, 0]))
    pictures, truth = scenes_of_several(faces[labelled], face_boxes[labelled], rng)
    large = YoloDetector(onnx, "yolo-nano", YoloSettings(conf=detector.settings.conf, imgsz=192))
    recall, false = scene_recall(large, pictures, truth)
    started = time.perf_counter()
    detector.detect(np.concatenate([faces[:1000]] * 2))
    speed = 2000 / (time.perf_counter() - started)
    return [
        f"Boxes against the cascade's where both find one: median IoU {np.median(overlap):.3f} (n = {len(overlap)}).",
        f"Pictures of 192 px with 5 to 9 faces: recall {recall:.3f} at 0.5 IoU, {false:.2f} false boxes per picture.",
        f"{speed:.0f} images/s at 64x64.",
    ]


def _curves(out: Path, log: Path, real: np.ndarray, fake: np.ndarray, conf: float) -> None:
    """Draw the losses over training, and the ROC curve on held-out images with the chosen threshold."""
    lines = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    window = 15  # logged steps
    with drawing("screen", 9, 4) as figure:
        losses, curve = figure.subplots(1, 2)
        for name, colour in zip(("score_loss", "box_loss"), COLOURS, strict=False):
            values = np.convolve([line[name] for line in lines], np.ones(window) / window, "valid")
            steps = [line["step"] for line in lines][window - 1 :]
            losses.plot(steps, values, color=colour, label=name.replace("_", " "))
        losses.set_yscale("log")
        losses.set_xlabel("step")
        losses.set_title(f"training losses, means of {window} logged steps")
        points = roc(real, fake)
        curve.step([p.fake for p in points], [p.real for p in points], where="post", color=COLOURS[0])
        passed = float((fake >= conf).mean()), float((real >= conf).mean())
        curve.plot(*passed, "o", color=COLOURS[3], label=f"threshold {conf:g}")
        curve.set_xlim(0, 0.1)
        curve.set_ylim(0.85, 1)
        curve.set_xlabel("share of unseen kinds of non-faces that pass")
        curve.set_ylabel("share of held-out real faces that pass")
        curve.set_title(f"area under the whole curve {area(real, fake):.4f}")
        figure.suptitle("yolo-nano: training, and what passes")
        of_losses, of_curve = losses.get_legend_handles_labels(), curve.get_legend_handles_labels()
        legend_below(figure, of_losses[0] + of_curve[0], of_losses[1] + of_curve[1])
    save_figure(figure, out / "curves.png")


def _sheets(out: Path, detector: YoloDetector, faces: np.ndarray, unseen: dict, gans: dict) -> None:
    """Write contact sheets: hits, real faces that are missed, and what is taken for a face."""

    def draw(pixels: np.ndarray) -> tuple[list[np.ndarray], list[np.ndarray]]:
        hits, misses = [], []
        for image, found in zip(pixels, detector.detect(pixels), strict=True):
            large = cv2.resize(image, (128, 128), interpolation=cv2.INTER_NEAREST)
            for box in found.boxes * 2:
                cv2.rectangle(large, tuple(map(int, box[:2])), tuple(map(int, box[2:])), (0, 220, 0), 2)
            (hits if len(found.boxes) else misses).append(large)
        return hits, misses

    hits, misses = draw(faces)
    false = [tile for pixels in [*unseen.values(), *gans.values()] for tile in draw(pixels)[0]]
    for name, tiles in (("hits", hits), ("misses", misses), ("false", false)):
        if tiles:
            write_sheet(out / f"{name}.png", np.stack(tiles[:60]), columns=10)


if __name__ == "__main__":
    main()
