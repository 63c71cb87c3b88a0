"""A class as a Codabench bundle, and what its scoring program answers: ``scores.json``.

Source: Codabench's documentation, pages "Competition YAML Structure", "Competition Bundle Structure", "Leaderboard
Functionality", "Detailed Results and Visualizations" and "Submission Docker Container Layout" (docs.codabench.org), and
its unpacker and compute worker in the repository ``codalab/codabench``.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from PIL import Image

from ganbench.errors import GanbenchError, GateFailed
from ganbench.grade.alone import Judged
from ganbench.grade.config import ClassConfig
from ganbench.grade.parcel import HOME, REQUIREMENTS, Files, pack, write_zip, zip_bytes
from ganbench.system.outputs import Target
from ganbench.system.text import markdown
from ganbench.toyfaces import toyfaces

# The folders that Codabench mounts; the program runs in the first of them.
PROGRAM, INPUT, OUTPUT = "/app/program", "/app/input", "/app/output"
METADATA = f"command: python3 {PROGRAM}/judge.py {INPUT} {OUTPUT}\n"
JUDGE = f'''"""Judges one submission: judge.py INPUT OUTPUT. Needs no network."""

import os
import sys
from pathlib import Path

program = Path(__file__).resolve().parent
os.environ["GANBENCH_HOME"] = str(program / "{HOME}")
sys.path.insert(0, str(program))

from ganbench.cli.app import main

sys.argv = ["ganbench", "grade", "answer", "codabench", str(program), *sys.argv[1:]]
main()
'''
DOCKERFILE = f"""FROM python:3.12-slim
COPY {REQUIREMENTS} /tmp/{REQUIREMENTS}
RUN pip install --no-cache-dir -r /tmp/{REQUIREMENTS}
"""
PASSED_OVER = ("metadata", "metadata.yaml")  # at the top of what was handed in: Codabench's worker writes it there
SCORES, PAGE = "scores.json", "detailed_results.html"
FLAGGED, POINTS = "flagged", "points"
_LONGEST = 36  # letters of a column's key and title
_DECIMALS = 10  # that Codabench keeps
_SORTING = {"lower": "asc", "higher": "desc"}
_SECONDS = 1200  # that a submission may take
_TERMS = """Hand in images that a generator of yours drew. Images of the training set, of others, or a few images many
times over are found, and such a submission ranks below all others.
"""


def export_codabench(
    config: ClassConfig, out: Target, image: str, columns: Mapping[str, str], *, now: datetime | None = None
) -> int:
    """Write the bundle that is uploaded as a new competition; returns its size in bytes.

    Args:
        config: what ``load_class`` returned.
        out: the .zip.
        image: name of the Docker image in which submissions are judged; ``image/Dockerfile`` in the bundle makes it.
        columns: ids of the results that the leaderboard shows, that ranked by first, with their directions.
        now: when the phase starts; None: at this moment.

    Raises:
        GanbenchError: as ``pack``, or the deadline has passed.
    """
    start = (now or datetime.now(timezone.utc)).astimezone(timezone.utc)
    end = None if config.late.deadline is None else config.late.deadline.astimezone(timezone.utc)
    if end is not None and end <= start:
        raise GanbenchError(f"the deadline {config.late.deadline} has passed: a phase cannot end before it starts")
    parcel = pack(config)
    program: Files = {"metadata.yaml": METADATA.encode(), "judge.py": JUDGE.encode(), **parcel.program}
    files: Files = {
        "competition.yaml": _yaml(_competition(config, columns, image, start, end)),
        "logo.png": _logo(),
        "overview.md": _overview(config).encode(),
        "terms.md": _TERMS.encode(),
        "scoring_program.zip": zip_bytes(program),
        "reference_data.zip": zip_bytes(parcel.references),
        "image/Dockerfile": DOCKERFILE.encode(),
        f"image/{REQUIREMENTS}": parcel.program[REQUIREMENTS],
    }
    return write_zip(files, out)


def to_scores(judged: Judged, columns: Mapping[str, str]) -> dict[str, float]:
    """Return ``scores.json`` for a submission that keeps the rules, as plain data.

    Codabench ranks by the first column and then by those to its right: a flagged submission is below all others, then
    points decide, then the results. A result that was not measured is left out.

    Raises:
        GateFailed: a rule is broken, or what is ranked by could not be measured. There is no score then, and Codabench
            shows the submission as failed: any value would be ranked, and an empty one may be ranked first.
    """
    student = judged.student
    by = next(iter(columns))
    card = student.public.card if student.public else None
    values = {row.id: row.value for row in (card.rows if card else ())}
    if not student.valid:
        raise GateFailed(f"not valid: {'; '.join(student.reasons)}")
    if values.get(by) is None:
        raise GateFailed(f"{by} could not be measured")
    flagged = student.is_flagged and not judged.graded.config.keep_flagged
    scores = {FLAGGED: float(flagged), POINTS: float(student.points or 0.0)}
    measured = {result_id: value for result_id in columns if (value := values.get(result_id)) is not None}
    return scores | {key_of(result_id): round(value, _DECIMALS) for result_id, value in measured.items()}


def key_of(result_id: str) -> str:
    """Return the key of a result's column: ``fd_lite0`` of ``fd[lite0]``; one that is too long ends in a hash."""
    key = re.sub(r"[^A-Za-z0-9]+", "_", result_id).strip("_")
    return key if len(key) <= _LONGEST else f"{key[: _LONGEST - 9]}_{hashlib.sha256(key.encode()).hexdigest()[:8]}"


