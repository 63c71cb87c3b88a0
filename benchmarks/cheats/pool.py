"""The faces that a cheat has: those that the judge remembers, those that it does not, and samples of a GAN."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ganbench.images.resize import Resize
from ganbench.images.sources import open_source

if TYPE_CHECKING:
    from ganbench.models.generator import Generator

EXAMPLES = Path(__file__).resolve().parent.parent.parent / "examples"


class Pool:
    """Real faces by what the judge knows of them.

    Attributes:
        known: positions of the images that made the reference.
        sampled: those of them in the reference's feature sample.
        fresh: positions that no reference knows: what an honest person could at best hand in.
        size: pixels of a side of what is handed in.
    """

    def __init__(
        self,
        data: Path,
        known: np.ndarray,
        sampled: np.ndarray,
        *,
        fresh: np.ndarray | None = None,
        generator: Path | None = None,
        size: int = 64,
    ) -> None:
        """Open the faces.

        Args:
            data: a folder or archive of real images.
            known: see above.
            sampled: see above.
            fresh: see above; default: all that are not known.
            generator: a run folder or ``G.pth`` that honest samples are drawn from; default: ``examples/wgan.tgz``.
            size: see above.
        """
        self._source = open_source(data)
        self.known = np.asarray(known)
        self.sampled = np.asarray(sampled)
        self.fresh = np.setdiff1d(np.arange(len(self._source)), known) if fresh is None else np.asarray(fresh)
        self.size = size
        self._generator_path = generator

    def names(self, positions: np.ndarray) -> list[str]:
        """Return the names of images."""
        return [self._source.names[position] for position in positions]

    def faces(self, positions: np.ndarray, filter: str = "bicubic") -> np.ndarray:
        """Return images, uint8 (n, size, size, 3), resized as the reference's were, or by another filter."""
        resize = Resize(self.size, self.size, filter)
        return np.stack([resize(self._source.load(int(position))) for position in positions])

    def known_faces(self, rng: np.random.Generator, count: int) -> np.ndarray:
        """Return ``count`` different images that the judge remembers."""
        return self.faces(pick(rng, self.known, count))

    def fresh_faces(self, rng: np.random.Generator, count: int) -> np.ndarray:
        """Return ``count`` different images that no reference knows."""
        return self.faces(pick(rng, self.fresh, count))

    @property
    def sample_sets(self) -> int | None:
        """How many disjoint sets of 1,000 samples there are; None: as many as anybody wants."""
        return None if self._generator_path else 1

    def samples(self, rng: np.random.Generator, count: int) -> np.ndarray:
        """Return images of a GAN, uint8 (count, size, size, 3)."""
        if self._generator_path is None:
            return self._example[pick(rng, np.arange(len(self._example)), count)]
        from ganbench.training.sampling import sample

        return np.concatenate(list(sample(self._generator, count, seed=int(rng.integers(2**31)))))

    @cached_property
    def _generator(self) -> Generator:
        from ganbench.training.sampling import load_generator

        assert self._generator_path is not None
        return load_generator(self._generator_path)

    @cached_property
    def _example(self) -> np.ndarray:
        source = open_source(EXAMPLES / "wgan.tgz", resize=str(self.size))
        return np.concatenate([batch.pixels for batch in source.batches(256)])


def pick(rng: np.random.Generator, positions: np.ndarray, count: int) -> np.ndarray:
    """Return so many different ones of the positions, in random order; all of them again where they do not suffice."""
    rounds = -(-count // len(positions))
    return np.concatenate([rng.permutation(positions) for _ in range(rounds)])[:count]
