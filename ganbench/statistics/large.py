"""Search among millions of codes for all of them at once, with faiss: who looks for all pairs exactly waits for days.

Codes are kept as they are, one byte a number, in lists around centres; a code is looked for in the lists whose centres
are nearest to it. That takes 138 bytes an image, and of a million it finds the nearest other image of 99 in 100.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ganbench.errors import MetricError
from ganbench.statistics.collector import shuffled

_LISTS = 4  # times the square root of the number of codes
_LOOKED_AT = 64  # lists
_TRAINED_ON = 64  # codes a list
_ROUNDS = 10
_ROWS = 65_536  # added or looked for at once, as float32


def require_faiss() -> Any:
    """Return the module; raises ``MetricError`` where it is not installed, before hours of work that would need it."""
    try:
        import faiss
    except ImportError as e:
        raise MetricError("an index of so many images needs a package: pip install 'ganbench[index]'") from e
    return faiss


class LargeSearch:
    """Finds near codes among millions.

    Args:
        codes: (N, K) int8.

    Raises:
        MetricError: faiss is not installed.
    """

    def __init__(self, codes: np.ndarray) -> None:
        faiss = require_faiss()
        count, size = codes.shape
        lists = max(1, min(int(_LISTS * count**0.5), count // _TRAINED_ON))
        quantizer = faiss.ScalarQuantizer.QT_8bit_direct_signed
        self._centres = faiss.IndexFlatL2(size)  # the other one refers to it
        self._index = faiss.IndexIVFScalarQuantizer(self._centres, size, lists, quantizer, faiss.METRIC_L2, False)
        self._index.cp.niter, self._index.cp.max_points_per_centroid = _ROUNDS, _TRAINED_ON
        self._index.nprobe = min(_LOOKED_AT, lists)
        chosen = np.sort(shuffled(count, 0)[: lists * _TRAINED_ON])
        self._index.train(codes[chosen].astype(np.float32))
        for start in range(0, count, _ROWS):
            self._index.add(codes[start : start + _ROWS].astype(np.float32))

    def nearest(self, codes: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Return what ``nearest_codes`` does, but for what was not found.

        Returns:
            Squared distances in steps, (B, k) int64, ascending, and rows, (B, k) int64; -1 and the largest number where
            fewer than ``k`` were found.
        """
        squared = np.empty((len(codes), k), np.int64)
        rows = np.empty((len(codes), k), np.int64)
        for start in range(0, len(codes), _ROWS):
            part = slice(start, start + _ROWS)
            distances, rows[part] = self._index.search(codes[part].astype(np.float32), k)
            squared[part] = np.where(rows[part] < 0, np.iinfo(np.int64).max, np.minimum(distances, 2.0**24))
        return squared, rows
