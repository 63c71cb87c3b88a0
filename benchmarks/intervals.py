"""Do the intervals hold what they promise? Coverage of the 95 % intervals over many sets of images, by simulation.

    python benchmarks/intervals.py                          # mind, mmd_rbf, clipped_density, clipped_coverage, vendi
    python benchmarks/intervals.py --metric kd --sets 100   # any other that reads features
    python benchmarks/intervals.py --faces features.npy     # features of real images, (n, D)
    python benchmarks/intervals.py --faces pixels.npy --metric fwd  # their pixels, uint8 (n, H, W, 3)

Features are drawn from mixtures of Gaussians, the reference once and the fake side anew for every set; or the first
images of a file are the reference, and sets are drawn from the others, with replacement: they are independent. An
interval holds if the average over all sets lies in it: it describes the spread from one set to the next, and no bias.
About a minute for a metric on two cores; with many features some more.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ganbench.metrics.base import Metric
from ganbench.metrics.intervals import wilson
from ganbench.metrics.registry import METRICS
from ganbench.statistics.features import FeatureSet
from ganbench.statistics.packets import PacketSet

NEW = ("mind", "mmd_rbf", "clipped_density", "clipped_coverage", "vendi")
Drawer = Callable[[np.random.Generator, int], np.ndarray]


def mixture(size: int, *, shift: float = 0.0, scale: float = 1.0, modes: int = 10, bad: float = 0.0) -> Drawer:
    """Return a drawer of features (n, size): ``modes`` of 10 clusters, with a share of images far from all."""
    centres = np.random.default_rng(7).normal(0, 1.5, (10, size))
    spread = np.arange(1, size + 1) ** -0.5  # few directions of much variance, as features have

    def draw(rng: np.random.Generator, count: int) -> np.ndarray:
        rows = centres[rng.integers(0, modes, count)] + scale * rng.normal(size=(count, size)) * spread + shift
        rows[rng.random(count) < bad] += 30
        return rows + 3  # away from 0, as the features of images are

    return draw


def cases(size: int) -> dict[str, Drawer]:
    """Return what generators do, by name."""
    return {
        "equal": mixture(size),
        "shifted": mixture(size, shift=0.3),
        "narrow": mixture(size, scale=0.7),
        "half of the modes": mixture(size, modes=5),
        "30 % bad": mixture(size, bad=0.3),
    }


def of_faces(pool: np.ndarray) -> dict[str, Drawer]:
    """Return what generators do with images of a pool, features (n, D) or pixels, by name."""
    flat = pool.reshape(len(pool), -1)[:, :: max(1, pool[0].size // 512)].astype(np.float32)
    axis = np.linalg.svd(flat[:2000] - flat[:2000].mean(0), full_matrices=False)[2][0]
    half = np.argsort(flat @ axis, kind="stable")[: len(pool) // 2]

    def draw(rows: np.ndarray) -> Drawer:
        return lambda rng, count: pool[np.sort(rng.choice(rows, count))]

    def paler(rng: np.random.Generator, count: int) -> np.ndarray:
        drawn = draw(np.arange(len(pool)))(rng, count)
        middle = 128 if pool.dtype == np.uint8 else pool[:2000].mean(0)
        return ((drawn - middle) * np.float32(0.8) + middle).astype(pool.dtype)

    return {"fresh faces": draw(np.arange(len(pool))), "half of them": draw(half), "contrast 0.8": paler}


def set_of(images: np.ndarray) -> Any:
    """Return the statistics that metrics read: wavelet packets of pixels, or those of features."""
    return PacketSet.of(images) if images.dtype == np.uint8 else FeatureSet.of(images)


def check(metric: Metric, draw: Drawer, real: Any, count: int, sets: int) -> str:
    """Return a line of a Markdown table: mean value, coverage, and the interval's width over that of the true one."""
    estimates = [
        metric(real=real, fake=set_of(draw(np.random.default_rng([1, number]), count)), seed=0)
        for number in range(sets)
    ]
    values = np.array([e.value for e in estimates])
    ends = np.array([(e.low, e.high) for e in estimates], np.float64)
    held = float(np.mean((ends[:, 0] <= values.mean()) & (values.mean() <= ends[:, 1])))
    low, high = wilson(held, sets)
    ratio = np.mean(ends[:, 1] - ends[:, 0]) / (2 * 1.96 * values.std(ddof=1)) if values.std() else float("nan")
    return f"{values.mean():.4g} | {held:.3f} ({low:.2f} to {high:.2f}) | {ratio:.2f}"


def main() -> None:
    """Print a table of metrics and cases."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--metric", action="append", choices=list(METRICS))
    parser.add_argument("--count", type=int, default=1000, help="fake images of a set")
    parser.add_argument("--real", type=int, default=3000, help="real images")
    parser.add_argument("--size", type=int, default=32, help="features of an image")
    parser.add_argument("--sets", type=int, default=200)
    parser.add_argument("--faces", type=Path, help="an .npy file of features or pixels to draw from instead")
    parser.add_argument("--case", action="append", help="which cases [default: all]")
    args = parser.parse_args()
    if args.faces is None:
        real, drawers = set_of(mixture(args.size)(np.random.default_rng(0), args.real)), cases(args.size)
    else:
        whole = np.load(args.faces, mmap_mode="r")
        real, drawers = set_of(np.asarray(whole[: args.real])), of_faces(np.asarray(whole[args.real :]))
        args.size = whole[0].size
    print(f"n = {args.count}, reference of {args.real}, {args.size} numbers an image, {args.sets} sets\n")
    print("| metric | case | mean | coverage of 95 % (its own interval) | width / true |\n|---|---|---|---|---|")
    for name in args.metric or NEW:
        for case, draw in drawers.items():
            if args.case and case not in args.case:
                continue
            print(f"| {name} | {case} | {check(METRICS[name], draw, real, args.count, args.sets)} |", flush=True)


if __name__ == "__main__":
    main()
