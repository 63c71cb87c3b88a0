"""What an assignment asks of a submission: number, names, size and bytes; declared once, for all who judge by it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ganbench.errors import GanbenchError
from ganbench.registry import did_you_mean
from ganbench.system.parse import MOST_TOML_BYTES, faults_of, parse_toml, read_text
from ganbench.system.wall import wall

COUNT = 1000
SIZE = (64, 64)
LIMIT_BYTES = 2_000_000  # "under 2 MB", read as the smaller, decimal megabyte
TGZ = (".tgz", ".tar.gz")
NAMES = "{}.jpg"
NONE = "none"


@dataclass(frozen=True)
class Rules:
    """What a submission must keep. The defaults are the assignment's; None, False or () lifts a rule.

    Attributes:
        name: what the rules are called in messages: ``hw6``, or the file that they stand in.
        count: number of images.
        names: what they are called, with ``{}`` for 1, 2, 3 ...
        size: (height, width), pixels, as delivered.
        max_bytes: the file must be smaller.
        endings: of the archive's name, one of them.
        flat: whether a folder inside is against the rules.
    """

    name: str = "hw6"
    count: int | None = COUNT
    names: str | None = NAMES
    size: tuple[int, int] | None = SIZE
    max_bytes: int | None = LIMIT_BYTES
    endings: tuple[str, ...] = TGZ
    flat: bool = True

    @classmethod
    def of(cls, asked: str | Path | Rules | None) -> Rules | None:
        """Return the rules that a user means: ``hw6``, ``none``, or a TOML file of what differs from ``hw6``.

        Raises:
            GanbenchError: no such name or file, or the file says something else.
        """
        if asked is None or isinstance(asked, Rules):
            return asked
        if isinstance(asked, str) and asked in (HW6.name, NONE):
            return HW6 if asked == HW6.name else None
        path = Path(asked)
        if path.suffix.lower() != ".toml":
            raise GanbenchError(
                f"rules {str(asked)!r}: expected {HW6.name}, {NONE} or a .toml file."
                f"{did_you_mean(str(asked), [HW6.name, NONE])}"
            )
        return cls.read(path)

    @classmethod
    def read(cls, path: Path) -> Rules:
        """Read rules from a TOML file: it says what differs from the assignment's.

        Raises:
            GanbenchError: it cannot be read, or says something else.
        """
        with wall(lambda why: GanbenchError(f"{path}: not a file of rules: {why}")):
            return cls.from_table(parse_toml(read_text(path, MOST_TOML_BYTES)), path.name)

    @classmethod
    def from_table(cls, table: Mapping[str, Any], name: str) -> Rules:
        """Return the rules of a table such as ``{"count": 500, "bytes": False}``: what differs from the assignment's.

        Args:
            table: ``count``, ``names`` (with ``{}`` for the number), ``size`` (pixels, or [height, width]), ``bytes``,
                ``archive`` (endings); each may be False to lift the rule; and ``folders``, True to allow them.
            name: what the rules are called in messages.

        Raises:
            GanbenchError: an unknown key, or a value that no rule can have.
        """
        try:
            given = _Table.model_validate(dict(table))
        except ValidationError as e:
            known = did_you_mean(next((k for k in table if k not in _Table.model_fields), ""), [*_Table.model_fields])
            unknown = set(table) - set(_Table.model_fields)
            raise GanbenchError(f"{name}: {faults_of(e)}.{known if unknown else ''}") from e
        sides = [given.size] * 2 if isinstance(given.size, int) else given.size
        return cls(
            name,
            given.count or None,
            given.names or None,
            None if given.size is False else (sides[0], sides[1]),
            given.bytes or None,
            () if given.archive is False else tuple(ending.lower() for ending in given.archive),
            not given.folders,
        )

    def expected(self, count: int) -> list[str]:
        """Return the names that the images must have; where no number of images is asked for, of so many."""
        return [] if self.names is None else [self.names.format(i) for i in range(1, (self.count or count) + 1)]

    def __str__(self) -> str:
        parts = [
            f"{self.count:,} images" if self.count else "",
            f"named {self.names.format(1)}, {self.names.format(2)} ..." if self.names else "",
            f"of {self.size[0]}x{self.size[1]} pixels" if self.size else "",
            f"under {self.max_bytes:,} bytes" if self.max_bytes else "",
        ]
        return f"{self.name} ({', '.join(part for part in parts if part) or 'nothing asked for'})"


HW6 = Rules()

_Off = Literal[False]
_Pixels = Annotated[int, Field(ge=1, le=4096)]
_Ending = Annotated[str, Field(pattern=r"^\.[A-Za-z0-9.]+$", max_length=20)]


class _Table(BaseModel):
    """Rules as a TOML table has them."""

    model_config = ConfigDict(strict=True, extra="forbid")

    count: Annotated[int, Field(ge=2, le=1_000_000)] | _Off = COUNT
    names: Annotated[str, Field(pattern=r"^[^{}/\\]*\{\}[^{}/\\]*$", max_length=100)] | _Off = NAMES
    size: _Pixels | Annotated[list[_Pixels], Field(min_length=2, max_length=2)] | _Off = list(SIZE)
    bytes: Annotated[int, Field(ge=1, lt=2**53)] | _Off = LIMIT_BYTES
    archive: Annotated[list[_Ending], Field(min_length=1)] | _Off = list(TGZ)
    folders: bool = False
