"""How often does compare find a difference where there is none, and how often where there is one?

    python benchmarks/compare.py features.npy --count 500 --keep folder            # some minutes; again: goes on
    python benchmarks/compare.py features.npy --count 1000 --pixels pixels.npy --keep folder --minutes 2.5
    python benchmarks/compare.py features.npy --count 1000 --keep folder --minutes 0   # the table of what is there

FEATURES are of real faces, (N, D). Some are the reference. The others are cut into disjoint sets, in several random
ways, and every pair of sets of one cut is a null comparison: whatever is told apart there is a false positive. Of some
sets a share of the images is replaced by blends of two faces each: what is told apart there from untouched sets is
found. How each value of a set varies is kept in a folder, so that the work can be stopped and goes on. With the pixels
of the same images, uint8 (N, H, W, 3), the metrics that read no features are tried too; blends have none.
"""

from __future__ import annotations

import argparse
import hashlib
import time
from itertools import combinations
from pathlib import Path

import numpy as np

from ganbench.comparison.difference import of_sets
from ganbench.detectors.answers import detections
from ganbench.detectors.registry import load_detector
from ganbench.metrics.base import Metric
from ganbench.metrics.neighbours import Pairs
from ganbench.metrics.registry import METRICS
from ganbench.metrics.variation import Variation
from ganbench.metrics.varying import vary
from ganbench.references.nearest import nearest_different
from ganbench.scoring.options import DEFAULT_DETECTOR
from ganbench.statistics.detections import DetectionSet
from ganbench.statistics.features import FeatureSet
from ganbench.statistics.index import ImageIndex
from ganbench.statistics.known import CodedImages, KnownImages
from ganbench.statistics.pixels import PixelSet
from ganbench.statistics.projection import Projection
from ganbench.statistics.signatures import SIGNATURE, signatures

BLENDS = (0.05, 0.1, 0.2)
READ = ("moments", "features")  # of metrics that read features alone
FIELDS = ("each", "halves", "trials")


class Kept:
    """Keeps in this process what follows from the reference."""

    def __init__(self) -> None:
        self._arrays: dict[str, np.ndarray] = {}

    def load(self, name: str) -> np.ndarray | None:
        return self._arrays.get(name)

    def save(self, name: str, array: np.ndarray) -> None:
        self._arrays[name] = array


class Faces:
    """The features, cut into a reference and disjoint sets."""

    def __init__(self, features: np.ndarray, count: int, real: int) -> None:
        order = np.random.default_rng(0).permutation(len(features))
        reference = FeatureSet.of(features[np.sort(order[:real])])
        self.real = FeatureSet(reference.moments, reference.sample, reference.sample_index, memory=Kept())
        self._features, self._rest, self.count = features, order[real:], count
        self.sets = len(self._rest) // count

    def rows(self, cut: int, number: int) -> np.ndarray:
        """Return the images of one set of a cut."""
        order = np.random.default_rng([1, cut]).permutation(self._rest)
        return np.sort(order[number * self.count : (number + 1) * self.count])

    def features(self, cut: int, number: int, blended: float) -> np.ndarray:
        """Return the features of a set, some of which are those half way between two faces of it."""
        found = np.array(self._features[self.rows(cut, number)])
        draw = np.random.default_rng([2, cut, number])
        for row in draw.permutation(self.count)[: round(blended * self.count)]:
            found[row] = (found[row] + found[draw.integers(self.count)]) / 2
        return found


class Pictures:
    """The pixels of the same images, as the metrics see them that read no features."""

    def __init__(self, pixels: np.ndarray, faces: Faces, folder: Path) -> None:
        self._pixels, self._faces = pixels, faces
        self._counts = self._faces_found(folder / "faces.npy")
        known = np.sort(np.random.default_rng(0).permutation(len(pixels))[: faces.real.n])
        projection = Projection.of(faces.real.moments)
        codes, seen = projection.encode(faces.real.sample), signatures(np.array(pixels[known]))
        nearest = (np.sqrt(nearest_different(codes, seen)) * projection.step).astype(np.float32)
        names = [str(number) for number in known]
        self.known = KnownImages(ImageIndex(projection, codes, seen, SIGNATURE, nearest, known, names))

    def _faces_found(self, kept: Path) -> np.ndarray:
        """Return how many faces there are in each image, (N,) int64; found once."""
        if not kept.is_file():
            detector = load_detector(DEFAULT_DETECTOR)
            parts = (self._pixels[start : start + 256] for start in range(0, len(self._pixels), 256))
            np.save(kept, [len(one.scores) for part in parts for one in detections(detector, np.array(part))])
        found: np.ndarray = np.load(kept, allow_pickle=False)
        return found

    def side(self, needs: str, cut: int, number: int) -> CodedImages | PixelSet | DetectionSet:
        """Return one set of a cut."""
        rows = self._faces.rows(cut, number)
        pixels = np.array(self._pixels[rows])
        if needs == "pixels":
            return PixelSet.of([hashlib.sha256(image.tobytes()).hexdigest() for image in pixels])
        if needs == "detections":
            boxes = [(np.ones((count, 4)), np.ones(count)) for count in self._counts[rows]]
            return DetectionSet.of(boxes, pixels.shape[1:3])
        codes = self.known.index.encode(self._faces.features(cut, number, 0.0))
        return CodedImages(codes, signatures(pixels), np.arange(len(rows)), len(rows))


