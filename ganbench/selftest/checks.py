"""One question of the self-test, and its answer."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Check:
    """One value held against the one that it must have.

    Attributes:
        what: what was checked.
        ok: whether it is as it must be, within its tolerance.
        exact: whether it is so to the bit.
        found: what was found, in words.
        digest: of what was found, 64 hex digits; "" where there is nothing.
        skipped: why it was not checked; then it counts neither way.
    """

    what: str
    ok: bool
    exact: bool
    found: str
    digest: str = ""
    skipped: str = ""

    @classmethod
    def left_out(cls, what: str, why: str) -> Check:
        """Return a check that was not made."""
        return cls(what, True, False, f"not checked: {why}", skipped=why)

    @classmethod
    def failed(cls, what: str, why: str) -> Check:
        """Return a check that could not be made, and should have been."""
        return cls(what, False, False, why)


def text_check(what: str, found: str, expected: str) -> Check:
    """Return the check of a text, such as a hash: only the very same will do."""
    ok = found == expected
    said = found[:12] if ok else f"{found[:12]}, and it must be {expected[:12]}"
    return Check(what, ok, ok, said, hashlib.sha256(found.encode()).hexdigest())


def array_check(what: str, found: np.ndarray, expected: np.ndarray, tolerance: float, unit: str = "") -> Check:
    """Return the check of an array: no number may be further off than the tolerance, in the array's own unit."""
    digest = hashlib.sha256(found.tobytes()).hexdigest()
    if found.shape != expected.shape:
        return Check(what, False, False, f"of shape {found.shape}, and it must be {expected.shape}", digest)
    exact = bool(np.array_equal(found, expected))
    off = 0.0 if exact else float(np.abs(found.astype(np.float64) - expected.astype(np.float64)).max())
    ok = off <= tolerance  # false for NaN
    told = "as it must be, to the bit" if exact else f"off by up to {off:.2g}{unit}, {tolerance:g} is allowed"
    return Check(what, ok, exact, told, digest)


def number_check(what: str, found: float, expected: float, tolerance: float) -> Check:
    """Return the check of a number; the tolerance is relative to it, and absolute below 1."""
    off = abs(found - expected)
    allowed = tolerance * max(1.0, abs(expected))
    said = f"{found:.10g}" if found == expected else f"{found:.10g}, it must be {expected:.10g} within {allowed:.1g}"
    return Check(what, off <= allowed, found == expected, said, hashlib.sha256(float(found).hex().encode()).hexdigest())
