"""What every metric asks of its input before it computes anything."""

from __future__ import annotations

from ganbench.errors import MetricError
from ganbench.statistics.features import FeatureSet


def check_sizes(real: FeatureSet, fake: FeatureSet) -> None:
    """Refuse features of different lengths, which come from different extractors."""
    if real.size != fake.size:
        raise MetricError(
            f"the real features have {real.size} values each and the fake ones {fake.size}: "
            "extract both with the same network."
        )


def check_samples(real: FeatureSet, fake: FeatureSet, at_least: int) -> None:
    """Refuse pairs whose feature samples are missing, do not fit together, or hold fewer than ``at_least`` rows."""
    check_sizes(real, fake)
    for side, features in (("real", real), ("fake", fake)):
        rows = len(features.sample)
        if rows == 0 and features.n > 0:
            raise MetricError(
                f"the {side} side holds only a mean and a covariance, and this metric compares single images: "
                "build a reference from the images (ganbench reference build)."
            )
        if rows < at_least:
            raise MetricError(f"needs at least {at_least} {side} images, got {rows}.")


def small_sample_warnings(real: FeatureSet, fake: FeatureSet, enough: int = 1000) -> tuple[str, ...]:
    """Return a sentence for each side whose sample holds fewer than ``enough`` images."""
    return tuple(
        f"only {len(features.sample)} {side} images: the value depends on their number below {enough}; "
        "compare it only at equal numbers"
        for side, features in (("real", real), ("fake", fake))
        if len(features.sample) < enough
    )
