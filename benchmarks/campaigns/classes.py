"""Mutated papers of a class: configuration, roster, an export's metadata, and what was kept of its submissions."""

from __future__ import annotations

import json
import random
from pathlib import Path

import tomlkit

from campaigns.base import Sweep, guard
from campaigns.mutate import bend, damage
from campaigns.recipes import toml
from ganbench.grade.aliases import secret_of
from ganbench.grade.config import ClassConfig, load_class
from ganbench.grade.exports import Export
from ganbench.grade.handed_in import collect
from ganbench.grade.measure import Look, Picture
from ganbench.grade.roster import Person, read_roster
from ganbench.grade.state import State
from ganbench.grade.units import METADATA
from ganbench.images.submission import Check
from ganbench.scoring.row import Row
from ganbench.scoring.scorecard import Scorecard

_CLASS = """roster = "roster.csv"
id = "(b\\\\d{8})"
cleared = ["b10901001"]
[rules]
count = 500
[late]
deadline = 2026-01-05T23:59:59+08:00
per_day = 0.1
in_name = "attempt_([\\\\d-]+)"
[[tiers]]
name = "pass"
points = 1
gates = { "fd[lite0]" = 120.0, afd = 0.5 }
[public]
features = ["lite0"]
[private]
features = "lite2"
"""
_ROSTER = 'id,name,group\nb10901001,王小明,1\nb10901002,"Lee, Ann",2\nb10901003,"two\nlines",2\n'
_METADATA = """submission_11:
  :submitters:
  - :name: Ann Lee
    :sid: b10901002
    :email: a@b.c
  :created_at: 2026-01-05 16:30:00.123456000 Z
  :results: {tests: [{score: 1.0, output: "text"}]}
submission_12: &one
  :submitters: [{:name: 王小明}]
  :created_at: "2026-01-05T16:30:00+08:00"
"""
_KEY = "0" * 64
_SPECIAL = (
    *("[" * 50_000, "{a: " * 20_000, "a: &a [*a, *a]\n", "? {a: b}\n: c\n", "!!python/object/apply:os.system [x]\n"),
    *("a: !!timestamp 9999-99-99\n", "submission_1: {:submitters: [5, null, {}]}\n", "- - - - -\n", "%YAML 9.9\n---\n"),
    *("submission_1:\n  :submitters: []\n  :created_at: 0001-01-01 00:00:00 +23:59\n", "\t", "a: b: c\n", "\ufeff"),
    *("x: &x [a,a,a]\ny: &y [*x,*x,*x]\nz: [*y,*y,*y]\n", "submission_1: {:submitters: [{:sid: &a {b: *a}}]}\n"),
)


class Classes(Sweep):
    """Each mutant is read as what it was; whatever it says, it is that or an error of one line."""

    name = "classes"
    count = 1000

    def __init__(self, folder: Path) -> None:
        """Write the whole files."""
        super().__init__(folder)
        self._class = folder / "class"
        (self._class / "submission_11").mkdir(parents=True)
        (self._class / "submission_11" / "b10901001.tgz").write_bytes(b"x")
        self._people = [Person("b10901001", "王小明"), Person("b10901002", "Ann Lee")]
        card = Scorecard([Row("fd[lite0]", 30.0, 29.0, 31.0, "lower", 10)], {"label": "x", "count": 10}, {})
        picture = Picture("1.jpg", "no face found", "AAAA", 64, 64)
        self._state = State(folder / "state")
        self._state.keep(_KEY, Look((Check("10 images", True, "10"),), card, "", (picture,), (picture,)))
        self._kept = folder / "state" / f"{_KEY}.json"
        self._look = self._kept.read_bytes()
        self._config = ClassConfig(roster="roster.csv", id=r"(b\d{8})", export="gradescope")

    def attempt(self, number: int, rng: random.Random) -> list[str]:
        """Try one mutant; the special ones come first."""
        if number < len(_SPECIAL):
            return self._metadata(f"special {_SPECIAL[number][:40]!r}", _SPECIAL[number].encode())
        kind = rng.choice([self._configuration, self._roster, self._metadata, self._looks, self._secret])
        return kind(*self._mutant(kind.__name__, rng))

    def _mutant(self, kind: str, rng: random.Random) -> tuple[str, bytes]:
        whole = {
            "_configuration": _CLASS.encode(),
            "_roster": _ROSTER.encode(),
            "_metadata": _METADATA.encode(),
            "_looks": self._look,
            "_secret": b"0123456789abcdef\n",
        }[kind]
        if kind == "_configuration" and rng.random() < 0.6:
            return "bent", toml(bend(tomlkit.parse(_CLASS).unwrap(), rng)).encode("utf-8", "surrogatepass")
        if kind == "_looks" and rng.random() < 0.6:
            return "bent", json.dumps(bend(json.loads(whole), rng)).encode("utf-8", "surrogatepass")
        return damage(whole, rng)

    def _configuration(self, label: str, data: bytes) -> list[str]:
        path = self.folder / "class.toml"
        path.write_bytes(data)
        return guard(f"{label}, class", lambda: load_class(path).asked)[1]

    def _roster(self, label: str, data: bytes) -> list[str]:
        path = self.folder / "roster.csv"
        path.write_bytes(data)
        return guard(f"{label}, roster", lambda: read_roster(path, r"(b\d{8})"))[1]

    def _metadata(self, label: str, data: bytes) -> list[str]:
        (self._class / METADATA).write_bytes(data)
        config = self._config
        faults = guard(f"{label}, metadata", lambda: Export(self._class, [], "gradescope"))[1]
        return faults + guard(f"{label}, class", lambda: collect(self._class, self._people, config, ()))[1]

    def _looks(self, label: str, data: bytes) -> list[str]:
        self._kept.write_bytes(data)
        return guard(f"{label}, look", lambda: self._state.load(_KEY))[1]

    def _secret(self, label: str, data: bytes) -> list[str]:
        (self.folder / "class.secret").write_bytes(data)
        return guard(f"{label}, secret", lambda: secret_of(None, self.folder / "class.toml"))[1]
