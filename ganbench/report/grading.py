"""Pages of a graded class: boards for everybody and for staff, and a page for each student."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path

import ganbench
from ganbench.errors import GanbenchError
from ganbench.grade.config import ClassConfig
from ganbench.grade.measure import PRIVATE, PUBLIC
from ganbench.grade.student import Graded
from ganbench.grade.units import digest_of
from ganbench.leaderboard.choice import choose
from ganbench.report.class_between import Between, opener
from ganbench.report.class_board import ClassBoard, class_board
from ganbench.report.feedback import feedback_of
from ganbench.report.overlap import make_overlap_page
from ganbench.report.templates import environment
from ganbench.system.leftovers import sweep
from ganbench.system.outputs import write_text
from ganbench.system.text import json_text, markdown

STUDENTS = "students"
_OURS = re.compile(r"[^.].*\.(?:html|json)", re.DOTALL)


def write_pages(graded: Graded, out: str | Path, between: Between | None = None) -> list[Path]:
    """Write ``public/``, ``private/`` and ``students/`` below the folder of results.

    ``public/`` names nobody: its board has aliases alone. ``private/`` is for staff, and ``students/`` has a page and a
    JSON file for everybody, to be handed to them alone.

    Args:
        graded: what ``grade`` returned.
        out: the folder of results.
        between: what was found between submissions, for the page of what they share.

    Returns:
        The boards that were written.

    Raises:
        GanbenchError: a board cannot be ranked by what the configuration says; a place that cannot be written to.
    """
    out = Path(out)
    boards = boards_of(graded)
    written = []
    for name, board in boards.items():
        staff = name == PRIVATE
        page = _render("class_board.html", board=board, graded=graded, staff=staff, flagged=_flagged(graded))
        written += [out / name / "board.html", out / name / "board.md"]
        _write(written[-2], page)
        _write(written[-1], _markdown(board, graded, staff))
    if between is not None:
        written += _write_overlap(out / PRIVATE, graded, between)
    kept = set()
    for student in graded.students:
        feedback = feedback_of(student, graded, boards)
        kept |= {f"{student.id}.html", f"{student.id}.json"}
        _write(out / STUDENTS / f"{student.id}.html", _render("feedback.html", **feedback.to_page()))
        _write(out / STUDENTS / f"{student.id}.json", json_text(feedback.to_dict()))
    _remove_others(out / STUDENTS, kept)
    return written


def _write_overlap(folder: Path, graded: Graded, between: Between) -> list[Path]:
    """Write what submissions share, with everybody by their id; where nothing was compared, nothing is left there."""
    page, data = folder / "overlap.html", folder / "overlap.json"
    if between.overlap is None:
        for path in (page, data):
            path.unlink(missing_ok=True)
        return []
    unit_of = {student.id: student.handed.unit for student in graded.students if student.handed is not None}
    opened = opener()
    made = make_overlap_page(
        between.overlap,
        lambda label: opened(unit_of[label].path),
        dated=False,
        content_of=cache(lambda label: digest_of(unit_of[label])),
    )
    _write(page, made)
    _write(data, between.overlap.to_json())
    return [page, data]


def boards_of(graded: Graded) -> dict[str, ClassBoard]:
    """Return the two boards: the public one with aliases, and that of staff with names.

    Raises:
        GanbenchError: a board cannot be ranked by what the configuration says.
    """
    config = graded.config
    sections = {PUBLIC: (config.public, graded.public), PRIVATE: (config.private or config.public, graded.private)}
    found = {}
    for name, (section, results) in sections.items():
        staff = name == PRIVATE
        try:
            found[name] = class_board(
                graded,
                private=staff and graded.has_private,
                known=results or graded.public,
                sort=section.sort,
                columns=section.columns,
                named=staff,
            )
        except GanbenchError as e:
            raise type(e)(f"[{name}]: {e}") from e
    return found


def check_boards(config: ClassConfig, results: Mapping[str, Mapping[str, str]]) -> str:
    """Check before the work that the boards can be ranked by what the configuration says.

    Args:
        config: the class.
        results: of each board, what its plan will measure.

    Returns:
        The result that the public board is ranked by.

    Raises:
        GanbenchError: no such result, or one without a direction.
    """
    by = {}
    for name, section in ((PUBLIC, config.public), (PRIVATE, config.private)):
        if section is not None:
            try:
                by[name] = choose(results[name], section.sort, section.columns).by
            except GanbenchError as e:
                raise type(e)(f"[{name}]: {e}") from e
    return by[PUBLIC]


def _render(template: str, **values: object) -> str:
    return environment().get_template(template).render(version=ganbench.__version__, **values)


def _markdown(board: ClassBoard, graded: Graded, staff: bool) -> str:
    parts = [f"# {markdown(board.title)}\n", _table(board.header, board.lines)]
    parts += [f"{markdown(note)}\n" for note in board.notes]
    if board.below:
        parts += ["Without a position:\n", _table(board.below_header, board.below)]
    if staff and graded.strays:
        parts += ["Nobody's:\n", _table(["what", "why"], [list(stray) for stray in graded.strays])]
    return "\n".join(parts)


def _table(titles: Iterable[str], lines: Iterable[Iterable[object]]) -> str:
    titles = list(titles)
    rows = [titles, ["---"] * len(titles), *([str(cell) for cell in line] for line in lines)]
    spelled = [row if number == 1 else [markdown(cell) for cell in row] for number, row in enumerate(rows)]
    return "\n".join("| " + " | ".join(row) + " |" for row in spelled) + "\n"


def _write(path: Path, text: str) -> None:
    """Write a file, unless it says this already: who syncs the folder sees what changed."""
    with suppress(OSError):
        if path.read_bytes() == text.encode("utf-8", "backslashreplace"):
            return
    write_text(path, text)


def _remove_others(folder: Path, kept: set[str]) -> None:
    """Remove the pages of those who are not on the roster any more, and what killed processes left."""
    sweep(folder)
    with suppress(OSError):
        for path in folder.iterdir():
            if _OURS.fullmatch(path.name) and path.name not in kept:
                path.unlink()


def _flagged(graded: Graded) -> list[list[str]]:
    """Return id, name, flag and text of every flag but that of a broken rule, which stands with the rules."""
    return [
        [student.id, student.name, flag.kind + (" (cleared)" if student.cleared else ""), flag.text]
        for student in graded.students
        for flag in student.flags
        if flag.kind != "invalid"
    ]