def _competition(
    config: ClassConfig, columns: Mapping[str, str], image: str, start: datetime, end: datetime | None
) -> dict[str, Any]:
    """Return ``competition.yaml`` as plain data."""
    phase: dict[str, Any] = {
        "index": 0, "name": "Submissions", "description": "Judged by the public board.",
        "start": f"{start:%Y-%m-%d %H:%M:%S}", "execution_time_limit": _SECONDS, "hide_score_output": False,
        "accepts_only_result_submissions": True, "tasks": [0],
    }  # fmt: skip
    if end is not None:
        phase["end"] = f"{end:%Y-%m-%d %H:%M:%S}"
    return {
        "version": 2,
        "title": config.title,
        "description": "Judged by ganbench",
        "image": "logo.png",
        "terms": "terms.md",
        "docker_image": image,
        "registration_auto_approve": False,
        "enable_detailed_results": True,
        "show_detailed_results_in_leaderboard": False,
        "pages": [{"title": "Overview", "file": "overview.md"}],
        "tasks": [
            {
                "index": 0, "name": "Judge", "description": "Rules, metrics, tier and flags of one submission.",
                "scoring_program": "scoring_program.zip", "reference_data": "reference_data.zip",
            }
        ],
        "phases": [phase],
        "leaderboards": [
            {"title": "Results", "key": "main", "submission_rule": "Force_Last", "columns": _columns(columns)}
        ],
    }  # fmt: skip


def _columns(columns: Mapping[str, str]) -> list[dict[str, Any]]:
    ours = [(FLAGGED, FLAGGED, "asc", 0), (POINTS, POINTS, "desc", 2)]
    theirs = [(key_of(i), i[:_LONGEST], _SORTING[better], 4) for i, better in columns.items() if better in _SORTING]
    return [
        {"title": title, "key": key, "index": index, "sorting": sorting, "precision": precision}
        for index, (key, title, sorting, precision) in enumerate([*ours, *theirs])
    ]


def _overview(config: ClassConfig) -> str:
    """Return the page that says what is asked for, in Markdown."""
    tiers = [f"| {markdown(tier.name)} | {tier.points:g} | {markdown(_gates(tier.gates))} |" for tier in config.tiers]
    return "\n".join(
        [
            f"# {markdown(config.title)}",
            "",
            f"What to hand in: {markdown(str(config.asked))}. Upload a .zip that holds your archive.",
            "",
            "| tier | points | what it takes |",
            "| --- | --- | --- |",
            *tiers,
            "",
            "Ranking: submissions without a flag first, then by points, then by the results from left to right. A "
            "submission that breaks a rule gets no score; its detailed results say which rule.",
            "",
        ]
    )


def _gates(gates: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {limit:g}" for name, limit in gates.items()) or "a valid submission"


def _logo() -> bytes:
    """Return the competition's picture: a toy face."""
    (_, pixels), *_ = toyfaces(1, 128, seed=3)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def _yaml(value: object) -> bytes:
    """Return plain data as YAML: JSON is a part of it, and quotes whatever is in a title."""
    return (json.dumps(value, indent=2) + "\n").encode()