def kept_name(metric: str, cut: int, number: int, blended: float) -> str:
    return f"{metric}-{cut}-{number}-{blended:g}.npz"


def write(path: Path, found: Variation) -> None:
    arrays = {name: getattr(found, name) for name in FIELDS if getattr(found, name) is not None}
    numbers = np.array([found.value, found.n, np.nan if found.units is None else found.units, found.grain])
    np.savez(path, numbers=numbers, **arrays)


def read(path: Path) -> Variation:
    with np.load(path, allow_pickle=False) as file:
        value, n, units, grain = file["numbers"].tolist()
        arrays = {name: file[name] for name in FIELDS if name in file.files}
    return Variation(value, int(n), units=None if np.isnan(units) else units, grain=grain, **arrays)


def work(faces: Faces, pictures: Pictures | None, metrics: list[Metric], cuts: int, folder: Path, until: float) -> None:
    """Compute how values vary, until the time is over."""
    todo = [(cut, number, 0.0) for cut in range(cuts) for number in range(faces.sets)]
    todo += [(0, number, share) for share in BLENDS for number in range(faces.sets // 2)]
    for cut, number, share in todo:
        wanted = [m for m in metrics if m.needs in READ or (pictures is not None and not share)]
        missing = [m for m in wanted if not (folder / kept_name(m.name, cut, number, share)).is_file()]
        if not missing:
            continue
        if time.monotonic() > until:
            return
        fake = FeatureSet.of(faces.features(cut, number, share))
        pairs = Pairs(faces.real, fake, 0)
        for metric in missing:
            if metric.needs in READ:
                found = vary(metric, real=faces.real, fake=fake, pairs=pairs)
            else:
                known = pictures.known if metric.needs == "index" else None
                found = vary(metric, real=known, fake=pictures.side(metric.needs, cut, number))
            write(folder / kept_name(metric.name, cut, number, share), found)


def table(faces: Faces, metrics: list[str], cuts: int, folder: Path) -> None:
    """Print a line for every metric: false positives, and what is found of each share of blends."""
    print(f"n = {faces.count}, reference of {faces.real.n}; level 5 %\n")
    titles = " | ".join(f"{100 * share:g} % blends" for share in BLENDS)
    print(f"| metric | null comparisons | false positives | error / true spread | {titles} |")
    print("|---|---|---|---|" + "---|" * len(BLENDS))
    for name in metrics:
        known = {
            (cut, number): read(path)
            for cut in range(cuts)
            for number in range(faces.sets)
            if (path := folder / kept_name(name, cut, number, 0.0)).is_file()
        }
        found = [of_sets(known[a], known[b]) for a, b in combinations(sorted(known), 2) if a[0] == b[0]]
        if not found:
            continue
        wrong = float(np.mean([one.p < 0.05 for one in found]))
        spread = np.sqrt(2) * np.std([one.value for one in known.values()], ddof=1)
        ratio = np.sqrt(np.mean([one.error**2 for one in found])) / spread if spread else float("nan")
        cells = [_found(name, share, known, faces, folder) for share in BLENDS]
        print(
            f"| {name} | {len(found)} of {len(known)} sets | {100 * wrong:.1f} % | {ratio:.2f} | {' | '.join(cells)} |"
        )


def _found(name: str, share: float, known: dict[tuple[int, int], Variation], faces: Faces, folder: Path) -> str:
    """Return how often blended sets are told from untouched ones, none of whose images they have."""
    others = [known[0, number] for number in range(faces.sets // 2, faces.sets) if (0, number) in known]
    paths = [folder / kept_name(name, 0, number, share) for number in range(faces.sets // 2)]
    p = [of_sets(read(path), other).p for path in paths if path.is_file() for other in others]
    return f"{100 * np.mean(np.array(p) < 0.05):.0f} %" if p else "–"


def main() -> None:
    """Do some of the work, and print the table of what is done."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("features", type=Path, help="features of real faces, .npy")
    parser.add_argument("--pixels", type=Path, help="pixels of the same images, .npy")
    parser.add_argument("--count", type=int, default=500, help="images of a set")
    parser.add_argument("--real", type=int, default=5000, help="images of the reference")
    parser.add_argument("--cuts", type=int, default=4, help="ways to cut the others into sets")
    parser.add_argument("--metric", action="append", choices=list(METRICS), help="default: the default ones")
    parser.add_argument("--keep", type=Path, required=True, help="folder for what is computed")
    parser.add_argument("--minutes", type=float, default=60, help="how long to work")
    args = parser.parse_args()
    faces = Faces(np.load(args.features, mmap_mode="r"), args.count, args.real)
    usual = [name for name in METRICS if METRICS[name].default and METRICS[name].needs != "logits"]
    names = args.metric or usual
    folder = args.keep / str(args.count)
    folder.mkdir(parents=True, exist_ok=True)
    until = time.monotonic() + 60 * args.minutes
    if args.minutes > 0:
        pictures = None if args.pixels is None else Pictures(np.load(args.pixels, mmap_mode="r"), faces, args.keep)
        work(faces, pictures, [METRICS[name] for name in names], args.cuts, folder, until)
    table(faces, names, args.cuts, folder)


if __name__ == "__main__":
    main()
