"""Evidence for the copy check: what it finds of changed training images, and what it says of honest ones.

    python benchmarks/copies.py faces.zip --keep kept/ [--gan samples/]

Of the faces a tenth is held out. The threshold is fixed on one half of the held-out faces and on 200 training images,
changed: a table says of several thresholds how many held-out faces are taken for copies and which share of the changed
ones is found, and the pictures about there are written, to be looked at: real sets hold pictures twice. What is printed
after that is of the other half, and of 200 other training images.
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

from ganbench.features.extractor import Extractor
from ganbench.features.registry import load_extractor
from ganbench.images.sources import open_source
from ganbench.metrics.copies import ALARM, Verdicts, judge, more_than
from ganbench.metrics.registration import SAME
from ganbench.references.nearest import nearest_different
from ganbench.statistics.features import FeatureSet
from ganbench.statistics.index import ImageIndex
from ganbench.statistics.known import CodedImages, HeldOut, KnownImages
from ganbench.statistics.projection import Projection
from ganbench.statistics.signatures import SIGNATURE, signatures

Change = Callable[[np.ndarray], np.ndarray]
SIZE, SETS, PER_SET, CHANGED = 64, 20, 100, 200
THRESHOLDS = (0.86, 0.88, 0.90, 0.91, 0.92, 0.93, 0.94, 0.95, 0.96)
SHOWN = 0.85  # pictures of held-out faces from so much on are written


def jpeg(quality: int) -> Change:
    def change(pixels: np.ndarray) -> np.ndarray:
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, "JPEG", quality=quality)
        return np.array(Image.open(buffer).convert("RGB"))

    return change


def mirror(pixels: np.ndarray) -> np.ndarray:
    return pixels[:, ::-1].copy()


def crop(share: float) -> Change:
    """Cut off so much of each side."""
    cut = share * SIZE
    box = (cut, cut, SIZE - cut, SIZE - cut)
    return lambda pixels: np.array(Image.fromarray(pixels).resize((SIZE, SIZE), Image.Resampling.BICUBIC, box=box))


def shift(pixels: np.ndarray) -> np.ndarray:
    return np.pad(pixels, ((0, 2), (0, 2), (0, 0)), mode="edge")[2:, 2:].copy()


def enhanced(what: type, factor: float) -> Change:
    return lambda pixels: np.array(what(Image.fromarray(pixels)).enhance(factor))


def hue(pixels: np.ndarray) -> np.ndarray:
    """Turn by a tenth of the circle."""
    turned = np.array(Image.fromarray(pixels).convert("HSV"))
    turned[..., 0] += 26
    return np.array(Image.fromarray(turned, "HSV").convert("RGB"))


def noise(pixels: np.ndarray) -> np.ndarray:
    rng = np.random.default_rng(int(pixels.sum()))
    return np.clip(pixels + rng.normal(0, 8, pixels.shape) + 0.5, 0, 255).astype(np.uint8)


def turn(pixels: np.ndarray) -> np.ndarray:
    return np.array(Image.fromarray(pixels).rotate(5, Image.Resampling.BICUBIC))


def blur(pixels: np.ndarray) -> np.ndarray:
    return np.array(Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(1)))


def both(first: Change, second: Change) -> Change:
    return lambda pixels: second(first(pixels))


SINGLE: dict[str, Change] = {
    "none": lambda pixels: pixels,
    "JPEG 85": jpeg(85),
    "JPEG 50": jpeg(50),
    "mirrored": mirror,
    "mirrored, JPEG 75": both(mirror, jpeg(75)),
    "cropped 4 %": crop(0.04),
    "cropped 10 %": crop(0.10),
    "shifted 2 px": shift,
    "brightness 1.15": enhanced(ImageEnhance.Brightness, 1.15),
    "saturation 1.3": enhanced(ImageEnhance.Color, 1.3),
    "hue": hue,
    "noise, sigma 8": noise,
    "turned 5 degrees": turn,
}
_OF_PAIRS = [name for name in SINGLE if name not in ("none", "JPEG 85", "mirrored, JPEG 75", "cropped 4 %")]
PAIRS = {f"{a} + {b}": both(SINGLE[a], SINGLE[b]) for i, a in enumerate(_OF_PAIRS) for b in _OF_PAIRS[i + 1 :]}


def features_of(extractor: Extractor, pixels: np.ndarray) -> np.ndarray:
    return np.concatenate([extractor(pixels[i : i + 64])[0] for i in range(0, len(pixels), 64)])


def signed(pixels: np.ndarray) -> np.ndarray:
    return np.concatenate([signatures(np.asarray(pixels[i : i + 256])) for i in range(0, len(pixels), 256)])


def kept(faces: str, folder: Path, extractor: Extractor) -> tuple[np.ndarray, np.ndarray]:
    """Return pixels and features of all faces, from the folder, or made and kept there."""
    folder.mkdir(parents=True, exist_ok=True)
    files = folder / "pixels64.npy", folder / "features.npy"
    if not files[0].exists():
        np.save(files[0], np.concatenate([batch.pixels for batch in open_source(faces, resize=str(SIZE)).batches(256)]))
    if not files[1].exists():
        np.save(files[1], features_of(extractor, np.load(files[0])))
    return np.load(files[0], mmap_mode="r"), np.load(files[1], mmap_mode="r")


def coded(index: ImageIndex, features: np.ndarray, marks: np.ndarray) -> CodedImages:
    return CodedImages(index.encode(features), marks, np.arange(len(marks)), len(marks))


def sets_alarmed(held_out: HeldOut, verdicts: Verdicts, per_set: int, sets: int) -> tuple[int, int]:
    """Return how many random sets are taken for a copier's, by copies and by authenticity."""
    rng, alarms = np.random.default_rng(5), [0, 0]
    for _ in range(sets):
        rows = rng.choice(len(verdicts.copied), per_set, replace=False)
        counts = (verdicts.copied, held_out.copies), (verdicts.nearer, held_out.nearer)
        for number, (which, held) in enumerate(counts):
            alarms[number] += more_than(int(which[rows].sum()), per_set, held, held_out.n) < ALARM
    return alarms[0], alarms[1]


