"""The Frechet wavelet distance against filters in a loop, with another Frechet distance, and closed forms."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from ganbench.errors import MetricError
from ganbench.metrics.frechet import frechet_distance
from ganbench.metrics.wavelet import fwd
from ganbench.statistics import packets
from ganbench.statistics.collector import sample_bound
from ganbench.statistics.packets import PacketCollector, PacketMoments, PacketSet, packet_level, packets_of


def smooth(rng: np.random.Generator, count: int, size: int = 16) -> np.ndarray:
    """Return images whose pixels resemble their neighbours, uint8 (count, size, size, 3)."""
    coarse = rng.normal(size=(count, size // 4, size // 4, 3)).repeat(4, 1).repeat(4, 2)
    return np.clip(110 + 40 * coarse + 10 * rng.normal(size=(count, size, size, 3)), 0, 255).astype(np.uint8)


def filtered(images: np.ndarray, level: int) -> dict[str, np.ndarray]:
    """Return all packets of float images, by the names of their filters: Haar's, along one side after the other."""
    found = {"": images}
    for _ in range(level):
        halves = {
            name + letter: (part[:, 0::2] + sign * part[:, 1::2]) / np.sqrt(2)
            for name, part in found.items()
            for letter, sign in (("l", 1), ("h", -1))
        }
        found = {
            name + letter: (part[:, :, 0::2] + sign * part[:, :, 1::2]) / np.sqrt(2)
            for name, part in halves.items()
            for letter, sign in (("l", 1), ("h", -1))
        }
    return found


def by_packets(real: np.ndarray, fake: np.ndarray, level: int) -> float:
    """Return the distance from the definition, one packet after the other."""
    each = []
    sides = [filtered(side / 255, level) for side in (real, fake)]
    for name in sides[0]:
        x, y = (side[name].reshape(len(side[name]), -1) for side in sides)
        moments = {"real_mean": x.mean(0), "real_cov": np.cov(x.T), "fake_mean": y.mean(0), "fake_cov": np.cov(y.T)}
        each.append(frechet_distance(**moments))
    return float(np.mean(each))


@pytest.mark.parametrize(("size", "level"), [(16, 2), (32, 3)])
def test_value_is_the_definition(rng: np.random.Generator, size: int, level: int):
    real, fake = smooth(rng, 300, size), smooth(rng, 240, size)[:, ::-1] // 2 + 60
    estimate = fwd(real=PacketSet.of(real), fake=PacketSet.of(fake))
    assert estimate.value == pytest.approx(by_packets(real, fake, level), rel=1e-9)
    assert estimate.n == 240
    assert estimate.detail == f"Haar, level {level}: {4**level} packets of 48 numbers"
    assert 0 < estimate.low < estimate.value < estimate.high


def test_packets_are_haars(rng: np.random.Generator):
    image = rng.integers(0, 256, (5, 32, 64, 3), np.uint8)
    mine = packets_of(image, 3) / (255 * 8)
    theirs = filtered(image / 255 - 128 / 255, 3)
    assert mine.shape == (64, 5, 3 * 4 * 8)
    for name, part in theirs.items():
        row, column = (sum((letter == "h") << bit for bit, letter in enumerate(name[side::2])) for side in (0, 1))
        np.testing.assert_allclose(mine[8 * row + column], part.reshape(5, -1), atol=1e-5)


@pytest.mark.parametrize("shift", [3, 40])
def test_a_shift_has_a_closed_form(rng: np.random.Generator, shift: int):
    real = rng.integers(20, 200, (60, 8, 8, 3), np.uint8)
    estimate = fwd(real=PacketSet.of(real), fake=PacketSet.of(real + np.uint8(shift)))
    # Every pixel moves by the shift, and the transform keeps lengths: 192 pixels, shared out over 4 packets.
    assert estimate.value == pytest.approx(192 * (shift / 255) ** 2 / 4, rel=1e-9)
    assert fwd(real=PacketSet.of(real), fake=PacketSet.of(real)).value < 1e-9


def test_twice_as_bright_has_a_closed_form(rng: np.random.Generator):
    real = rng.integers(0, 120, (500, 8, 8, 3), np.uint8)
    estimate = fwd(real=PacketSet.of(real), fake=PacketSet.of(2 * real))
    x = real.reshape(500, -1) / 255
    # Means double and covariances quadruple: |mu|^2 + tr S (1 - 2)^2, over all pixels, since lengths are kept.
    assert estimate.value == pytest.approx(((x.mean(0) ** 2).sum() + x.var(0, ddof=1).sum()) / 4, rel=1e-9)


