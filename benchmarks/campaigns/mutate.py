"""Damage: to bytes as disks, copies and enemies do it, and to trees of plain values as editors and scripts do."""

from __future__ import annotations

import copy
import random
from typing import Any

# Values that no field expects: of every JSON type, at the ends of every range, and such as a reader may act upon.
ODD: tuple[Any, ...] = (
    *(None, True, False, -1, 0, 1, 2**63, 10**400, -0.0, 0.5, 1e308, 1e-320, float("nan"), float("inf")),
    *("", " ", "x", "1e5", "nan", "\x00", "\x1b[31m", "\ud800", "a\nb", "\u202e", "9" * 5000, "=cmd()", "../../x"),
    *("<script>alert(1)</script>", "lower", "higher", [], {}, [[[]]], [1, "a"], {"a": 1}, {"": None}),
)


def damage(data: bytes, rng: random.Random) -> tuple[str, bytes]:
    """Return how a copy of ``data`` was damaged, and the copy; never the same bytes."""
    kind = rng.choice(["bit", "bit", "bytes", "cut", "tail", "insert", "zeros", "repeat", "swap", "drop"])
    out = bytearray(data)
    at = rng.randrange(len(out)) if out else 0
    if kind == "bit" and out:
        out[at] ^= 1 << rng.randrange(8)
    elif kind == "bytes" and out:
        for _ in range(rng.randint(2, 24)):
            out[rng.randrange(len(out))] = rng.randrange(256)
    elif kind == "cut":
        out = out[:at]
    elif kind == "tail":
        out = out[:at] + rng.randbytes(rng.randint(1, 300))
    elif kind == "insert":
        out[at:at] = rng.randbytes(rng.randint(1, 64))
    elif kind == "zeros":
        end = min(len(out), at + rng.randint(1, 600))
        out[at:end] = bytes(end - at)
    elif kind == "repeat":
        out[at:at] = out[at : at + rng.randint(1, 1500)]
    elif kind == "swap" and out:
        other = rng.randrange(len(out))
        out[at], out[other] = out[other], out[at]
    elif kind == "drop":
        del out[at : at + rng.randint(1, 300)]
    if bytes(out) == data:
        return "extra", data + b"\x00"
    return kind, bytes(out)


def bend(tree: Any, rng: random.Random, changes: int = 2) -> Any:
    """Return a copy of plain values with one to ``changes`` of them replaced, removed, renamed or added."""
    out = copy.deepcopy(tree)
    for _ in range(rng.randint(1, changes)):
        places = list(_places(out))
        if not places:
            return rng.choice(ODD)
        parent, key = rng.choice(places)
        act = rng.random()
        if act < 0.6:
            parent[key] = copy.deepcopy(rng.choice(ODD))
        elif act < 0.75:
            del parent[key]
        elif isinstance(parent, dict):
            name = rng.choice(["x", "value", "", "__class__", "extends", "\x1b[2J", "schema", "a" * 300])
            parent[name] = parent.pop(key) if act < 0.85 else copy.deepcopy(rng.choice(ODD))
        else:
            parent.append(copy.deepcopy(rng.choice([parent[key], *ODD])))
    return out


def _places(tree: Any) -> list[tuple[Any, Any]]:
    """Return every (parent, key) of a tree."""
    found: list[tuple[Any, Any]] = []
    todo = [tree]
    while todo:
        one = todo.pop()
        keys = list(one) if isinstance(one, dict) else range(len(one)) if isinstance(one, list) else []
        for key in keys:
            found.append((one, key))
            todo.append(one[key])
    return found
