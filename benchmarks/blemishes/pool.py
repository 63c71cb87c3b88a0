"""The images that faults are put into: real faces that no reference knows, and samples of a generator."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.cluster.vq import kmeans2

from blemishes.base import LEVELS, Fault
from blemishes.choices import KINDS
from ganbench.errors import GanbenchError
from ganbench.features.collect import collect_features
from ganbench.features.registry import load_extractor
from ganbench.images.resize import Resize
from ganbench.images.sources import open_source
from ganbench.references.reference import Reference

FACES, GAN = "faces", "gan"
SIZE = 64
_DRAWN = 3000  # samples of a generator
_TIMES = 4  # a pool must be so many times as large as a set, or sets of it would be the same images again and again


@dataclass(frozen=True)
class Pool:
    """Images of one material.

    Attributes:
        material: ``FACES`` or ``GAN``.
        pixels: uint8 (N, 64, 64, 3).
        features: lite0's, (N, 1280).
        kinds: which of ``KINDS`` groups of the pool an image is in, (N,).
        origin: a digest of where the images come from.
        originals: gives images before the resize, by their rows; None: there is nothing but what ``pixels`` holds.
    """

    material: str
    pixels: np.ndarray
    features: np.ndarray
    kinds: np.ndarray
    origin: str
    originals: Callable[[np.ndarray], Sequence[np.ndarray]] | None = None

    def clean(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """Return rows of as many different images, drawn at random."""
        return rng.permutation(len(self.pixels))[:count]

    def spoilt(self, fault: Fault, level: str, count: int, seed: int, trial: int, sign: int) -> np.ndarray:
        """Return a set with a fault, uint8 (count, 64, 64, 3).

        Samples of a generator are the same ones for every fault, so that one clean set is the twin of all.
        """
        rng, strength = fault.random(seed, self.material, trial), fault.strengths[LEVELS.index(level)]
        if fault.choice is not None:
            rows = fault.choice(self.kinds, self.features, count, strength, rng)
            if len(rows) < count:
                raise GanbenchError(f"{self.material}: too few images for {count} with {fault.name}: a lower --count")
            return self.pixels[rows]
        assert fault.change is not None
        rows = self.clean(count, rng if self.material == FACES else twin_draw(seed, trial))
        if fault.before_resize and self.originals is not None:
            return fault.change(self.originals(rows), strength, sign, rng)
        return fault.change(self.pixels[rows], strength, sign, rng)


def twin_draw(seed: int, trial: int) -> np.random.Generator:
    """Return the random numbers by which a clean set of samples is drawn."""
    return np.random.default_rng([seed, zlib.crc32(GAN.encode()), trial])


def held_out(data: Path, reference: Reference, keep: Path) -> Pool:
    """Return the faces of an archive that are not in the reference.

    Args:
        data: the archive that the reference was made from a part of.
        reference: its index says which images it knows.
        keep: a folder for what takes long to compute.

    Raises:
        GanbenchError: the reference has no index, or knows all of them.
    """
    source = open_source(data)
    if reference.index is None:
        raise GanbenchError(f"reference {reference.name} does not say which images it knows: build it anew")
    rest = np.setdiff1d(np.arange(len(source)), np.asarray(reference.index.positions))
    if not len(rest):
        raise GanbenchError(f"{data}: {reference.name} knows all of these images. Give an archive that has more")

    resize = Resize(SIZE, SIZE, "bicubic")  # as the reference's images were

    def pixels() -> np.ndarray:
        return np.stack([resize(source.load(int(position))) for position in rest])

    def originals(rows: np.ndarray) -> list[np.ndarray]:
        return [source.load(int(rest[row])) for row in rows]

    return _kept(FACES, keep, source.digest(), pixels, originals)


def samples(path: Path, keep: Path) -> Pool:
    """Return samples: those of an archive, or drawn anew from a run folder or ``G.pth``."""
    if path.suffix == ".pth" or (path / "recipe.toml").is_file():
        from ganbench.training.checkpoint import load_checkpoint
        from ganbench.training.sampling import load_generator, sample

        step = load_checkpoint(path / "checkpoint.pt", "cpu")["step"] if path.is_dir() else ""

        def drawn() -> np.ndarray:
            return np.concatenate(list(sample(load_generator(path), _DRAWN, seed=0)))

        return _kept(GAN, keep, f"{path.name} {step}", drawn)
    source = open_source(path, resize=str(SIZE))
    return _kept(GAN, keep, source.digest(), lambda: np.concatenate([b.pixels for b in source.batches(256)]))


def _kept(
    material: str,
    keep: Path,
    origin: str,
    make: Callable[[], np.ndarray],
    originals: Callable[[np.ndarray], Sequence[np.ndarray]] | None = None,
) -> Pool:
    folder = keep / material
    names = ("pixels", "features", "kinds")
    told = folder / "origin.txt"
    if not told.exists():
        folder.mkdir(parents=True, exist_ok=True)
        pixels = make()
        seen = collect_features(
            open_source(pixels), load_extractor("lite0"), cap=len(pixels), seed=0, what=f"features of {material}"
        )
        features = seen.sample
        _, kinds = kmeans2(features.astype(np.float64), KINDS, minit="++", seed=np.random.default_rng(0))
        for name, array in zip(names, (pixels, features, kinds), strict=True):
            np.save(folder / f"{name}.npy", array)
        told.write_text(origin, "utf-8")
    if told.read_text("utf-8") != origin:
        raise GanbenchError(f"{folder} is of other images. Give another --keep")
    pixels, features, kinds = (np.load(folder / f"{name}.npy", mmap_mode="r") for name in names)
    return Pool(material, pixels, features, kinds, origin, originals)


def check_size(pool: Pool, count: int) -> None:
    """Check that sets of this size differ from each other.

    Raises:
        GanbenchError: they would not.
    """
    if len(pool.pixels) < _TIMES * count:
        most = len(pool.pixels) // _TIMES
        few = f"{len(pool.pixels)} images are too few for sets of {count}"
        raise GanbenchError(f"{pool.material}: {few}: --count {most}")
