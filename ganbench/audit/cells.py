"""Cells: pieces of the work of an audit, each kept under a hash of all that it depends on once it is done.

An audit that was killed goes on where it was: what is done is not done again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ganbench.audit.check import Check, Setting
from ganbench.audit.material import Material
from ganbench.audit.points import Point
from ganbench.audit.registry import CHECKS
from ganbench.audit.scale import Scale
from ganbench.metrics.registry import METRICS
from ganbench.system.cache import Cache
from ganbench.system.code import code_of, foreign_code
from ganbench.system.container import Content
from ganbench.system.notes import Note
from ganbench.system.tasks import Tell
from ganbench.system.versions import library_versions

_CACHE = Cache("audit", "a piece of an audit", 256 << 20)
_PACKAGE = Path(__file__).parent.parent


@dataclass(frozen=True)
class Cell:
    """One piece of work.

    Attributes:
        material: Which of the materials it is of, by number.
        check: Name of the check.
        setting: What is done.
        key: Hash of all that its values depend on, 64 hex digits.
    """

    material: int
    check: str
    setting: Setting
    key: str


def cells_of(materials: Sequence[Material], checks: Sequence[Check], scale: Scale) -> list[Cell]:
    """Return all the work of an audit, in the order of the checks."""
    base = [code_of(_PACKAGE / "metrics", _PACKAGE / "statistics"), library_versions()]
    found: dict[tuple[int, str], Cell] = {}
    for check in checks:
        for number, material in enumerate(materials):
            if check.missing(material):
                continue
            depends = [*base, check.name, check.version, scale.plain(), material.seed]
            depends += [_metrics(material), material.key] if check.needs_material else [_named(material.metrics)]
            for setting in check.settings(material, scale):
                text = json.dumps([*depends, setting], sort_keys=True)
                key = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
                # What looks at no images is done once, whatever the number of extractors.
                place = number if check.needs_material else -1
                found.setdefault((place, key), Cell(number, check.name, setting, key))
    return list(found.values())


def work(materials: Sequence[Material], scale: Scale, cell: Cell, tell: Tell) -> list[Point]:
    """Do one piece of work: what ``run_tasks`` calls, wherever it is."""
    del tell
    return CHECKS[cell.check]().work(cell.setting, materials[cell.material], scale)


def load(cell: Cell, note: Note) -> list[Point] | None:
    """Return what was kept of a piece of work, or None."""
    return _CACHE.load(cell.key, _parse, note)


def keep(cell: Cell, points: list[Point], note: Note) -> None:
    """Keep what a piece of work gave."""
    _CACHE.keep(cell.key, b"", note, {"points": [point.plain() for point in points]})


def _metrics(material: Material) -> list[Any]:
    return _named([*material.metrics, *(() if material.others is None else material.others.metric_names)])


def _named(names: Sequence[str]) -> list[Any]:
    return [(name, METRICS[name].version, foreign_code(METRICS[name].compute)) for name in names]


def _parse(content: Content) -> list[Point]:
    return [Point(*plain) for plain in content.facts["points"]]
