"""The autograder of a class for Gradescope, and its answer for one submission, ``results.json``.

Source: Gradescope's autograder documentation, pages "Autograder Specifications" and "Leaderboards"
(gradescope-autograders.readthedocs.io), whose text is in the repository ``gradescope/autograder_samples``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ganbench.grade.alone import Judged
from ganbench.grade.config import ClassConfig
from ganbench.grade.parcel import pack, write_zip
from ganbench.scoring.row import Row
from ganbench.system.outputs import Target
from ganbench.system.text import markdown

# Both find their folder by their own place: setup.sh lies in /autograder/source, run_autograder in /autograder.
SETUP = """#!/usr/bin/env bash
# Installs what the autograder needs, once, when the image is built.
set -euo pipefail
root="$(cd "$(dirname "$0")/.." && pwd)"
apt-get install -y python3 python3-venv
python3 -m venv "$root/venv"
"$root/venv/bin/pip" install --no-cache-dir -r "$root/source/requirements.txt"
"""
RUN = """#!/usr/bin/env bash
# Judges /autograder/submission and writes /autograder/results/results.json. Needs no network.
set -euo pipefail
root="$(cd "$(dirname "$0")" && pwd)"
export PYTHONPATH="$root/source" GANBENCH_HOME="$root/source/home"
exec "$root/venv/bin/python" -m ganbench grade answer gradescope "$root"
"""
SUBMISSION, SOURCE, REFERENCES, RESULTS = "submission", "source", "source/references", "results/results.json"


def export_gradescope(config: ClassConfig, out: Target) -> int:
    """Write the archive that is uploaded as the assignment's autograder; returns its size in bytes.

    Args:
        config: what ``load_class`` returned.
        out: the .zip.

    Raises:
        GanbenchError: as ``pack``.
    """
    parcel = pack(config)
    files = {"setup.sh": SETUP.encode(), "run_autograder": RUN.encode(), **parcel.program}
    files |= {f"references/{name}": content for name, content in parcel.references.items()}
    return write_zip(files, out, executable=("setup.sh", "run_autograder"))


def to_results(judged: Judged, columns: Mapping[str, str], version: str) -> dict[str, Any]:
    """Return ``results.json`` for one submission, as plain data.

    The score is the tier's points; a flagged submission has none until somebody has looked at it. The leaderboard has
    what the public board shows, and nothing of a submission that is not valid or that is flagged: a Gradescope
    leaderboard knows no note beside a value.

    Args:
        judged: what ``judge`` returned.
        columns: ids of the results that the leaderboard has, that ranked by first, with their directions.
        version: of ganbench, for whoever looks at a grade later.
    """
    student, config = judged.student, judged.graded.config
    look = student.public
    tests: list[dict[str, Any]] = [
        {"name": check.what, "status": _status(check.ok), "output": check.found}
        for check in (look.checks if look else ())
    ]
    for kind in ("copied", "repeated"):
        texts = [flag.text for flag in student.flags if flag.kind == kind]
        tests.append({"name": f"not {kind}", "status": _status(not texts), "output": "; ".join(texts)})
    tests.append(
        {
            "name": f"tier: {student.tier or 'none'}",
            "score": student.points or 0.0,
            "max_score": max(tier.points for tier in config.tiers),
            "status": _status(bool(student.tier) and not student.is_flagged),
            "output": "; ".join(student.reasons),
        }
    )
    unranked = student.is_flagged and not config.keep_flagged
    card = look.card if look else None
    rows = card.rows if card is not None else []
    return {
        "score": student.points or 0.0,
        "output": _text(student.reasons, rows, card.warnings if card else []),
        "output_format": "md",
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "extra_data": {"ganbench": version, "flags": [flag.to_dict() for flag in student.flags]},
        "tests": tests,
        "leaderboard": _leaderboard(rows, columns) if student.valid and not unranked else [],
    }


def _status(ok: bool) -> str:
    return "passed" if ok else "failed"


def _leaderboard(rows: list[Row], columns: Mapping[str, str]) -> list[dict[str, Any]]:
    orders = {"lower": "asc", "higher": "desc"}
    values = {row.id: row.value for row in rows}
    return [
        {"name": name, "value": value, "order": orders[better]}
        for name, better in columns.items()
        if (value := values.get(name)) is not None
    ]


def _text(reasons: tuple[str, ...], rows: list[Row], warnings: list[str]) -> str:
    """Return what a student reads, in Markdown."""
    lines = [f"- {markdown(reason)}" for reason in reasons]
    lines += ["", "| result | value | 95 % interval |", "| --- | --- | --- |"] if rows else []
    for row in rows:
        value, low, high = row.formatted()
        text = f"{value}" if row.value is not None else f"not measured: {row.reason}"
        between = "" if row.low is None else f"{low} to {high}"
        lines.append(f"| {markdown(row.id)} | {markdown(text)} | {between} |")
    return "\n".join(lines + ([""] + [f"- {markdown(text)}" for text in warnings] if warnings else [])).strip()
