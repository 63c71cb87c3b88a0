"""The largest singular value of every watched weight, followed from step to step by block power iteration.

A kernel counts as the matrix (outputs, everything else), as in spectral normalisation (Miyato et al. 2018). What a
convolution does to a whole image may have a larger norm than that.

A few vectors of every matrix are iterated together, and go on from those of the step before: a round a step is enough
once weights no longer change as fast as in their first steps, and a few are until then. The largest Ritz value is the
answer (Halko, Martinsson and Tropp 2011). At the start, and every so many steps, all vectors but one are drawn anew and
iterated long: a direction that nothing led to is found by then.

The vectors of a basis are rows. Products of few rows with a large matrix are several times as fast on a CPU as products
of the matrix with as few columns. A round goes over a matrix once, some rows after the others, so that whoever has just
handled these rows finds them in the cache.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch

_BLOCK = 8  # vectors of a matrix
EARLY = 16  # steps, the first of all
_EARLY_ROUNDS = 4  # in each of them
_START = 20  # rounds at a start
RENEWED = 256  # steps from start to start
_SQUARINGS = 8  # of a small matrix, after which its largest eigenvalue is left alone

# Does something to one tensor for each matrix, among the processes that share the matrices.
Exchange = Callable[[list[torch.Tensor]], list[torch.Tensor]]
# The number of a matrix, and some of its rows.
Rows = tuple[int, torch.Tensor]


def alone(tensors: list[torch.Tensor]) -> list[torch.Tensor]:
    """Return them as they are: there are no other processes."""
    return tensors


class Spectrum:
    """Follows the largest singular values of some matrices."""

    def __init__(self, total: Exchange = alone, complete: Exchange = alone) -> None:
        """Begin with nothing known.

        Args:
            total: sums over processes, where each has some rows of every matrix.
            complete: of products that have this process's rows, makes those whole that others have a part of.
        """
        self._total = total
        self._complete = complete
        self._bases: list[torch.Tensor] = []  # (_BLOCK or fewer, columns), orthonormal rows, the best first
        self._steps = 0

    def norms(self, matrices: list[torch.Tensor], passing: Iterable[Rows] | None = None) -> list[torch.Tensor]:
        """Return the 2-norms of the matrices, scalars of their type; NaN for one that is not finite.

        Args:
            matrices: float (rows, columns) each, at least one; at every call the same ones, changed a little.
            passing: the rows of all matrices, a part after the other; it is gone through before anything else is read.
        """
        rounds = _EARLY_ROUNDS if self._steps < EARLY else 1
        if self._steps % RENEWED == 0:
            self._bases, rounds = self._drawn(matrices), _START
        self._steps += 1
        for _ in range(rounds):
            before = self._bases
            back = self._total(self._there_and_back(matrices, passing))
            passing = None
            self._bases = [
                _orthonormal(torch.where(b.isfinite().all(), b, old)) for b, old in zip(back, before, strict=True)
            ]
        images_grams = _grams([v @ b.t() for v, b in zip(before, back, strict=True)])  # V'(M'MV) = (MV)'(MV)
        return list(_largest(images_grams, _grams([b @ b.t() for b in back])))

    def _there_and_back(self, matrices: list[torch.Tensor], passing: Iterable[Rows] | None) -> list[torch.Tensor]:
        """Return the bases times M'M, as far as this process has its rows."""
        passing = enumerate(matrices) if passing is None else passing
        if self._complete is alone:
            sums: list[torch.Tensor | None] = [None for _ in matrices]
            for i, rows in passing:
                image, sum_ = self._bases[i] @ rows.t(), sums[i]
                sums[i] = image @ rows if sum_ is None else sum_.addmm_(image, rows)
            return [torch.zeros_like(b) if s is None else s for s, b in zip(sums, self._bases, strict=True)]
        for _ in passing:  # images must be whole before they go back
            pass
        images = self._complete([(b @ m.t()).t() for m, b in zip(matrices, self._bases, strict=True)])
        return [i.t() @ m for m, i in zip(matrices, images, strict=True)]

    def _drawn(self, matrices: list[torch.Tensor]) -> list[torch.Tensor]:
        """Return random vectors, and the best of those that are known."""
        stream = torch.Generator().manual_seed(0)  # of its own: nothing is taken from the user's
        blocks = [torch.randn(min(_BLOCK, m.shape[1]), m.shape[1], generator=stream).to(m) for m in matrices]
        for block, basis in zip(blocks, self._bases, strict=False):  # none the first time
            block[0] = basis[0]
        return [_orthonormal(block) for block in blocks]


def _orthonormal(rows: torch.Tensor) -> torch.Tensor:
    """Return orthonormal rows that span the same; of the first only the sign may change, and the length."""
    return torch.linalg.qr(rows.t()).Q.t()


def _grams(products: list[torch.Tensor]) -> torch.Tensor:
    """Return small square matrices as one tensor (N, _BLOCK, _BLOCK), filled up with zeros."""
    return torch.stack([torch.nn.functional.pad(p, (0, _BLOCK - len(p)) * 2) for p in products])


def _largest(images: torch.Tensor, back: torch.Tensor) -> torch.Tensor:
    """Return the largest singular values that a basis V shows, (N,), without waiting for a GPU, as ``eigh`` would.

    Args:
        images: (MV)'(MV), (N, K, K).
        back: (M'MV)'(M'MV), the same.
    """
    best = images
    for _ in range(_SQUARINGS):  # towards the projection to the eigenvector of the largest eigenvalue
        best = best / _trace(best).clamp_min(torch.finfo(best.dtype).tiny)[:, None, None]
        best = best @ best
    # |M'Mx| / |Mx| lies nearer to the singular value than |Mx| does, and at no more cost.
    value = (_trace(best @ back @ best) / _trace(best @ images @ best)).sqrt()
    return torch.where(_trace(images) == 0, 0, value)


def _trace(matrices: torch.Tensor) -> torch.Tensor:
    return matrices.diagonal(dim1=1, dim2=2).sum(1)
