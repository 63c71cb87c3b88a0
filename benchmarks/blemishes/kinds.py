"""Which kinds of finding are right for a fault."""

from __future__ import annotations

ACCEPTED: dict[str, frozenset[str]] = {}
