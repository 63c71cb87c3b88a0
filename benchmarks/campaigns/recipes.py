"""Mutated recipes, run recipes, grids and rules: whatever TOML says, it is one of them or an error of one line."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import tomlkit

from campaigns.base import Sweep, guard
from campaigns.mutate import bend, damage
from campaigns.watch import ROOT
from ganbench.bench.grid import cells_of, load_grid, make_grid
from ganbench.images.rules import Rules
from ganbench.training.recipe import FOLDER, load_recipe, load_resolved

_RULES = """count = 500
names = "face-{}.png"
size = [64, 48]
bytes = 1_000_000
archive = [".zip", ".tgz"]
folders = true
"""
_EXTENDS = b'extends = "dcgan"\n'
SPECIAL = (
    *(b"a = " + b"[" * 3000, b"a = " + b"{a=" * 2000, b"a" + b".a" * 3000 + b" = 1\n", b"[a" + b".a" * 3000 + b"]\n"),
    *(b"extends = 5\n", b"extends = []\n", b"extends = ''\n", b"extends = 'mutant.toml'\n", b"extends = '/dev/null'\n"),
    *(b"extends = '../../../../etc/passwd.toml'\n", b"extends = '\\u0000.toml'\n", b"a = 1\na = 2\n"),
    *(b"[model]\n[model]\n", b"[[model]]\n", b"model.name = 'dcgan'\n[model]\nname = 'x'\n", b"a.b.c = 1\na.b = 2\n"),
    *(_EXTENDS + b"preset = 5\n", _EXTENDS + b"[preset]\nsmoke = 5\n", _EXTENDS + b"[preset.paper]\ntraining = 5\n"),
    *(_EXTENDS + b"[[preset]]\n", _EXTENDS + b"title = 1979-05-27\n", _EXTENDS + b"model = {}\n", _EXTENDS + b"\r\n"),
    *(b"\xef\xbb\xbf" + _EXTENDS, b"\xff\xfe" + _EXTENDS, _EXTENDS + b"[training]\nsteps = 9" + b"9" * 5000),
    *(_EXTENDS + b"[training]\nsteps = 1e400\n", _EXTENDS + b"[optimizer]\nlr = nan\n", b"x = 1979-99-99\n", b""),
    *(b"variants = 'dcgan'\n", b"variants = [5]\n", b"variants = []\n", b"variants = ['../x']\n"),
    *(b"variants = ['dcgan']\nseeds = [0, 0]\n", b"variants = ['dcgan']\nseeds = [" + b"9" * 30 + b"]\n"),
    *(b"variants = ['dcgan']\noverrides = {'' = 5}\n", b"variants = ['dcgan']\noverrides = {'../x' = []}\n"),
    *(b"variants = ['dcgan']\noverrides = {'' = ['=']}\n", b"variants = ['/etc/passwd.toml']\n"),
    *(
        b"variants = ['dcgan']\noverrides = {'' = ['training.steps=" + b"[" * 3000 + b"']}\n",
        b"variants = ['\\u001b']\n",
    ),
)


class Recipes(Sweep):
    """Each mutant is read as a recipe, as the recipe of a run, as a grid, and as an assignment's rules."""

    name = "recipes"
    count = 1000

    def __init__(self, folder: Path) -> None:
        """Read the whole files."""
        super().__init__(folder)
        shipped = [path.read_text("utf-8") for path in sorted(FOLDER.glob("*.toml"))]
        shipped.append((ROOT / "examples" / "plugin" / "lsgan-residual.toml").read_text("utf-8"))
        grid = (ROOT / "examples" / "study.toml").read_text("utf-8")
        self._texts = [*shipped, load_recipe("wgan-gp", "smoke").to_toml(), grid, grid, grid, _RULES, _RULES]
        self._trees = [tomlkit.parse(text).unwrap() for text in self._texts]

    def attempt(self, number: int, rng: random.Random) -> list[str]:
        """Try one mutant; the special ones come first."""
        path = self.folder / "mutant.toml"
        if number < len(SPECIAL):
            label, data = f"special {SPECIAL[number][:40]!r}", SPECIAL[number]
        elif rng.random() < 0.4:
            label, data = damage(rng.choice(self._texts).encode(), rng)
        else:
            label, data = "bent", toml(bend(rng.choice(self._trees), rng)).encode("utf-8", "surrogatepass")
        path.write_bytes(data)
        preset = rng.choice(["paper", "cpu", "smoke"])
        faults = guard(f"{label}, recipe", lambda: self._show(load_recipe(str(path), preset)))[1]
        faults += guard(f"{label}, of a run", lambda: self._show(load_resolved(path)))[1]
        faults += guard(f"{label}, grid", lambda: cells_of(make_grid(load_grid(path))))[1]
        faults += guard(f"{label}, rules", lambda: str(Rules.read(path)))[1]
        return faults

    def _show(self, recipe: Any) -> None:
        recipe.flat()
        recipe.to_toml().encode()
        recipe.steps(1000)


def toml(value: Any) -> str:
    """Write plain values as TOML by rules of its own, so that values which no writer lets through come through."""
    if isinstance(value, dict):
        return "\n".join(f"{json.dumps(str(key))} = {_inline(one)}" for key, one in value.items())
    return _inline(value)


def _inline(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return repr(value) if abs(value) < 1e300 or isinstance(value, float) else "1" + "0" * 400
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_inline, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(str(key))} = {_inline(one)}" for key, one in value.items()) + "}"
    return json.dumps("" if value is None else str(value))
