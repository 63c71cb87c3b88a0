"""Two networks against each other: which way each of them pulls, and whether one has left the other behind."""

from __future__ import annotations

import numpy as np

from ganbench.doctor.finding import DISCRIMINATOR, GENERATOR, Finding, beyond
from ganbench.doctor.records import Records, Series
from ganbench.doctor.rules_layers import relative_steps
from ganbench.doctor.windows import WARM_UP, after, held_for, lines_for, rolling, share_held

_LINES = 10  # logged steps, and ...
_STEPS = 100  # ... steps, that a condition must hold
AGAINST = 0.8  # share of the generator's steps that lower its own images' scores; healthy: below 0.1
BACKWARDS = 0.1  # share of pairs in which a discriminator that works backwards puts the real image first
CHANCE = 0.15  # around one half: a discriminator that cannot tell
SURELY = 0.4  # from one half: one that can
SURE = (
    1e-4  # loss of a discriminator that is read as a probability, from which nothing comes back; healthy: seldom below
)
FASTER = 3.0  # relative step of the discriminator over the generator's; healthy: 0.2 to 2.2
MANY_STEPS = 15  # of the discriminator for one of the generator; the WGAN paper has 5
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


def too_strong(records: Records) -> list[Finding]:
    """The discriminator has left the generator behind."""
    return [*_too_sure(records), *_too_fast(records), *_too_often(records)]


_HELP = (
    "A smaller learning rate or width of the discriminator, fewer of its steps for each of the generator's "
    "(training.n_critic), or a gradient penalty brings them together"
)


def _too_sure(records: Records) -> list[Finding]:
    """Where a Sigmoid reads the answer: a loss of next to nothing."""
    loss = after(records.get("discriminator_loss"), WARM_UP)
    if records.facts.probability is not True or (records.facts.penalised is True and not len(loss)):
        return []
    run = held_for(loss.values <= SURE, lines_for(loss, _LINES, _STEPS))
    if run is None:
        return []
    value = float(np.median(loss.values[run[0] : run[1] + 1]))
    since, at = int(loss.steps[run[0]]), int(loss.steps[run[1]])
    return [
        Finding(
            "discriminator too strong", DISCRIMINATOR, at, since, beyond(SURE, max(value, 1e-12)),
            f"the discriminator's loss is {value:.1e} between steps {since} and {at}: it is sure of every image, and "
            "the generator is told no difference between its better and its worse ones",
            _HELP, evidence={"loss": value},
        )
    ]  # fmt: skip


def _too_fast(records: Records) -> list[Finding]:
    """Its weights move so much faster than the generator's that these cannot follow."""
    d, g = (
        Series(*relative_steps(records.layers[name])) if name in records.layers else Series(np.zeros(0), np.zeros(0))
        for name in (DISCRIMINATOR, GENERATOR)
    )
    steps = np.intersect1d(d.steps, g.steps)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = d.values[np.searchsorted(d.steps, steps)] / g.values[np.searchsorted(g.steps, steps)]
    moving = np.isfinite(ratio)
    series = after(Series(steps[moving], ratio[moving]), 20)
    length = lines_for(series, _LINES, _STEPS)
    medians = rolling(series.values, length)
    above = np.nonzero(medians >= FASTER)[0]
    if not len(above):
        return []
    since, at = int(series.steps[above[0]]), int(series.steps[above[0] + length - 1])
    value = float(medians[above].max())
    return [
        Finding(
            "discriminator too strong", DISCRIMINATOR, at, since, beyond(value, FASTER),
            f"a step changes the discriminator {value:.0f} times as much, relative to its weights, as the generator "
            f"(steps {since} to {at})",
            _HELP, evidence={"ratio": value},
        )
    ]  # fmt: skip


def _too_often(records: Records) -> list[Finding]:
    """It takes so many steps for each of the generator's, and tells all apart."""
    count = records.facts.n_critic
    told = records.get("told_apart")
    run = held_for(told.values >= 0.99, lines_for(told, _LINES, _STEPS))
    if count is None or count < MANY_STEPS or run is None:
        return []
    since, at = int(told.steps[run[0]]), int(told.steps[run[1]])
    return [
        Finding(
            "discriminator too strong", DISCRIMINATOR, at, since, beyond(count, MANY_STEPS),
            f"the discriminator takes {count} steps for each of the generator's, and tells every pair apart between "
            f"steps {since} and {at}: the generator hardly trains",
            "training.n_critic=5 is what the WGAN paper takes, 1 or 2 is usual with other losses",
            evidence={"n_critic": float(count)},
        )
    ]  # fmt: skip


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
