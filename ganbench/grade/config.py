"""What a class is graded by: a TOML file that says only what differs from the assignment."""

from __future__ import annotations

import re
from datetime import datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails

from ganbench.errors import GanbenchError, UnknownName
from ganbench.images.rules import Rules
from ganbench.metrics.registry import metric_of, name_of
from ganbench.registry import did_you_mean
from ganbench.scoring.options import DEFAULT_DETECTOR, DEFAULT_FEATURES
from ganbench.scoring.tiers import GATED, TIERS
from ganbench.system.parse import MOST_TOML_BYTES, parse_toml, read_text, shown
from ganbench.system.urls import is_url
from ganbench.system.wall import wall

_Share = Annotated[float, Field(ge=0, le=1)]
_Name = Annotated[str, Field(min_length=1, max_length=100)]


class _Section(BaseModel):
    """A part of the file; a key that it does not know is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class LateSection(_Section):
    """When work is late, and what that costs.

    Attributes:
        deadline: the moment, with its offset from UTC; None: nothing is late.
        grace: minutes after it that still count as in time.
        per_day: share of the points that every begun day costs.
        most_days: begun days after which nothing is left; None: as long as ``per_day`` leaves something.
        believe: where the moment of handing in is taken from: ``export`` (its metadata, or its names), ``mtime`` (of
            the file), or ``any``: the export where it says one, the file's elsewhere.
        in_name: pattern of a time in names that the export makes, one group; it is looked for in the name of the
            outermost folder or file alone, the rest being the student's to choose.
        form: of that time, as ``datetime.strptime`` reads it; without an offset, that of the deadline is meant.
    """

    deadline: datetime | None = None
    grace: Annotated[int, Field(ge=0)] = 0
    per_day: _Share = 0.0
    most_days: Annotated[int, Field(ge=0)] | None = None
    believe: Literal["any", "export", "mtime"] = "any"
    in_name: str | None = None
    form: str = "%Y-%m-%d-%H-%M-%S"

    @field_validator("deadline")
    @classmethod
    def _has_offset(cls, value: datetime | None) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError("say in which time zone, such as 2026-01-05T23:59:59+08:00")
        return value

    @field_validator("in_name")
    @classmethod
    def _is_pattern(cls, value: str | None) -> str | None:
        return None if value is None else _pattern(value)


class BoardSection(_Section):
    """What a board is measured with and against.

    Attributes:
        reference: names or files of references, or real images; none: the shipped one.
        features: extractors.
        detector: for AFD, or ``none``.
        metrics: their names; None: the usual ones.
        weights: file of weights for an extractor that needs one.
        sort: the result to rank by; None: the one that heads a board.
        columns: results to show; None: the usual ones.
    """

    reference: list[str] = []
    features: Annotated[list[str], Field(min_length=1)] = list(DEFAULT_FEATURES)
    detector: str = DEFAULT_DETECTOR
    metrics: list[str] | None = None
    weights: str | None = None
    sort: str | None = None
    columns: list[str] | None = None

    @field_validator("reference", "features", "metrics", "columns", mode="before")
    @classmethod
    def _one_or_several(cls, value: object) -> object:
        return [value] if isinstance(value, str) else value


class TierSection(_Section):
    """A tier: the points that it is worth, and what has to be reached for it.

    Attributes:
        name: what it is called.
        points: that it is worth.
        gates: limits of results by their ids or metrics; a value has to be at the limit or on its better side.
    """

    name: _Name
    points: Annotated[float, Field(ge=0, le=1e6)]
    gates: dict[str, float] = {}

    @field_validator("gates")
    @classmethod
    def _known(cls, gates: dict[str, float]) -> dict[str, float]:
        for key in gates:
            metric = metric_of(name_of(key))
            if metric is None:
                raise ValueError(f"{shown(key)} is no metric")
            if metric.better == "none":
                raise ValueError(f"{metric.name} has no direction: it cannot be a gate")
        return gates


def _assignment() -> list[TierSection]:
    """Return the assignment's tiers by their gates on AFD, worth 1, 2, 3 and 4 points."""
    return [
        TierSection(name=name, points=points, gates={GATED: least}) for points, (name, least, _) in enumerate(TIERS, 1)
    ]


