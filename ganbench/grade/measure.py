"""Looks at one submission: the rules that it keeps, its scorecards, and pictures of its worst images."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from ganbench.errors import GanbenchError
from ganbench.explanation.explain import findings_of_scored
from ganbench.images.rules import Rules
from ganbench.images.source import Source
from ganbench.images.submission import Check, Known, check_submission
from ganbench.scoring.look import Seen
from ganbench.scoring.plan import Plan
from ganbench.scoring.score import score_source
from ganbench.scoring.scorecard import Scorecard
from ganbench.system.cache import is_remark
from ganbench.system.tasks import Tell, refuse_unseen

SHOWN = 8  # pictures of the worst images; so many of the first ones too
EXPLAINED = 3  # findings that are told
_NO_FACE = 4  # of the worst that are pictured, at most, because no face was found in them
_COPIED = 4  # likewise, because they show a picture of the training set
_SIDE = 256  # pixels: larger images are pictured smaller
PUBLIC, PRIVATE = "public", "private"


@dataclass(frozen=True)
class Picture:
    """One image of a submission.

    Attributes:
        name: in the submission.
        why: it is shown; "" for one of the first.
        data: WebP, base64.
        width: pixels.
        height: pixels.
    """

    name: str
    why: str
    data: str
    width: int
    height: int


@dataclass(frozen=True)
class Look:
    """What one board's instruments saw of a submission.

    Attributes:
        checks: the rules and whether they are kept; on the public board alone.
        card: the scorecard, or None.
        error: why there is none.
        worst: pictures of the worst images; on the public board alone.
        first: pictures of the first ones, likewise.
        explained: in which ways the images differ from real ones, strongest first, and what to do; likewise.
        lasting: whether it can be kept: what went wrong for a reason of this machine cannot.
    """

    checks: tuple[Check, ...] = ()
    card: Scorecard | None = None
    error: str = ""
    worst: tuple[Picture, ...] = ()
    first: tuple[Picture, ...] = ()
    explained: tuple[str, ...] = ()
    lasting: bool = True


@dataclass(frozen=True)
class Task:
    """What to look at.

    Attributes:
        path: the file or folder.
        boards: ``public``, ``private``, or both.
    """

    path: Path
    boards: tuple[str, ...]


def measure(plans: Mapping[str, Plan], rules: Rules, task: Task, tell: Tell) -> dict[str, Look]:
    """Return what the boards see of a submission. Whatever is wrong with it becomes part of that."""
    del tell
    try:
        refuse_unseen(task.path)
    except GanbenchError as e:  # a fault of the node, not of the submission
        return dict.fromkeys(task.boards, Look(error=str(e), lasting=False))
    found = {}
    for board in task.boards:
        try:
            found[board] = _look(task.path, plans[board], rules if board == PUBLIC else None)
        except GanbenchError as e:
            found[board] = Look(error=without_path(str(e), task.path))
        except Exception as e:  # a fault of ours must not cost the others their grade
            found[board] = Look(error=f"{type(e).__name__}: {' '.join(str(e).split())}", lasting=False)
    return found


def without_path(text: str, path: Path) -> str:
    """Return a text that names a file by its name alone: students need not learn where the class is kept."""
    return text.replace(str(path), path.name)


def _look(path: Path, plan: Plan, rules: Rules | None) -> Look:
    source = plan.options.open(path)
    seen: list[Seen] = []
    try:
        card = score_source(source, plan, kept=seen)
    except GanbenchError as e:
        if rules is None:
            return Look(error=without_path(str(e), path))
        return Look(_checks(path, rules), None, without_path(str(e), path), (), _pictures(source, _first(source)))
    checks = () if rules is None else _checks(path, rules, _known(card))
    worst = _pictures(source, worst_of(card)) if rules else ()
    first = _pictures(source, _first(source)) if rules else ()
    explained = _explained(source, plan, seen[0]) if rules else ()
    return Look(checks, _anonymous(card, path), "", worst, first, explained)


def _explained(source: Source, plan: Plan, seen: Seen) -> tuple[str, ...]:
    """Return the strongest findings; none where nothing can be explained, which is no fault of a submission."""
    try:
        found = findings_of_scored(source, plan, seen)
    except GanbenchError:
        return ()
    return tuple(f"{one.text} {one.remedy}" for one in found[:EXPLAINED])


def _checks(path: Path, rules: Rules, known: Known | None = None) -> tuple[Check, ...]:
    checks = check_submission(path, rules, known)
    return tuple(replace(check, found=without_path(check.found, path)) for check in checks)


def _known(card: Scorecard) -> Known:
    """Return what scoring, which resizes nothing here, found out about the images."""
    height, width = card.source["image_size"]
    return Known(card.source["count"], (height, width), card.source["skipped"])


def _anonymous(card: Scorecard, path: Path) -> Scorecard:
    """Return a scorecard without the table of single images, and without what is true of this run alone."""
    lasting = [without_path(text, path) for text in card.warnings if not is_remark(text)]
    return replace(card, source=card.source | {"label": path.name}, warnings=lasting, per_image=[])


def _first(source: Source) -> list[tuple[str, str]]:
    return [(name, "") for name in source.names[:SHOWN]]


def worst_of(card: Scorecard) -> list[tuple[str, str]]:
    """Return name and reason of the images that a generator should not have drawn, the worst first.

    Those that show a picture of the training set come first, the most alike first, up to half of all that is shown; of
    a set that is flagged for it also those put together from two. As many without a face follow, then those of least
    realism.
    """
    rows = card.per_image
    columns = list(rows[0]) if rows else []
    faces = next((name for name in columns if name.startswith("faces[")), None)
    realism = next((name for name in columns if name.startswith("realism[")), None)
    flagged = any(flag.kind == "copied" for flag in card.flags)
    found = dict([*_copied(rows), *(_blended(rows) if flagged else ())][:_COPIED])
    if faces is not None:
        ordered = sorted(rows, key=lambda row: _number(row.get(faces.replace("faces", "score"))))
        without = [row for row in ordered if row.get(faces) == 0]
        for row in without[:_NO_FACE]:
            name = str(row["name"])
            found[name] = f"{found[name]}, no face found" if name in found else "no face found"
    if realism is not None:
        known = [row for row in rows if isinstance(row.get(realism), float)]
        for row in sorted(known, key=lambda row: _number(row[realism])):
            name, text = str(row["name"]), f"realism {_number(row[realism]):.2f}"
            if len(found) >= SHOWN and name not in found:
                break
            found[name] = f"{found[name]}, {text}" if name in found else text
    return list(found.items())[:SHOWN]


def _copied(rows: Sequence[Mapping[str, object]]) -> list[tuple[str, str]]:
    """Return name and reason of the images that show a picture of the training set, the most alike first."""
    return [
        (name, f"the same picture as {real} of the real images, alike {alike:.2f}")
        for name, real, alike in _said(rows, "copy_of", "alike")
    ]


def _blended(rows: Sequence[Mapping[str, object]]) -> list[tuple[str, str]]:
    """Return name and reason of the images that are put together from two of the training set, the surest first."""
    return [
        (name, f"put together from {parts} of the real images, which explain {share:.2f} of it")
        for name, parts, share in _said(rows, "blend_of", "explained")
    ]


def _said(rows: Sequence[Mapping[str, object]], what: str, number: str) -> list[tuple[str, object, float]]:
    """Return name, what a column says and how much, of the images of which it says anything, the most first."""
    column = next((name for name in (rows[0] if rows else ()) if name.startswith(f"{what}[")), None)
    if column is None:
        return []
    said = [
        (str(row["name"]), row[column], _number(row.get(column.replace(what, number))))
        for row in rows
        if row.get(column)
    ]
    return sorted(said, key=lambda one: -one[2])


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) and np.isfinite(value) else 0.0


def _pictures(source: Source, chosen: Sequence[tuple[str, str]]) -> tuple[Picture, ...]:
    """Return pictures of some images; those that do not decode are left out, the rules say so."""
    places = {name: index for index, name in reversed(list(enumerate(source.names)))}
    found = []
    for name, why in chosen:
        try:
            image = Image.fromarray(source.load(places[name]))
        except GanbenchError:
            continue
        image.thumbnail((_SIDE, _SIDE))
        buffer = io.BytesIO()
        image.save(buffer, "WEBP", quality=80)
        found.append(Picture(name, why, base64.b64encode(buffer.getvalue()).decode(), *image.size))
    return tuple(found)
