"""The largest singular value of every watched weight, followed from step to step by power iteration.

A kernel counts as the matrix (outputs, everything else), as in spectral normalisation (Miyato et al. 2018). What a
convolution does to a whole image may have a larger norm than that.

One iteration a step is enough while weights move little between steps, for it goes on from the singular vector of the
step before. The first vector, and every so many steps a new one, comes from block iteration, which does not depend on
what was found before: a direction that has overtaken the one that is followed is seen at the latest then.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

_BLOCK = 8  # vectors that are iterated together at a start
_ROUNDS = 20  # of the block
RENEWED = 256  # steps from start to start

# Sums tensors over the processes that share the matrices by rows; by default there are none.
Sum = Callable[[list[torch.Tensor]], list[torch.Tensor]]


class Spectrum:
    """Follows the largest singular values of some matrices."""

    def __init__(self, total: Sum = lambda tensors: tensors) -> None:
        """Begin with nothing known.

        Args:
            total: sums over processes, where each has some rows of every matrix.
        """
        self._total = total
        self._vectors: list[torch.Tensor] = []
        self._steps = 0

    def norms(self, matrices: list[torch.Tensor]) -> list[torch.Tensor]:
        """Return the 2-norms of the matrices, scalars of their type; NaN for one that is not finite.

        Args:
            matrices: float (rows, columns) each; at every call the same ones, changed a little.
        """
        if not matrices:
            return []
        if self._steps % RENEWED == 0:
            self._vectors = self._start(matrices)
        self._steps += 1
        left = [m @ v for m, v in zip(matrices, self._vectors, strict=True)]
        right = self._total([m.t() @ u for m, u in zip(matrices, left, strict=True)])
        lengths = torch._foreach_norm(right)
        squares = self._total([u.square().sum() for u in left])
        # |M'u| / |u| lies nearer to the singular value than |Mv| does, and at no more cost.
        values = [r / s.sqrt() for r, s in zip(lengths, squares, strict=True)]
        self._vectors = [
            torch.where(length.isfinite() & (length > 0), vector / length, before)
            for length, vector, before in zip(lengths, right, self._vectors, strict=True)
        ]
        return [torch.where(length == 0, 0, value) for length, value in zip(lengths, values, strict=True)]

    def _start(self, matrices: list[torch.Tensor]) -> list[torch.Tensor]:
        """Return the right singular vectors of the largest singular values, (columns,) each, by block iteration."""
        stream = torch.Generator().manual_seed(0)  # of its own: nothing is taken from the user's
        widths = [min(_BLOCK, m.shape[1]) for m in matrices]
        blocks = [torch.randn(m.shape[1], w, generator=stream).to(m) for m, w in zip(matrices, widths, strict=True)]
        for block, known in zip(blocks, self._vectors, strict=False):  # none the first time
            block[:, 0] = known
        for _ in range(_ROUNDS):
            images = self._total([m.t() @ (m @ b) for m, b in zip(matrices, blocks, strict=True)])
            blocks = [torch.linalg.qr(i.nan_to_num(0, 0, 0)).Q for i in images]
        projected = [m @ b for m, b in zip(matrices, blocks, strict=True)]
        grams = self._total([p.t() @ p for p in projected])
        turns = [torch.linalg.eigh(gram.nan_to_num(0, 0, 0)).eigenvectors[:, -1] for gram in grams]
        return [block @ turn for block, turn in zip(blocks, turns, strict=True)]
