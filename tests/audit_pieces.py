"""What tests of the audit share: material without images, an extractor that is quick, and metrics of a third party."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import numpy as np

from ganbench.audit.check import Check, Finding, Points, Setting
from ganbench.audit.material import Material
from ganbench.audit.points import Point
from ganbench.audit.scale import Scale
from ganbench.metrics.base import Estimate, Metric, metric
from ganbench.scoring.plan import Instrument
from ganbench.statistics.features import FeatureSet

SIZE = 8  # features
SMALL = Scale(200, (100, 200), sets=10, images=200, corrupted=2, repeats=1, coverage=20, drawn=400, points=5)
USUAL = ("fd", "kd", "precision", "recall", "coverage")


@metric("blind", title="Sees nothing", better="lower", needs="features", asks="distance")
def blind(*, real: FeatureSet, fake: FeatureSet, seed: int = 0) -> Estimate:
    """Return a number that has nothing to do with the images."""
    value = float(np.random.default_rng(len(fake.sample) + round(1e6 * abs(float(fake.sample[0, 0])))).random())
    return Estimate(value, value - 1, value + 1, "made up", fake.n)


@metric("middle", title="Distance of medians", better="lower", needs="features", asks="distance")
def middle(*, real: FeatureSet, fake: FeatureSet, seed: int = 0) -> Estimate:
    """Return the distance of the medians, which no outlier moves."""
    value = float(np.linalg.norm(np.median(fake.sample, axis=0) - np.median(real.sample, axis=0)))
    return Estimate(value, None, None, "none", fake.n)


@metric("sure", title="Distance of means, with an interval that is too sure", better="lower", needs="features",
        asks="distance")  # fmt: skip
def sure(*, real: FeatureSet, fake: FeatureSet, seed: int = 0) -> Estimate:
    """Return the distance of the means, and hardly any interval."""
    value = float(np.linalg.norm(fake.sample.mean(axis=0) - real.sample.mean(axis=0)))
    return Estimate(value, value, value, "none at all", fake.n)


def kinds(count: int, seed: int) -> np.ndarray:
    """Return features of ten kinds of images, (count, SIZE): far from normal."""
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(7).normal(0, 4, (10, SIZE))
    return (centres[rng.integers(10, size=count)] + rng.normal(0, 0.5, (count, SIZE))).astype(np.float32)


def bare(metrics: tuple[str, ...] = USUAL, **more: Any) -> Material:
    """Return material of features alone, 1,000 real ones and 2,000 fresh ones."""
    instrument = Instrument("extractor", "made", "made", "made")
    real = FeatureSet.of(kinds(1000, 1))
    return Material(instrument, metrics, None, None, real, None, kinds(2000, 2), key="bare", **more)


class Boxes:
    """An extractor that is quick: means of the pixels in 4 x 4 boxes, and how they differ from their neighbours."""

    def __call__(self, pixels: np.ndarray) -> tuple[np.ndarray, None]:
        boxes = pixels.astype(np.float32).reshape(len(pixels), 8, pixels.shape[1] // 8, 8, -1, 3)
        means, spreads = boxes.mean(axis=(2, 4)), boxes.std(axis=(2, 4))
        return np.concatenate(
            [means.reshape(len(pixels), -1)[:, ::12], spreads.reshape(len(pixels), -1)[:, ::12]], 1
        ), None


def seeing(material: Material) -> Material:
    """Return material whose extractor looks at images."""
    return replace(material, extractor=Boxes())  # type: ignore[arg-type]  # all that checks ask of one


class Slow(Check):
    """A check whose pieces take a moment each."""

    name = "slow"
    title = "takes its time"

    def settings(self, material: Material, scale: Scale) -> list[Setting]:
        return [(number,) for number in range(40)]

    def work(self, setting: Setting, material: Material, scale: Scale) -> list[Point]:
        time.sleep(0.1)
        return [Point("kd[made]", "slow", setting[0], 1, float(setting[0]))]

    def judge(self, metric: Metric, points: Points, scale: Scale) -> Finding:
        return Finding(True, f"{len(points[self.name])} pieces")
