"""The form of reference files: its number, and the checksum over all arrays of one."""

from __future__ import annotations

import hashlib

import numpy as np

SCHEMA = 4  # 1 has no index of all images and no held-out part, 2 no wavelet packets, 3 no looks and kinds
SINCE = {"index": 2, "held_out": 2, "packets": 3, "looks": 4}  # which schema brought what


def checksum(arrays: dict[str, np.ndarray]) -> str:
    """Return the SHA-256 over names, types, shapes and bytes of arrays, 64 hex digits."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        digest.update(array.data if array.size and array.dtype.kind in "biuf" else array.tobytes())
    return digest.hexdigest()
