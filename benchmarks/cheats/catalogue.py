"""All attacks, and the honest work that must not be taken for one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import combinations
from pathlib import Path

import numpy as np

from cheats import disguises, mixtures, sharing
from cheats.base import COPIED, DISAGREEING, INVALID, REPEATED, SHARED, Attack, Made
from cheats.changes import CHANGES, LANCZOS, UNDONE, Change, change_all
from cheats.files import lossless, valid
from cheats.pool import Pool, pick
from cheats.tricks import TRICKS
from ganbench.references.reference import Reference

Rng = np.random.Generator
_COPIES, _REPEATS, _SHARES, _BREAKS = (frozenset({kind}) for kind in (COPIED, REPEATED, SHARED, INVALID))
_HONEST_TRIALS = 50  # sets, where there are so many


def attacks(reference: Reference, work: Path, sample_sets: int | None) -> list[Attack]:
    """Return all, in the order of the table.

    Args:
        reference: of lite0, what the optimised images are tuned against.
        work: folder for what takes long to make.
        sample_sets: how many disjoint sets of GAN samples there are; None: any number.
    """
    return [
        *_singles(),
        *_copies(),
        *_mixtures(),
        *_tricks(),
        *_disguises(),
        *_repeats(),
        *_shared(),
        *_tuned(reference, work),
        *_rules(),
        *_pairs(),
        *_honest(sample_sets),
    ]


def _changed(pool: Pool, rng: Rng, count: int, *changes: Change, filter: str = "bicubic") -> Made:
    faces = pool.faces(pick(rng, pool.known, count), filter)
    return Made(lossless(change_all(faces, rng, *changes)))


def _singles() -> Iterator[Attack]:
    yield Attack("single/none", "training images as they are", _changed, _COPIES)
    yield Attack("single/lanczos", "Lanczos instead of bicubic", partial(_changed, filter="lanczos"), _COPIES)
    for name, change in CHANGES.items():
        yield Attack(f"single/{name}", f"training images, {name}", _one(change), _COPIES)


def _one(*changes: Change, filter: str = "bicubic") -> Callable[[Pool, Rng, int], Made]:
    def make(pool: Pool, rng: Rng, count: int) -> Made:
        return _changed(pool, rng, count, *changes, filter=filter)

    return make


def _pairs() -> Iterator[Attack]:
    for name, change in CHANGES.items():
        yield Attack(f"pair/{LANCZOS}+{name}", f"Lanczos, {name}", _one(change, filter=LANCZOS), _COPIES)
    for (name, change), (other, after) in combinations(CHANGES.items(), 2):
        if (name, other) not in UNDONE:
            yield Attack(f"pair/{name}+{other}", f"{name}, {other}", _one(change, after), _COPIES)


def _unsampled(pool: Pool, rng: Rng, count: int) -> Made:
    outside = np.setdiff1d(pool.known, pool.sampled)
    return Made(valid(pool.faces(pick(rng, outside, count))))


def _handed_in(pool: Pool, rng: Rng, count: int) -> Made:
    return Made(valid(pool.known_faces(rng, count)))


def _copies() -> Iterator[Attack]:
    yield Attack("copies/valid", "training images, packed as asked for", _handed_in, _COPIES)
    yield Attack("copies/unsampled", "training images outside the reference's sample", _unsampled, _COPIES)
    for share in (0.05, 0.1, 0.3):
        what = f"GAN samples, {share:.0%} of them training images"
        yield Attack(f"copies/among-{share:.2f}", what, partial(mixtures.dilute, share=share), _COPIES)


def _mixtures() -> Iterator[Attack]:
    for weight in (0.5, 0.6, 0.7, 0.8, 0.9):
        make = partial(mixtures.blend, weight=weight)
        yield Attack(f"blend/{weight}", f"blends of two training images, {weight:.0%} of one", make, _COPIES)
    for weight in (0.5, 0.7):
        make = partial(mixtures.blend_alike, weight=weight)
        yield Attack(f"blend/alike-{weight}", f"blends of two that look alike, {weight:.0%} of one", make, _COPIES)
    for weight in (0.5, 0.7):
        make = partial(mixtures.blend_with_samples, weight=weight)
        yield Attack(f"blend/sample-{weight}", f"a training image, {weight:.0%}, and a GAN sample", make, _COPIES)
    yield Attack("blend/halves", "left half of one, right half of another", mixtures.halves, _COPIES)
    yield Attack("blend/eyes", "with the eyes of another one", mixtures.eyes, _COPIES)
    yield Attack("blend/colours", "in the colours of another one", mixtures.recolour, _COPIES)
    yield Attack("blend/shading", "with the coarse shading of another one", mixtures.hybrid, _COPIES)
    for parts in (100, 400):
        what = f"as {parts} principal components have them (an overfitted autoencoder)"
        yield Attack(f"blend/memory-{parts}", what, partial(mixtures.remember, parts=parts), _COPIES)


def _tricks() -> Iterator[Attack]:
    def hide(change: Change) -> Callable[[Pool, Rng, int], Made]:
        return lambda pool, rng, count: Made(valid(change_all(pool.known_faces(rng, count), rng, change)))

    for name, (what, change) in TRICKS.items():
        yield Attack(f"trick/{name}", f"training images, {what}", hide(change), _COPIES)


def _disguises() -> Iterator[Attack]:
    for name, (what, _, _) in disguises.FORMS.items():
        caught = _COPIES | _BREAKS  # a judge that asks for JPEG need not look at what is none
        yield Attack(f"form/{name}", f"training images, {what}", partial(disguises.disguise, form=name), caught)


def _repeats() -> Iterator[Attack]:
    for own, whose in ((False, "unknown real faces"), (True, "GAN samples")):
        for different in (300, 100):
            name = f"repeat/{'own' if own else 'real'}-{different}"
            plain = partial(sharing.repeat, different=different, own=own, change=None)
            yield Attack(f"{name}-same", f"{different} {whose}, repeated", plain, _REPEATS)
            varied = partial(sharing.repeat, different=different, own=own)
            what = f"{different} {whose}, repeated: shifted, mirrored, recompressed"
            yield Attack(f"{name}-varied", what, varied, _REPEATS)
    what = "one unknown real face in every colour"
    yield Attack("repeat/one-in-colours", what, sharing.one_in_every_colour, _REPEATS)


def _shared() -> Iterator[Attack]:
    yield Attack("shared/files", "a classmate's files, in another order", sharing.take_as_is, _SHARES, on_board=True)
    for name, (what, changes) in sharing.WAYS.items():
        make = _taking(1.0, *changes)
        yield Attack(f"shared/{name}", f"a classmate's images, {what}", make, _SHARES, on_board=True)
    make = _taking(0.2, CHANGES["mirrored-jpeg-75"])
    yield Attack("shared/a-fifth", "200 of a classmate's images, mirrored, JPEG 75", make, _SHARES, on_board=True)


def _taking(share: float, *changes: Change) -> Callable[[Pool, Rng, int], Made]:
    return lambda pool, rng, count: sharing.take(pool, rng, count, share, *changes)


def _tuned(reference: Reference, work: Path) -> Iterator[Attack]:
    def climb(start: str, epochs: int) -> Callable[[Pool, Rng, int], Made]:
        def make(pool: Pool, rng: Rng, count: int) -> Made:
            from cheats.optimise import Climb, noise  # loads torch

            kept = work / f"{start}-{count}-{rng.bit_generator.seed_seq.entropy[2]}.npz"
            if start == "noise":
                first = noise(rng, count, pool.size)
            else:
                first = pool.samples(rng, count) if start == "samples" else pool.known_faces(rng, count)
            return Made(lossless(Climb(first, reference, kept).run(epochs)))

        return make

    def yolo(on_samples: bool) -> Callable[[Pool, Rng, int], Made]:
        def make(pool: Pool, rng: Rng, count: int) -> Made:
            from cheats.patterns import faces_for_yolo

            return faces_for_yolo(pool, rng, count, on_samples)

        return make

    tuned = frozenset({DISAGREEING})
    for start, epochs, caught in (("noise", 12, tuned), ("samples", 6, tuned), ("reals", 4, _COPIES)):
        what = f"moved down the gradient of FD[lite0], {epochs} rounds from {start}"
        make = climb(start, epochs)
        yield Attack(f"tuned/fd-from-{start}", what, make, caught, on_board=caught == tuned, most=2, slow=True)
    caught = tuned | _REPEATS
    yield Attack("tuned/yolo-patterns", "patterns that make yolo-nano fire", yolo(False), caught, True, 3, True)
    yield Attack("tuned/yolo-on-samples", "GAN samples with a faint pattern for it", yolo(True), tuned, True, 3, True)


def _rules() -> Iterator[Attack]:
    for more in (-1, 1, -500):
        make = partial(disguises.wrong_number, more=more)
        yield Attack(f"rule/number{more:+}", f"{1000 + more:,} images", make, _BREAKS, on_board=True)
    yield Attack("rule/names", "images named otherwise", disguises.wrong_names, _BREAKS, on_board=True)
    yield Attack("rule/folder", "a folder inside", disguises.nested, _BREAKS, on_board=True)
    yield Attack("rule/bytes", "over 2 MB", disguises.too_large, _BREAKS, on_board=True)
    yield Attack("rule/size", "96x96", disguises.wrong_size, _BREAKS, on_board=True)


def _honest(sample_sets: int | None) -> Iterator[Attack]:
    def real(*changes: Change) -> Callable[[Pool, Rng, int], Made]:
        return lambda pool, rng, count: Made(valid(change_all(pool.fresh_faces(rng, count), rng, *changes)))

    def own(pool: Pool, rng: Rng, count: int) -> Made:
        return Made(valid(pool.samples(rng, count)))

    def two(pool: Pool, rng: Rng, count: int) -> Made:
        return Made(valid(pool.samples(rng, count)), [valid(pool.samples(rng, count))])

    yield Attack("honest/real", "unknown real faces", real(), most=_HONEST_TRIALS)
    most = _HONEST_TRIALS if sample_sets is None else sample_sets
    yield Attack("honest/samples", "samples of a GAN", own, most=most)
    if sample_sets is None:
        yield Attack("honest/two-of-one-gan", "two sets of samples of one GAN", two, on_board=True, most=10)
    for name in ("mirrored", "cropped-10", "hue", "noise-8", "jpeg-50"):
        yield Attack(f"honest/real-{name}", f"unknown real faces, {name}", real(CHANGES[name]), most=5)