def test_pieces_in_any_order_and_batches_of_any_size_have_the_same_bits(rng: np.random.Generator):
    images = rng.integers(0, 256, (700, 16, 24, 3), np.uint8)
    bound = sample_bound(700, 90, 3)
    whole = PacketCollector((16, 24), seed=3, bound=bound)
    whole.add(np.arange(700), images)
    expected = whole.result()
    for cuts in ([0, 700], [0, 1, 2, 333, 700], [0, 100, 200, 300, 400, 500, 600, 700]):
        packed = []
        for start, end in itertools.pairwise(cuts):
            part = PacketCollector((16, 24), seed=3, bound=bound)
            for at in range(start, end, 37):
                stop = min(end, at + 37)
                part.add(np.arange(at, stop), images[at:stop])
            packed.append(part.pack())
        merged = PacketCollector((16, 24), seed=3, bound=bound)
        for one in packed:
            merged.take(one)
        found = merged.result()
        for what in ("n", "size", "level"):
            assert getattr(found.moments, what) == getattr(expected.moments, what)
        assert found.moments.mean.tobytes() == expected.moments.mean.tobytes()
        assert found.moments.cov.tobytes() == expected.moments.cov.tobytes()
        np.testing.assert_array_equal(found.sample, expected.sample)
        assert len(found.sample) == 90


def test_the_moments_are_those_of_numpy(rng: np.random.Generator):
    images = smooth(rng, 90)
    moments = PacketSet.of(images).moments
    coefficients = packets_of(images, 2).astype(np.float64) / (255 * 4)
    np.testing.assert_allclose(moments.mean, coefficients.mean(1), atol=1e-12)
    for mine, one in zip(moments.cov, coefficients, strict=True):
        np.testing.assert_allclose(mine, np.cov(one.T), atol=1e-12)


def test_the_interval_is_that_of_leaving_images_out(rng: np.random.Generator):
    real, fake = PacketSet.of(smooth(rng, 400, 8)), smooth(rng, 120, 8) // 2 + 90
    estimate = fwd(real=real, fake=PacketSet.of(fake))
    without = np.array([fwd(real=real, fake=PacketSet.of(np.delete(fake, i, 0))).value for i in range(120)])
    error = np.sqrt(119 / 120 * ((without - without.mean()) ** 2).sum())
    assert (estimate.high - estimate.low) / 2 == pytest.approx(1.96 * error, rel=0.05)


def test_few_images_have_a_value_and_a_warning(rng: np.random.Generator):
    real, fake = PacketSet.of(smooth(rng, 200)), PacketSet.of(smooth(rng, 9))
    estimate = fwd(real=real, fake=fake)
    assert "9 images cannot span packets of 48 numbers" in estimate.warnings[0]
    assert estimate.low <= estimate.value <= estimate.high
    flat = np.full((20, 16, 16, 3), 77, np.uint8)
    assert fwd(real=PacketSet.of(flat), fake=PacketSet.of(flat)).value == 0
    bare = PacketSet(fake.moments, fake.sample[:0])
    assert fwd(real=real, fake=bare).low is None
    assert fwd(real=real, fake=bare).value == estimate.value


def test_images_that_do_not_fit_are_refused(rng: np.random.Generator):
    with pytest.raises(MetricError, match="16x16 images and of 8x8 ones"):
        fwd(real=PacketSet.of(smooth(rng, 9, 8)), fake=PacketSet.of(smooth(rng, 9)))
    with pytest.raises(MetricError, match=r"multiples of 16. Bring .*: --resize 96x96"):
        packet_level(100, 100)
    with pytest.raises(MetricError, match="8 pixels a side or more, not 64x6"):
        packet_level(64, 6)
    with pytest.raises(MetricError, match="at least 2 images, got 1"):
        PacketSet.of(smooth(rng, 1))
    with pytest.raises(MetricError, match="are not those of"):
        PacketMoments(5, (8, 8), 1, np.zeros((4, 48)), np.zeros((4, 48, 47)))


def test_memory_and_numbers_are_limited_before_they_are_taken(monkeypatch: pytest.MonkeyPatch):
    assert packet_level(512, 512) == packet_level(640, 512) == 7
    monkeypatch.setenv("GANBENCH_MEMORY", "64M")
    assert packet_level(64, 64) == 4
    with pytest.raises(MetricError, match=r"512x512 images take 1,152 MB, and the memory budget is 64 MB"):
        packet_level(512, 512)
    monkeypatch.setattr(packets, "_MIDDLE", 2**30)  # as if numbers were as large as deep packets of many images
    collector = PacketCollector((8, 8))
    collector.add(np.arange(2), np.zeros((2, 8, 8, 3), np.uint8))
    with pytest.raises(MetricError, match="2 images: exact sums .* take 0 at most"):
        collector.pack()
