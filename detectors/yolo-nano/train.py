"""Train yolo-nano and export it to ONNX. Deterministic on one machine and thread count; resumes where it was killed.

python detectors/yolo-nano/labels.py --data FACES --cascade lbpcascade_animeface.xml --out labels.npz
python detectors/yolo-nano/train.py --labels labels.npz --out work/
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import sys
import time
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from altered_faces import without_eyes
from network import YoloNano, loss
from nonfaces import TRAINED
from scenes import Pool, scenes, single

from ganbench.system.progress import track
from ganbench.toyfaces import draw_face, face_box, sample_attributes
from ganbench.training.checkpoint import load_checkpoint, save_checkpoint
from ganbench.training.data import TrainingImages
from ganbench.training.recipe import load_recipe
from ganbench.training.sampling import sample
from ganbench.training.trainer import Trainer

FACES = 18_000  # the first images train, the others test
PER_KIND = 1500
BATCH, SCENES, SCENES_EVERY = 96, 20, 4  # every fourth step shows composite scenes
STEPS = 7000
LR, WEIGHT_DECAY, WARM_UP, DECAY = 2e-3, 1e-4, 100, 0.998
# Young and broken GANs: (overrides, steps). An epoch of 18,000 images is 562 steps of 32.
GANS = (
    (["model.width=32", "training.seed=11"], 560),
    (["model.width=16", "training.seed=12"], 300),
    (["model.width=16", "training.seed=13", "optimizer.lr=5e-3"], 200),
)


def gan_samples(faces: np.ndarray) -> np.ndarray:
    """Train short DCGANs and keep samples of all ages, from noise to the end of the first epoch."""
    kept = []
    for overrides, steps in GANS:
        trainer = Trainer(load_recipe("dcgan", "cpu", [*overrides, "training.average=0.9"]), torch.device("cpu"))
        images = TrainingImages(faces, "", batch=32, seed=0)
        with track("GAN for negatives", steps) as advance:
            for step in range(steps):
                if step % 10 == 0:
                    kept += list(sample(trainer.sampler, 50, seed=step))
                trainer.train_step(images.load(step))
                advance(1)
    return np.concatenate(kept)


def build_pools(labels: Path, out: Path) -> tuple[Pool, Pool]:
    """Make, or read back, the tiles with faces and those without."""
    path = out / "pools.npz"
    if not path.is_file():
        with np.load(labels) as file:
            images, boxes = file["images"][:FACES], file["boxes"][:FACES]
        labelled = ~np.isnan(boxes[:, 0])
        rng = np.random.default_rng(0)
        toys = [sample_attributes(5, i) for i in range(1000)]
        faces = np.concatenate([images[labelled], np.stack([draw_face(a, 64) for a in toys])])
        face_boxes = np.concatenate([boxes[labelled], np.array([face_box(a, 64) for a in toys], np.float32)])
        others = [make(images[rng.choice(FACES, PER_KIND, replace=False)], rng) for make in TRAINED.values()]
        chosen = rng.choice(np.flatnonzero(labelled), 2 * PER_KIND, replace=False)
        others += [without_eyes(images[chosen], boxes[chosen]), gan_samples(images)]
        np.savez(path, faces=faces, boxes=face_boxes, others=np.concatenate(others))
    with np.load(path) as file:
        others = file["others"]
        return Pool(file["faces"], file["boxes"]), Pool(others, np.full((len(others), 4), np.nan))


def make_batch(faces: Pool, others: Pool, step: int, seed: int) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """Return the images (N, 3, H, W) in 0..1 and the boxes of a step, which depend on seed and step alone."""
    rng = np.random.default_rng([seed, step])
    make, count = (scenes, SCENES) if step % SCENES_EVERY == SCENES_EVERY - 1 else (single, BATCH)
    images, boxes = make(faces, others, count, rng)
    batch = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255
    return batch.contiguous(memory_format=torch.channels_last), [torch.from_numpy(b).float() for b in boxes]


def rate(step: int, steps: int) -> float:
    """Return the share of the full learning rate: a short warm-up, then half a cosine."""
    return min(1, (step + 1) / WARM_UP) * 0.5 * (1 + math.cos(math.pi * step / steps))


def export(network: YoloNano, path: Path) -> None:
    """Write the ONNX file; image height and width stay free, in multiples of 32."""
    axes = {"images": {0: "n", 2: "height", 3: "width"}, "output": {0: "n", 2: "cells"}}
    torch.onnx.export(
        network.eval(), (torch.zeros(2, 3, 64, 96),), str(path), dynamo=False, opset_version=17,
        input_names=["images"], output_names=["output"], dynamic_axes=axes,
    )  # fmt: skip


def train(
    faces: Pool, others: Pool, out: Path, *, steps: int, seed: int = 0, precision: str = "fp32", save_every: int = 100
) -> YoloNano:
    """Train, going on where a checkpoint in ``out`` stands; return the averaged network.

    Args:
        faces: tiles with a face.
        others: tiles without one.
        out: gets ``checkpoint.pt`` and ``log.jsonl``.
        steps: length; the learning rate falls over exactly so many.
        seed: of the weights and of every batch.
        precision: ``fp32`` or ``bf16`` (autocast).
        save_every: steps between checkpoints.
    """
    torch.manual_seed(seed)
    network = YoloNano().to(memory_format=torch.channels_last)
    average = copy.deepcopy(network)
    optimizer = torch.optim.AdamW(network.parameters(), LR, weight_decay=WEIGHT_DECAY, fused=True)
    checkpoint = out / "checkpoint.pt"
    first = 0
    if checkpoint.is_file():
        state = load_checkpoint(checkpoint)
        network.load_state_dict(state["network"])
        average.load_state_dict(state["average"])
        optimizer.load_state_dict(state["optimizer"])
        first = state["step"]
    start = time.perf_counter()
    with track("training", steps, first) as advance, (out / "log.jsonl").open("a") as log:
        for step in range(first, steps):
            images, boxes = make_batch(faces, others, step, seed)
            with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
                raws = network.raw(images)
            score_loss, box_loss = loss(raws, boxes)
            for group in optimizer.param_groups:
                group["lr"] = LR * rate(step, steps)
            optimizer.zero_grad()
            (score_loss + box_loss).backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 10.0)
            optimizer.step()
            with torch.no_grad():
                keep = min(DECAY, (step + 1) / (step + 10))
                torch._foreach_lerp_(list(average.parameters()), list(network.parameters()), 1 - keep)
                for mean, live in zip(average.buffers(), network.buffers(), strict=True):
                    mean.copy_(live)
            if step % 20 == 0:
                line = {"step": step, "score_loss": score_loss.item(), "box_loss": box_loss.item()}
                log.write(json.dumps(line | {"seconds": round(time.perf_counter() - start, 1)}) + "\n")
                log.flush()
            if (step + 1) % save_every == 0 or step + 1 == steps:
                state = {"network": network.state_dict(), "average": average.state_dict(), "step": step + 1}
                save_checkpoint(checkpoint, state | {"optimizer": optimizer.state_dict()})
            advance(1, f"score {score_loss.item():.3f}  box {box_loss.item():.3f}")
    return average


def main() -> None:
    """Train and export."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--labels", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--precision", choices=["fp32", "bf16"], default="fp32")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    faces, others = build_pools(args.labels, args.out)
    print(f"{len(faces.images)} tiles with a face, {len(others.images)} without", flush=True)
    average = train(faces, others, args.out, steps=args.steps, seed=args.seed, precision=args.precision)
    export(average, args.out / "yolo-nano.onnx")
    print(f"wrote {args.out / 'yolo-nano.onnx'}")


if __name__ == "__main__":
    main()
