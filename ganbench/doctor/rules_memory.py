"""A discriminator that knows its training images by heart instead of what makes them real."""

from __future__ import annotations

import numpy as np

from ganbench.doctor.finding import DISCRIMINATOR, Finding, beyond
from ganbench.doctor.records import Records, Series
from ganbench.doctor.windows import WARM_UP, lines_for, rolling

LOST = 0.5  # of the gap between training images and generated ones, what held-out images lose; healthy: below 0.1
FIRST = 0.8  # share of pairs in which the training image comes before the held-out one; healthy: 0.3 to 0.7
FEW_IMAGES = 200  # so few images, seen ...
MANY_PASSES = 10  # ... so often, are known by heart whatever the discriminator is


def overfits(records: Records) -> list[Finding]:
    """Real images that are held out score like generated ones: the r_v of Karras et al. 2020 (ADA), equation 1."""
    steps, seen, held, made, first = records.together("seen_score", "held_out_score", "made_score", "seen_first")
    if not len(steps):  # a log of somebody else's, with the scores of both kinds of real images
        steps, seen, held, made = records.together("seen_score", "held_out_score", "fake_score")
        first = np.ones(len(steps))
    late = steps > WARM_UP
    with np.errstate(divide="ignore", invalid="ignore"):
        lost = np.where(seen > made, (seen - held) / (seen - made), 0.0)[late]
    series = Series(steps[late], np.nan_to_num(lost))
    length = lines_for(series, 10, 100)
    ratio, order = rolling(series.values, length), rolling(first[late], length)
    over = np.nonzero((ratio >= LOST) & (order >= FIRST))[0]
    if not len(over):
        return []
    since, at = int(series.steps[over[0]]), int(series.steps[over[0] + length - 1])
    value = float(ratio[over].max())
    return [
        Finding(
            "discriminator overfits", DISCRIMINATOR, at, since, beyond(value, LOST),
            f"real images that are held out lose {value:.0%} of the lead that training images have over generated ones "
            f"(from step {since}): the discriminator knows its training images by heart",
            "More images, --set data.flip=true, adaptive augmentation, a narrower discriminator, or an earlier "
            "checkpoint: from here on samples get worse",
            evidence={"lost": value},
        )
    ]  # fmt: skip


def too_few_images(records: Records) -> list[Finding]:
    """So few images, seen so often, that there is nothing to learn but these."""
    count, batch = records.facts.images, records.facts.batch
    steps = records.get("discriminator_loss").steps
    if count is None or batch is None or count > FEW_IMAGES or not len(steps):
        return []
    passes = steps * batch / count
    often = np.nonzero(passes >= MANY_PASSES)[0]
    if not len(often):
        return []
    at = int(steps[often[0]])
    return [
        Finding(
            "too few images", "training images", at, int(steps[0]), beyond(FEW_IMAGES, count),
            f"there are {count} images to train on, and each was seen {passes[-1]:.0f} times: what a discriminator "
            "learns of so few is the images themselves, and a generator repeats them",
            "Give thousands of images. With fewer than about 1,000, take augmentation (--set data.flip=true) and few "
            "steps, and look at 'copies' in the scorecard",
            evidence={"images": float(count), "passes": float(passes[-1])},
        )
    ]  # fmt: skip
