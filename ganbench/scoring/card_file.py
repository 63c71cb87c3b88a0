"""Scorecards in files: whoever wrote one, what is in it can be shown and ranked, or it is refused with the reason.

A file is believed in nothing that can be known without it. Where the metric of a row is known here, the direction and
the range of its values are that metric's; a row of an unknown metric is taken as it is, and compares with its like
alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from ganbench.errors import GanbenchError
from ganbench.metrics.base import Better, holds
from ganbench.metrics.registry import metric_of
from ganbench.scoring.flags import Flag, Kind
from ganbench.system.parse import faults_of, parse_json
from ganbench.system.wall import wall

SCHEMA = 1
MOST_BYTES = 4 << 20  # a scorecard has some kilobytes; with thousands of warnings, some hundred
MOST_ROWS = 1000
MOST_FLAGS = 100
LARGEST = 1e30  # of a value, in size; what boards compute of values beyond may overflow

_Id = Annotated[str, Field(min_length=1, max_length=4096)]
_Text = Annotated[str, Field(max_length=65_536)]
_Number = Annotated[float, Field(ge=-LARGEST, le=LARGEST)]
_Share = Annotated[float, Field(ge=0, le=1)]
_Whole = Annotated[int, Field(ge=0, lt=2**63)]
_Positive = Annotated[int, Field(ge=1, lt=2**53)]


class _Part(BaseModel):
    """Part of a scorecard's file. What a later version adds beside it is not read; no type stands for another."""

    model_config = ConfigDict(strict=True, extra="ignore", allow_inf_nan=False)


class Row(_Part):
    """One result; see ``row.Row``."""

    id: _Id
    value: _Number | None
    low: _Number | None = None
    high: _Number | None = None
    better: Better = "none"
    n: _Positive | None = None
    seed: _Whole | None = None
    protocol: _Text = ""
    title: _Text = ""
    unit: _Text = ""
    interval: _Text = ""
    reason: _Text = ""
    version: _Positive | None = None
    p: _Share | None = None


class _Flag(_Part):
    """A flag; see ``flags.Flag``."""

    kind: Kind
    share: _Share | None = None
    p: _Share | None = None
    text: _Text


_Flags = Annotated[list[_Flag], Field(max_length=MOST_FLAGS)]
_FLAGS: TypeAdapter[list[_Flag]] = TypeAdapter(_Flags)


class _Run(_Part):
    step: _Whole
    samples: _Positive
    plan: _Text


class _Source(_Part):
    label: _Text
    count: _Whole
    image_size: Annotated[list[_Positive], Field(min_length=2, max_length=2)] | None = None
    resize: _Text | None = None
    digest: _Text | None = None
    skipped: list[_Text] = []
    run: _Run | None = None


class _Images(_Part):
    label: _Text | None = None
    count: _Positive | None = None
    digest: _Text | None = None


class _Figure(_Part):
    value: _Number
    n: _Positive
    version: _Positive


class _HeldOut(_Part):
    images: _Positive
    copies: _Whole | None = None
    nearer: _Whole | None = None
    figures: dict[_Text, _Figure] = {}

    @model_validator(mode="after")
    def _are_shares(self) -> _HeldOut:
        if max(self.copies or 0, self.nearer or 0) > self.images:
            raise ValueError(f"more than the {self.images:,} held-out images are counted")
        return self


class _Reference(_Part):
    name: _Text | None = None
    data: _Images | None = None
    held_out: _HeldOut | None = None
    own: _HeldOut | None = None


def _checked_by(part: type[_Part]) -> Callable[[Any], Any]:
    """Return what checks data and leaves them as they are: what stands beside the checked parts is written again."""

    def check(data: Any) -> Any:
        part.model_validate(data)
        return data

    return check


_SourceTable = Annotated[dict[str, Any], BeforeValidator(_checked_by(_Source))]
_ReferenceTable = Annotated[dict[str, Any], BeforeValidator(_checked_by(_Reference))]


class Card(_Part):
    """A scorecard as its file has it."""

    results: Annotated[list[Row], Field(max_length=MOST_ROWS)]
    source: _SourceTable
    reference: Annotated[dict[_Text, _ReferenceTable], Field(max_length=MOST_ROWS)]
    instruments: Annotated[
        dict[_Text, dict[str, Any]], Field(max_length=MOST_ROWS)
    ] = {}  # cards of earlier versions have none
    flags: _Flags = []  # likewise
    warnings: list[_Text]
    versions: dict[_Text, _Text]


def flags_in(data: Any) -> list[Flag]:
    """Return the flags that a file has as plain data.

    Raises:
        GanbenchError: they are none.
    """
    with wall(lambda why: GanbenchError(f"not flags of ganbench: {why}")):
        try:
            parts = _FLAGS.validate_python(data)
        except ValidationError as e:
            raise GanbenchError(f"not flags of ganbench: {faults_of(e)}") from e
    return [Flag(**part.model_dump()) for part in parts]


def checked(text: str) -> Card:
    """Return what a scorecard's JSON text says, with ``source`` and ``reference`` as they stand in it.

    Raises:
        GanbenchError: the text is no scorecard, is of another schema, or says what cannot be.
    """
    with wall(lambda why: GanbenchError(f"not a scorecard of ganbench: {why}")):
        data = parse_json(text)
        schema = data["schema"] if isinstance(data, dict) and "schema" in data else None
        if type(schema) is not int or schema < 1:
            raise GanbenchError("not a scorecard of ganbench: it says no schema")
        if schema > SCHEMA:
            raise GanbenchError(f"a scorecard of schema {schema:,}, and this ganbench reads {SCHEMA}. Update ganbench")
        try:
            card = Card.model_validate(data)
        except ValidationError as e:
            raise GanbenchError(f"not a scorecard of ganbench: {faults_of(e)}") from e
    _refuse_faults(card.results)
    return card


def _refuse_faults(rows: list[Row]) -> None:
    seen: set[str] = set()
    for row in rows:
        if row.id in seen:
            raise GanbenchError(f"{row.id}: two rows of this result")
        seen.add(row.id)
        if why := _fault(row):
            raise GanbenchError(f"{row.id}: {why}")


def _fault(row: Row) -> str:
    """Say why a row cannot be believed, or return ""."""
    if row.value is None:
        return "" if row.low is None and row.high is None else "it has an interval and no value"
    if row.n is None:
        return "it does not say of how many images its value is"
    if not holds(row.value, row.low, row.high):
        return f"its interval, {row.low} to {row.high}, does not hold its value, {row.value}"
    metric = metric_of(row.id)
    if metric is None:
        return ""
    if row.better != metric.better:
        return (
            f"its direction is {row.better!r} here, and that of {metric.name} is {metric.better!r}. "
            "Score the images again with this version of ganbench"
        )
    if not metric.allows(row.value):
        return f"a value of {row.value}, and {metric.name} lies in {metric.range}"
    if row.version is not None and not row.protocol.endswith(f"{metric.name} v{row.version}"):
        return f"it is of version {row.version} of {metric.name}, and its protocol ends otherwise"
    return ""