def show(path: Path, pairs: list[tuple[np.ndarray, np.ndarray]]) -> None:
    rows = [np.hstack([*pair]) for pair in pairs]
    rows += [np.zeros_like(rows[0])] * (-len(rows) % 8)
    Image.fromarray(np.vstack([np.hstack(rows[i : i + 8]) for i in range(0, len(rows), 8)])).save(path)


def print_thresholds(held_out: np.ndarray, changed: dict[str, np.ndarray]) -> None:
    """Print what several thresholds of likeness take for copies: held-out faces, and changed images by their change."""
    print("| alike from | held-out faces of the fixing half | changed once: all, worst | twice: all, worst |")
    for threshold in THRESHOLDS:
        found = {name: float((alike >= threshold).mean()) for name, alike in changed.items()}
        once, twice = ([found[name] for name in names] for names in (SINGLE, PAIRS))
        shares = " | ".join(f"{np.mean(some):.4f}, {min(some):.3f}" for some in (once, twice))
        print(f"| {threshold:.2f} | {int((held_out >= threshold).sum())} | {shares} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("faces")
    parser.add_argument("--keep", type=Path, required=True)
    parser.add_argument("--gan", help="honest samples of a generator")
    parser.add_argument("--out", type=Path, default=Path("copies-evidence"))
    chosen = parser.parse_args()
    chosen.out.mkdir(parents=True, exist_ok=True)
    extractor = load_extractor("lite0")
    pixels, features = kept(chosen.faces, chosen.keep, extractor)
    order = np.random.default_rng(0).permutation(len(pixels))
    held, train = np.sort(order[: len(order) // 10]), np.sort(order[len(order) // 10 :])
    marks, own = signed(pixels), np.asarray(features[train])
    projection = Projection.of(FeatureSet.of(own).moments)
    codes = projection.encode(own)
    empty = ImageIndex(projection, codes, marks[train], SIGNATURE, np.zeros(len(train), np.float32), train, train)
    near = empty.length(nearest_different(codes, marks[train]))
    index = ImageIndex(projection, codes, marks[train], SIGNATURE, near, train, train)

    halves = held[::2], held[1::2]
    fixing, judging = (coded(index, np.asarray(features[half]), marks[half]) for half in halves)
    first, second = (judge(KnownImages(index), half) for half in (fixing, judging))
    held_out = HeldOut(len(first.copied), int(first.copied.sum()), int(first.nearer.sum()))
    known = KnownImages(index, held_out)
    print(f"fixing half: {held_out}")
    print(f"judging half: copied {second.copied.mean():.4f}, nearer {second.nearer.mean():.4f}")
    for name, verdicts, half in (("fixing", first, halves[0]), ("judging", second, halves[1])):
        near = np.flatnonzero(verdicts.alike >= SHOWN)
        order = near[np.argsort(-verdicts.alike[near])]
        show(chosen.out / f"alarms-{name}.png", [(pixels[half[i]], pixels[train[verdicts.row[i]]]) for i in order])
        print(f"alarms-{name}.png, eight a row, alike by: {[round(x, 3) for x in verdicts.alike[order].tolist()]}")

    rng = np.random.default_rng(2)
    samples = np.sort(rng.choice(len(train), (2, CHANGED), replace=False), axis=1)

    def blend(one: np.ndarray) -> np.ndarray:
        return ((one.astype(int) + pixels[train[rng.integers(len(train))]]) // 2).astype(np.uint8)

    def changed(change: Change, sample: np.ndarray) -> Verdicts:
        images = np.stack([change(np.asarray(pixels[train[i]])) for i in sample])
        return judge(known, coded(index, features_of(extractor, images), signed(images)))

    fixing_on = {name: changed(change, samples[0]).alike for name, change in (SINGLE | PAIRS).items()}
    print_thresholds(first.alike, fixing_on)
    print(f"judged by {SAME}:")
    print("honest sets of 500 held-out faces alarmed, of 50:", sets_alarmed(held_out, second, 500, 50))
    print("| change | found | nearer | of 20 sets of 100: copies | authenticity |")
    for name, change in {**SINGLE, "blurred": blur, "blended": blend, **PAIRS}.items():
        verdicts = changed(change, samples[1])
        sets = sets_alarmed(held_out, verdicts, PER_SET, SETS)
        share = verdicts.copied.mean()
        print(f"| {name} | {share:.3f} | {verdicts.nearer.mean():.2f} | {sets[0]} | {sets[1]} |", flush=True)
    if chosen.gan:
        drawn = np.concatenate([batch.pixels for batch in open_source(chosen.gan).batches(256)])
        verdicts = judge(known, coded(index, features_of(extractor, drawn), signed(drawn)))
        print(f"GAN: {len(drawn)} images, copied {verdicts.copied.mean():.4f}, nearer {verdicts.nearer.mean():.3f}")
        print("sets of GAN samples alarmed, of 50:", sets_alarmed(held_out, verdicts, min(500, len(drawn) // 2), 50))


if __name__ == "__main__":
    main()
