"""How values vary: against deleting images one by one, and against what fresh sets of images show."""

from __future__ import annotations

import numpy as np
import pytest

from ganbench.comparison.difference import of_sets
from ganbench.errors import MetricError
from ganbench.metrics.base import Estimate, metric
from ganbench.metrics.duplicates import duplicates
from ganbench.metrics.frechet import fd
from ganbench.metrics.kernel import kd
from ganbench.metrics.manifold import coverage, recall
from ganbench.metrics.neighbours import Pairs
from ganbench.metrics.registry import METRICS
from ganbench.metrics.variation import Variation, random_halves, variance_of
from ganbench.metrics.varying import vary
from ganbench.statistics.detections import DetectionSet
from ganbench.statistics.features import FeatureSet
from ganbench.statistics.known import CodedImages
from ganbench.statistics.pixels import PixelSet


def drawn(rng: np.random.Generator, count: int, size: int = 24, shift: float = 0.0) -> FeatureSet:
    return FeatureSet.of((rng.normal(size=(count, size)) + shift) * np.arange(1, size + 1) ** -0.5 + 2)


@pytest.mark.parametrize(
    ("name", "count"), [("fd", 14), ("fd", 24), ("fd", 25), ("fd", 70), ("kd", 30), ("coverage", 40)]
)
def test_influences_are_what_deleting_an_image_does(rng: np.random.Generator, name: str, count: int) -> None:
    real, fake = drawn(rng, 200), drawn(rng, count, shift=0.2)
    found = vary(METRICS[name], real=real, fake=fake)
    # The radii of real balls do not depend on the fake side, so that all of the change is the image's.
    without = np.array(
        [METRICS[name](real=real, fake=FeatureSet.of(np.delete(fake.sample, i, 0))).value for i in range(count)]
    )
    expected = without.mean() - without
    assert found.each is not None
    assert found.each / np.std(found.each) == pytest.approx(expected / np.std(expected), abs=1e-3)
    assert np.std(found.each) == pytest.approx((count - 1) * np.std(expected), rel=0.04)
    assert found.value == pytest.approx(METRICS[name](real=real, fake=fake).value, rel=1e-6)


@pytest.mark.parametrize("name", ["fd", "kd", "mmd_rbf", "mind", "coverage", "clipped_coverage", "vendi"])
def test_halves_are_values_of_halves(rng: np.random.Generator, name: str) -> None:
    real, fake = drawn(rng, 60), drawn(rng, 41, shift=0.1)
    found = vary(METRICS[name], real=real, fake=fake)
    halves = random_halves(41, 0, len(found.halves))
    value = {"clipped_coverage": None, "vendi": np.log}.get(name, lambda x: x)
    if value is None:  # before the calibration, which depends on the number of images
        return
    for split in (0, 7):
        for side, part in enumerate((halves[split], ~halves[split])):
            known = METRICS[name](real=real, fake=FeatureSet.of(fake.sample[part])).value
            scale = found.value if name == "vendi" else 1
            assert found.halves[split, side] / scale == pytest.approx(value(known), rel=1e-6, abs=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["fd", "kd", "mmd_rbf", "coverage", "recall", "density"])
@pytest.mark.parametrize("shift", [0.0, 0.4])
def test_the_error_is_the_spread_of_fresh_sets(name: str, shift: float) -> None:
    rng = np.random.default_rng(5)
    real = drawn(rng, 300, size=80)
    sets = [vary(METRICS[name], real=real, fake=drawn(rng, 60, size=80, shift=shift)) for _ in range(200)]
    error = np.sqrt(np.mean([variance_of(one)[0] for one in sets]))
    assert 0.8 < error / np.std([one.value for one in sets], ddof=1) < 1.3


def test_pairs_have_less_to_tell(rng: np.random.Generator) -> None:
    real, a = drawn(rng, 300), drawn(rng, 120, shift=0.2)
    b = FeatureSet.of(a.sample + rng.normal(0.05, 0.05, a.sample.shape))
    for metric_ in (fd, kd, coverage, recall):
        sides = [vary(metric_, real=real, fake=side) for side in (a, b)]
        assert of_sets(*sides, paired=True).error < 0.75 * of_sets(*sides).error, metric_.name
    same = vary(kd, real=real, fake=a)
    assert of_sets(same, same, paired=True).p == 1


def test_duplicates_come_and_go_together() -> None:
    alone = PixelSet.of([f"{number:064x}" for number in range(100)])
    assert vary(duplicates, real=None, fake=alone).units == 50
    thrice = PixelSet.of([f"{min(number, 70):064x}" for number in range(100)])  # thirty equal images
    found = vary(duplicates, real=None, fake=thrice)
    assert (found.value, found.units) == (0.3, pytest.approx(100 / 30))


@metric("mean_length", title="Mean length", better="none", needs="features")
def mean_length(*, real: FeatureSet | None = None, fake: FeatureSet, seed: int = 0) -> Estimate:
    """Return the mean length of the features."""
    del real, seed
    if not len(fake.sample):
        raise MetricError("no images.")
    return Estimate(float(np.linalg.norm(fake.sample, axis=1).mean()), None, None, "none", len(fake.sample))


def test_a_metric_that_says_nothing_is_told_by_halves(rng: np.random.Generator) -> None:
    fake = drawn(rng, 400)
    found = vary(mean_length, real=None, fake=fake)
    known = variance_of(Variation.of_mean(np.linalg.norm(fake.sample, axis=1)))[0]
    assert found.each is None
    assert variance_of(found)[0] == pytest.approx(known, rel=0.5)  # from twenty splits
    with pytest.raises(MetricError, match="no images"):
        vary(mean_length, real=None, fake=FeatureSet.of(np.empty((0, 3))))


def test_every_kind_of_images_has_halves(rng: np.random.Generator) -> None:
    seen = []

    def look(needs: str) -> object:
        @metric("counts", title="Counts", better="none", needs=needs)
        def counts(*, real: object = None, fake: object, seed: int = 0) -> Estimate:
            """Return how much there is."""
            seen.append(fake)
            n = len(fake.codes) if isinstance(fake, CodedImages) else fake.n
            total = int(fake.counts.sum()) if isinstance(fake, DetectionSet) else n
            return Estimate(float(total), None, None, "none", n)

        return counts

    boxes = [(np.ones((number % 3, 4)), np.ones(number % 3)) for number in range(20)]
    coded = CodedImages(np.zeros((20, 2), np.int8), np.zeros((20, 256), np.uint8), np.arange(20), 20)
    for needs, fake in (
        ("detections", DetectionSet.of(boxes, (64, 64))),
        ("pixels", PixelSet.of([f"{number:064x}" for number in range(20)])),
        ("index", coded),
    ):
        found = vary(look(needs), real=None, fake=fake)
        assert found.halves.sum(axis=1) == pytest.approx(found.value)


def test_what_differs_in_kind_is_no_pair(rng: np.random.Generator) -> None:
    real, a = drawn(rng, 60), drawn(rng, 30)
    whole = vary(recall, real=real, fake=a, pairs=Pairs(real, a))
    with pytest.raises(ValueError, match="of different kinds"):
        whole.less(vary(kd, real=real, fake=a))
    with pytest.raises(ValueError, match="nothing is known"):
        variance_of(Variation.of_trials(np.ones(4, bool)))
