"""Running an audit: what was not done before is done, wherever there is room, and everything is judged."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from ganbench.audit.cells import Cell, cells_of, keep, load, work
from ganbench.audit.check import Check, Finding
from ganbench.audit.material import Material
from ganbench.audit.points import Point, reason_of
from ganbench.audit.result import Audit, Judged
from ganbench.audit.scale import Scale
from ganbench.audit.verdict import verdict_of
from ganbench.metrics.base import Metric
from ganbench.system.cluster import Died, Site, run_tasks
from ganbench.system.notes import Note, log_note
from ganbench.system.progress import track

_Done = dict[tuple[int, str], list[Point]]  # by material and check


def run_audit(
    materials: Sequence[Material],
    checks: Sequence[Check],
    scale: Scale,
    *,
    site: Site | None = None,
    cache: bool = True,
    note: Note = log_note,
    notes: Sequence[str] = (),
) -> Audit:
    """Run checks on every metric of every material.

    Args:
        materials: one for each extractor.
        checks: what is checked.
        scale: how much is done.
        site: where; None: in this process.
        cache: keep every finished piece, and take what is kept.
        note: told in one line what did not work and is done without.
        notes: what a reader must know of the materials.

    Raises:
        GanbenchError: images that cannot be read, or a metric of somebody else's that fails where no reason helps.
    """
    cells = cells_of(materials, checks, scale)
    found: dict[Cell, list[Point]] = {}
    for cell in cells if cache else ():
        known = load(cell, note)
        if known is not None:
            found[cell] = known
    todo = [cell for cell in cells if cell not in found]
    lost = []
    with track("audit", len(cells), len(found), unit="pieces") as advance:
        for number, result in run_tasks(partial(work, materials, scale), todo, site or Site(), note=note):
            cell = todo[number]
            if isinstance(result, Died):
                lost.append(f"{cell.check} {cell.setting} was not done: {result.why}. Run the audit again")
            else:
                found[cell] = result
                if cache:
                    keep(cell, result, note)
            advance(1, cell.check)
    done: _Done = {}
    for cell in cells:
        done.setdefault((cell.material, cell.check), []).extend(found.get(cell, []))
    return _judged(materials, checks, scale, done, [*notes, *lost])


def _judged(
    materials: Sequence[Material], checks: Sequence[Check], scale: Scale, done: _Done, notes: list[str]
) -> Audit:
    rows: list[Judged] = []
    verdicts: dict[str, str] = {}
    points: list[Point] = []
    for number, material in enumerate(materials):
        lacking = {check.name: why for check in checks if (why := check.missing(material))}
        notes += [f"{material.instrument.name}: {name} was not run: {why}" for name, why in lacking.items()]
        for one, (instrument, metric) in material.ids().items():
            mine = {check.name: _mine(check, number, one, metric, done) for check in checks}
            findings: dict[str, Finding] = {}
            for check in checks:
                if check.name in lacking:
                    continue
                findings[check.name] = _finding(check, metric, mine, scale)
                rows.append(Judged(one, metric.name, instrument.name, check.name, findings[check.name]))
            verdicts[one] = verdict_of(metric, findings, scale.n)
            points += [point for name in mine for point in mine[name] if name != "sanity"]
    return Audit(scale, tuple(rows), verdicts, tuple(points), {c.name: c.title for c in checks}, tuple(notes))


def _mine(check: Check, number: int, one: str, metric: Metric, done: _Done) -> list[Point]:
    """Return the points of one metric; those of a check without images go by the metric's name, once for all."""
    if check.needs_material:
        return [point for point in done.get((number, check.name), []) if point.id == one]
    return [p for (_, name), found in done.items() if name == check.name for p in found if p.id == metric.name]


def _finding(check: Check, metric: Metric, mine: dict[str, list[Point]], scale: Scale) -> Finding:
    if not mine[check.name]:
        return Finding(None, "not tried")
    if reason := reason_of(mine[check.name]):
        return Finding(None, f"no value: {reason}")
    return check.judge(metric, mine, scale)