class ClassConfig(_Section):
    """A whole class.

    Attributes:
        roster: the CSV file with everybody's id and name.
        id: pattern of an id in the names of files and folders; its first group, or all of it, is the id. None: the
            roster's own ids are looked for.
        title: of the pages.
        export: what made the folder: ``plain``, ``moodle``, ``gradescope`` or ``canvas`` (NTU COOL is one);
            ``auto`` looks.
        take: which of several submissions counts: the ``latest``, or the ``latest-in-time``.
        flagged: what becomes of the points of a flagged submission: ``review`` leaves them open, ``keep`` gives them,
            ``zero`` takes them.
        keep_flagged: rank flagged entries among the others.
        cleared: ids whose flags somebody has looked at: they are shown, and cost neither rank nor points.
        reveal: whether feedback pages show what the private board says.
        secret: what the aliases are made from; None: a random one, kept beside the file.
        seed: of every random choice of scoring.
        rules: what a submission has to keep, where it differs from the assignment (see ``Rules.from_table``).
        late: the deadline, and what it costs to miss it.
        tiers: the lowest first.
        public: the board that everybody may see.
        private: the board that grades rest on; None: the public one.
    """

    roster: _Name
    id: str | None = None
    title: _Name = "Generated faces"
    export: Literal["auto", "plain", "moodle", "gradescope", "canvas"] = "auto"
    take: Literal["latest", "latest-in-time"] = "latest"
    flagged: Literal["review", "keep", "zero"] = "review"
    keep_flagged: bool = False
    cleared: list[_Name] = []
    reveal: bool = False
    secret: Annotated[str, Field(min_length=8, max_length=1000)] | None = None
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    rules: dict[str, Any] = {}
    late: LateSection = LateSection()
    tiers: Annotated[list[TierSection], Field(min_length=1, max_length=50)] = Field(default_factory=_assignment)
    public: BoardSection = BoardSection()
    private: BoardSection | None = None

    @field_validator("id")
    @classmethod
    def _is_pattern(cls, value: str | None) -> str | None:
        return None if value is None else _pattern(value)

    @property
    def asked(self) -> Rules:
        """What a submission has to keep.

        Raises:
            GanbenchError: an unknown rule, or a value that none can have.
        """
        return Rules.from_table(self.rules, "[rules]")

    @model_validator(mode="after")
    def _tiers_rise(self) -> ClassConfig:
        names = [tier.name for tier in self.tiers]
        if len(set(names)) < len(names):
            raise ValueError("two tiers of one name")
        if any(a.points > b.points for a, b in zip(self.tiers, self.tiers[1:], strict=False)):
            raise ValueError("tiers: give the lowest first; each is worth at least as much as the one before it")
        return self


def _pattern(text: str) -> str:
    """Return a pattern of at most one group.

    Raises:
        ValueError: it is none.
    """
    try:
        found = re.compile(text)
    except (re.error, RecursionError, OverflowError) as e:
        raise ValueError(f"no regular expression: {e}") from e
    if found.groups > 1:
        raise ValueError(f"{found.groups} groups; only one can be what is meant. Write (?:...) for the others")
    if found.fullmatch(""):
        raise ValueError("it matches the empty text")
    return text


def load_class(path: Path) -> ClassConfig:
    """Read what a class is graded by; the paths in it are relative to the file's folder.

    Raises:
        UnknownName: a key that does not exist, with the nearest one.
        GanbenchError: it cannot be read, is no TOML, or a value is not allowed.
    """
    path = Path(path)
    with wall(lambda why: GanbenchError(f"{path}: cannot be read: {why}")):
        data = parse_toml(read_text(path, MOST_TOML_BYTES))
    _refuse_unknown(data, path)
    try:
        config = ClassConfig.model_validate(data)
    except ValidationError as e:
        raise GanbenchError(f"{path}: {'; '.join(_explain(error) for error in e.errors()[:3])}") from e
    try:
        _ = config.asked
    except GanbenchError as e:
        raise GanbenchError(f"{path}: {e}") from e
    return _placed(config, path.parent)


_TABLES: dict[str, type[BaseModel]] = {
    "": ClassConfig, "late": LateSection, "tiers": TierSection, "public": BoardSection,
    "private": BoardSection,
}  # fmt: skip


def _refuse_unknown(data: dict[str, Any], path: Path) -> None:
    """Refuse keys that no table has, before anything is said of the values."""
    for table, model in _TABLES.items():
        content = data if not table else data.get(table)
        for part in content if isinstance(content, list) else [content]:
            for key in part if isinstance(part, dict) else ():
                if key not in model.model_fields:
                    where = f"[{table}] " if table else ""
                    raise UnknownName(f"{path}: unknown key {where}{shown(key)}.{_hint(key, table)}")


def _hint(key: str, table: str) -> str:
    """Return the nearest known key; one of another table is led by that table's name."""
    mine = list(_TABLES[table].model_fields)
    if get_close_matches(key, mine, n=1, cutoff=0.6):
        return did_you_mean(key, mine)
    if table and key in _TABLES[""].model_fields:
        return " It stands at the top of the file, above every [section]."
    elsewhere = [f"{other}.{field}" for other, model in _TABLES.items() if other for field in model.model_fields]
    same = [name for name in elsewhere if name.rpartition(".")[2] == key]
    return f" Did you mean {same[0]!r}?" if same else did_you_mean(key, mine)


def _explain(error: ErrorDetails) -> str:
    where = ".".join(str(part)[:80] for part in error["loc"])
    text = error["msg"].removeprefix("Value error, ")
    if error["type"] == "missing":
        return f'{where}: {text.lower()}. The least that a class needs is roster = "roster.csv"'
    given = "" if isinstance(error.get("input"), dict) else f", got {shown(error.get('input'))}"
    return f"{where}: {text}{given}" if where else text


def _placed(config: ClassConfig, folder: Path) -> ClassConfig:
    """Return the same with the paths of files as seen from here."""
    boards = {
        name: board.model_copy(
            update={
                "reference": [_seen_from(one, folder) for one in board.reference],
                "weights": None if board.weights is None else _seen_from(board.weights, folder),
            }
        )
        for name, board in (("public", config.public), ("private", config.private))
        if board is not None
    }
    roster = config.roster if is_url(config.roster) else str(folder / config.roster)
    return config.model_copy(update={**boards, "roster": roster})


def _seen_from(text: str, folder: Path) -> str:
    """Return the path of a file beside the configuration; a name that no file bears stays a name."""
    return str(folder / text) if not is_url(text) and (folder / text).exists() else text
