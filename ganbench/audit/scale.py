"""How much an audit does: the sizes of the sets and how many there are."""

from __future__ import annotations

from dataclasses import dataclass

from ganbench.errors import GanbenchError

USUAL = 1000  # images that a user scores, where nothing else is said
_LEAST = 50


@dataclass(frozen=True)
class Scale:
    """How much is done.

    Attributes:
        n: Images that the user scores; the verdicts are for so many.
        sizes: Numbers of images at which sets are compared, ascending; ``n`` is one of them.
        sets: Disjoint sets of each size, at most.
        images: Images of a set that something is done to.
        corrupted: Sets of each size that a corrupted set is cut into, at most.
        repeats: Repetitions of every synthetic check.
        coverage: Disjoint sets whose intervals are counted.
        drawn: Toy faces that are drawn.
        points: Settings along a synthetic check, at most.
    """

    n: int = USUAL
    sizes: tuple[int, ...] = (250, USUAL, 5000)
    sets: int = 10
    images: int = USUAL
    corrupted: int = 4
    repeats: int = 10
    coverage: int = 100
    drawn: int = 2000
    points: int = 7

    @classmethod
    def of(cls, n: int = USUAL, *, quick: bool = False) -> Scale:
        """Return the usual scale, or one for a first look, for a user who scores ``n`` images.

        Raises:
            GanbenchError: so few images that nothing can be said.
        """
        if n < _LEAST:
            raise GanbenchError(f"--n {n}: with fewer than {_LEAST} images no metric tells anything")
        if quick:
            sizes = tuple(sorted({250, n}))
            return cls(n, sizes, sets=8, images=max(250, min(n, 500)), corrupted=2, repeats=2, coverage=40, drawn=600,
                       points=5)  # fmt: skip
        return cls(n, tuple(sorted({250, USUAL, 5000, n})), images=max(USUAL, min(n, 5000)))

    def plain(self) -> dict[str, object]:
        """Return plain data."""
        return {name: list(v) if isinstance(v := getattr(self, name), tuple) else v for name in self.__annotations__}
