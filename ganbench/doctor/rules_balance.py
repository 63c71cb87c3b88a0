"""Two networks against each other: which way each of them pulls, and whether one has left the other behind."""

from __future__ import annotations

import numpy as np

from ganbench.doctor.finding import DISCRIMINATOR, GENERATOR, Finding, beyond
from ganbench.doctor.records import Records, Series
from ganbench.doctor.windows import WARM_UP, after, held_for, lines_for, rolling, share_held

_LINES = 10  # logged steps, and ...
_STEPS = 100  # ... steps, that a condition must hold
AGAINST = 0.8  # share of the generator's steps that lower its own images' scores; healthy: below 0.1
BACKWARDS = 0.1  # share of pairs in which a discriminator that works backwards puts the real image first
CHANCE = 0.15  # around one half: a discriminator that cannot tell
SURELY = 0.4  # from one half: one that can
UNSEEN = 0.6  # share of the training's gap between real and generated scores that bare images show; healthy: 0.87
LOST = 2.0  # spreads of the scores of bare real images by which they score higher in the training; healthy: up to 0.7


def generator_backwards(records: Records) -> list[Finding]:
    """The generator's own steps make the discriminator like its images less: its loss has the wrong sign."""
    gain = records.get("gain")
    run = share_held(gain.values < 0, lines_for(gain, _LINES, _STEPS), AGAINST)
    if run is None:
        return []
    share = float(np.mean(gain.values[run[0] : run[1] + 1] < 0))
    since, at = int(gain.steps[run[0]]), int(gain.steps[run[1]])
    return [
        Finding(
            "generator works backwards", GENERATOR, at, since, beyond(share, AGAINST / 4),
            f"{share:.0%} of the generator's steps between {since} and {at} made the discriminator's score of its own "
            "images worse",
            "Look at the sign of the generator's loss, and at its optimizer (maximize): it must raise D(G(z))",
            evidence={"share": share},
        )
    ]  # fmt: skip


def discriminator_backwards(records: Records) -> list[Finding]:
    """The discriminator puts generated images above real ones, and keeps to that: its loss has the wrong sign."""
    found = []
    told = after(records.get("told_apart"), WARM_UP)
    steps, real, fake = records.together("seen_score", "made_score")
    seen = after(Series(steps, np.where(real < fake, 0.0, 1.0)), WARM_UP)
    if not len(told):
        steps, real, fake = records.together("real_score", "fake_score")
        told = after(Series(steps, np.where(real < fake, 0.0, 1.0)), WARM_UP)
    for series, how in ((told, "it puts the generated image first"), (seen, "the means of its scores do")):
        run = held_for(series.values <= BACKWARDS, lines_for(series, _LINES, _STEPS))
        if run is not None:
            since, at = int(series.steps[run[0]]), int(series.steps[run[1]])
            found.append(
                Finding(
                    "discriminator works backwards", DISCRIMINATOR, at, since, 4.0,
                    f"between steps {since} and {at} the discriminator scores generated images above real ones: {how}",
                    "Look at the sign of the discriminator's loss, and whether real and generated images, or their "
                    "labels, are swapped",
                )
            )  # fmt: skip
            break
    return found


def too_weak(records: Records) -> list[Finding]:
    """The discriminator cannot tell anything apart, and the generator has nothing to learn from."""
    told = after(records.get("told_apart"), WARM_UP)
    length = lines_for(told, 2 * _LINES, 2 * _STEPS)
    medians = rolling(told.values, length)
    sure = rolling(np.abs(told.values - 0.5) >= SURELY, length, np.mean)  # both ways by turns is no chance
    close = [
        i
        for i in np.nonzero((np.abs(medians - 0.5) <= CHANCE) & (sure <= 0.2))[0]
        if not _varied(records, told.steps[i : i + length])
    ]
    if not close:
        return []
    since, at = int(told.steps[close[0]]), int(told.steps[close[0] + length - 1])
    share = float(medians[close[0]])
    return [
        Finding(
            "discriminator too weak", DISCRIMINATOR, at, since, beyond(CHANCE, max(abs(share - 0.5), 0.01)),
            f"the discriminator puts the real image first in {share:.0%} of the pairs between steps {since} and {at}, "
            "which is chance, although the generated images differ far less from each other than real ones",
            "Give it more width, more steps (training.n_critic) or a larger learning rate; a clip that is too small, "
            "or layers without normalisation, keep its answers near 0",
            evidence={"told_apart": share},
        )
    ]  # fmt: skip


def _varied(records: Records, steps: np.ndarray) -> bool:
    """Tell whether images of a generator differed half as much as real ones do.

    One that has learnt its task brings the discriminator to chance too.
    """
    at, made, real = records.together("made_variety", "real_variety")
    inside = (at >= steps[0]) & (at <= steps[-1])
    return bool(inside.any() and np.median(made[inside]) > 0.5 * np.median(real[inside]))


def label_leak(records: Records) -> list[Finding]:
    """The training tells real from generated images by something that is in neither: the label leaks.

    Real images are scored twice: in the training, and bare. Both scores are of the same networks, so whatever lies
    between them comes from what the training does to the images.
    """
    steps, real, fake, seen, made, spread = records.together(
        "real_score", "fake_score", "seen_score", "made_score", "seen_spread"
    )
    late = steps > WARM_UP // 2
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(real > fake, (seen - made) / (real - fake), 1.0)[late]
        lost = np.nan_to_num((real - seen) / spread)[late]
    series = Series(steps[late], share)
    length = lines_for(series, _LINES, _STEPS)
    shares, losses = rolling(share, length), rolling(lost, length)
    told = np.nonzero((shares < UNSEEN) | (losses > LOST))[0]
    if not len(told):
        return []
    since, at = int(series.steps[told[0]]), int(series.steps[told[0] + length - 1])
    share_left, lead = float(shares[told].min()), float(losses[told].max())
    size = max(beyond(UNSEEN, max(share_left, 0.01)), beyond(max(lead, 0.0), LOST))
    return [
        Finding(
            "label leak", DISCRIMINATOR, at, since, size,
            f"in the training the discriminator scores real images {lead:.1f} of their own spreads higher than it "
            f"scores them bare, and {share_left:.0%} of the gap to generated ones is left there (steps {since} to "
            f"{at}): what tells them apart is put there by the training itself",
            "Treat real and generated images alike before they reach the discriminator: same range, augmentation, "
            "compression, no mark and no label in one of them",
            evidence={"share": share_left, "lead": lead},
        )
    ]  # fmt: skip
