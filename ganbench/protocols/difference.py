"""What two sides differ in: every fact that is not the same on both."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ganbench.protocols.facts import Facts, Side, canonical
from ganbench.protocols.names import Choice, choice_of, leads

UNSAID = "not recorded"
_HASH = re.compile(r"[0-9a-f]{40,}")
# Texts that sum up other facts: shown where none of those differs.
_SUMS = ("extractor.protocol", "detector.protocol", "detector.identity", "detector.pinned")


@dataclass(frozen=True)
class Difference:
    """One fact that is not the same on both sides.

    Attributes:
        name: of the fact, such as ``extractor.precision``.
        of: instruments or results that it is about, such as ``lite0`` or ``lite0 / inception``; "" for all.
        a: what the one side says; ``UNSAID`` where it says nothing.
        b: what the other one says.
        results: ids of the first side's results that it bears on.
    """

    name: str
    of: str
    a: Any
    b: Any
    results: tuple[str, ...]

    @cached_property
    def choice(self) -> Choice:
        """What it is called, and what it is switched with."""
        return choice_of(self.name)

    def texts(self) -> tuple[str, str]:
        """Return both values as people read them: of hashes the first digits."""
        return shown(self.a), shown(self.b)


@dataclass(frozen=True)
class Pairing:
    """Which instruments and results of two sides stand for each other.

    Attributes:
        instruments: names on both sides.
        results: ids on both sides.
        alone: (``A`` or ``B``, what only that side has).
    """

    instruments: tuple[tuple[str, str], ...]
    results: tuple[tuple[str, str], ...]
    alone: tuple[tuple[str, str], ...]


def shown(value: Any) -> str:
    """Return a value as people read it."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, list | tuple):
        return "x".join(map(str, value)) if len(value) == 2 else ", ".join(map(str, value)) or "none"
    return _HASH.sub(lambda found: found.group()[:8], str(value)) or "none"


def paired(a: Side, b: Side) -> Pairing:
    """Return what of two sides is compared: equal names first, then instruments of one kind in their order."""
    instruments: list[tuple[str, str]] = []
    rest = list(b.instruments)
    forms: tuple[Callable[[str], str], ...] = (str, _base)
    for same in forms:
        for name in a.instruments:
            if name in dict(instruments):
                continue
            found = next((n for n in rest if same(n) == same(name) and _kind(a, name) == _kind(b, n)), None)
            if found is not None:
                instruments.append((name, found))
                rest.remove(found)
    for name in a.instruments:
        if name not in dict(instruments):
            found = next((n for n in rest if _kind(a, name) == _kind(b, n)), None)
            if found is not None:
                instruments.append((name, found))
                rest.remove(found)
    by = dict(instruments)
    theirs = {(canonical(i), _instrument_of(i)): i for i in b.results}
    results = [(i, theirs.get((canonical(i), by.get(_instrument_of(i), "")), "")) for i in a.results]
    found_b = {other for _, other in results}
    alone = [("A", i) for i, other in results if not other and b.whole]
    alone += [("B", i) for i in b.results if i not in found_b]
    return Pairing(tuple(instruments), tuple(pair for pair in results if pair[1]), tuple(alone))


def differences(a: Side, b: Side) -> list[Difference]:
    """Return every fact in which two sides differ; of a stated protocol, of those that it names."""
    pairs = paired(a, b)
    ids = tuple(i for i, _ in pairs.results)
    found = list(_compared(a.general, b.general, "", ids, whole=b.whole))
    for one, other in pairs.instruments:
        about = one if one == other else f"{one} / {other}"
        bears = tuple(i for i in ids if _instrument_of(i) == one)
        if bears:
            found += _compared(a.instruments[one], b.instruments[other], about, bears, whole=b.whole)
    results: dict[tuple[str, str, str], list[Difference]] = {}
    for one, other in pairs.results:
        for difference in _compared(a.results[one], b.results[other], one, (one,), whole=b.whole):
            key = difference.name, repr(difference.a), repr(difference.b)
            results.setdefault(key, []).append(difference)
    for same in results.values():  # what is the same of several results is said once
        joined = tuple(one.results[0] for one in same)
        about = "" if joined == ids and len(ids) > 1 else ", ".join(joined)
        found.append(Difference(same[0].name, about, same[0].a, same[0].b, joined))
    for side, what in pairs.alone:
        yes_no = ("yes", "no") if side == "A" else ("no", "yes")
        found.append(Difference("result.measured", what, *yes_no, (what,) if side == "A" else ()))
    return sorted(found, key=lambda one: leads(one.name))


def _compared(a: Facts, b: Facts, about: str, results: tuple[str, ...], *, whole: bool) -> Iterator[Difference]:
    names = dict.fromkeys((*a, *b)) if whole else dict.fromkeys(b)
    differing = [name for name in names if name != "kind" and a.get(name, UNSAID) != b.get(name, UNSAID)]
    told = [name for name in differing if name not in _SUMS and name.partition(".")[0] in ("extractor", "detector")]
    for name in differing:
        if not (told and name in _SUMS):
            yield Difference(name, about, a.get(name, UNSAID), b.get(name, UNSAID), results)


def _kind(side: Side, name: str) -> Any:
    return side.instruments[name].get("kind")


def _base(name: str) -> str:
    return name.partition(":")[0]


def _instrument_of(result_id: str) -> str:
    return result_id.partition("[")[2].removesuffix("]")
