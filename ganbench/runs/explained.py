"""The explanation of a run: what its samples show, kept beside its scorecard as ``explanation.json``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from ganbench.errors import GanbenchError
from ganbench.explanation.explain import explain_source
from ganbench.images.source import Source
from ganbench.scoring.plan import Plan
from ganbench.system.outputs import write_text
from ganbench.system.parse import parse_json, read_text
from ganbench.system.wall import wall
from ganbench.training.run_folder import RunFolder

_MOST_BYTES = 8 << 20
_MOST = 64  # findings: there are as many as kinds, and these are fewer
_Text = Annotated[str, Field(max_length=4096)]


class Told(BaseModel):
    """A finding as a page tells it."""

    model_config = ConfigDict(strict=True, extra="ignore", allow_inf_nan=False)

    kind: Annotated[str, Field(max_length=64)]
    effect: float
    text: _Text
    remedy: _Text


class _File(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")

    source: dict[str, object]
    findings: Annotated[list[Told], Field(max_length=_MOST)]


def explain_run(folder: Path, source: Source, plan: Plan) -> None:
    """Write the explanation of a run's samples; where its reference has no looks, or nothing can be said, none.

    Args:
        folder: the run.
        source: the samples that were scored.
        plan: by which.

    Raises:
        GanbenchError: the file cannot be written.
    """
    path = RunFolder(folder).explanation
    path.unlink(missing_ok=True)  # that of other samples
    known = [(part.asked, plan.references[part.name]) for part in plan.instruments if part.name in plan.references]
    fitting = [(asked, reference) for asked, reference in known if reference.looks is not None]
    if not fitting:
        return
    asked, reference = fitting[0]
    try:
        found = explain_source(source, plan.options.looking_with(asked), [reference])
    except GanbenchError:  # few samples, or of another size: the scorecard says it
        return
    write_text(path, found.to_json())


def explanation_of(folder: Path, digest: object) -> list[Told] | None:
    """Return the findings of a run, strongest first; None where there are none to read, or of other samples.

    Args:
        folder: the run.
        digest: of the samples that its scorecard is of.
    """
    try:
        with wall(lambda why: GanbenchError(f"{folder}: {why}")):
            path = RunFolder(folder).explanation
            if not path.is_file():
                return None
            kept = _File.model_validate(parse_json(read_text(path, _MOST_BYTES)))
    except GanbenchError:
        return None
    return kept.findings if kept.source.get("digest") == digest else None
