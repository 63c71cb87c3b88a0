"""The scorecard: one row per result, and every export from the same rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganbench.errors import GanbenchError, UnknownName
from ganbench.scoring.flags import Flag, flags_of, joined, withholding
from ganbench.scoring.row import ARROWS, COLUMNS, Row
from ganbench.scoring.tiers import GATED, Tier, tier_of
from ganbench.system.outputs import Target, write_text
from ganbench.system.parse import read_text
from ganbench.system.text import csv_text, html, json_text, markdown
from ganbench.system.versions import library_versions
from ganbench.system.wall import wall

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console, Group


class UnknownResult(UnknownName, KeyError):
    """A scorecard has no such row, or several."""

    def __str__(self) -> str:
        return str(self.args[0])  # a KeyError would put its message into quotes


@dataclass(frozen=True)
class Scorecard:
    """The results of scoring one source; made once, and never changed afterwards.

    Attributes:
        rows: the results, in the order of the registry.
        source: what was scored: label, count, image size, content digest, resize.
        reference: what it was scored against: name, count, digest, sample size; one entry per extractor.
        warnings: what a reader must know before trusting a row.
        flags: why the numbers may not be the work of a generator; at most one of a kind.
        instruments: all that decides what each instrument says, by name; empty in cards of earlier versions.
        per_image: one dict per image (``name`` and columns such as ``nearest_reference[lite0]``).
        versions: library versions.
    """

    rows: list[Row]
    source: dict[str, Any]
    reference: dict[str, Any]
    warnings: list[str] = field(default_factory=list)
    per_image: list[dict[str, object]] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=library_versions)
    flags: list[Flag] = field(default_factory=list)
    instruments: dict[str, Any] = field(default_factory=dict)

    def __getitem__(self, result_id: str) -> Row:
        """Return a row by its id, or by its metric alone where only one instrument measured that.

        Raises:
            UnknownResult: there is none, or there are several.
        """
        named = [row for row in self.rows if row.id == result_id]
        found = named or [row for row in self.rows if row.metric == result_id]
        if len(found) == 1:
            return found[0]
        ids = ", ".join(row.id for row in found or self.rows)
        if found:
            raise UnknownResult(f"{result_id!r} could be any of {ids}: say which")
        raise UnknownResult(f"no result {result_id!r}; this scorecard has {ids}")

    def __contains__(self, result_id: object) -> bool:
        return any(row.id == result_id for row in self.rows)

    def __str__(self) -> str:
        from ganbench.scoring.render import plain

        return plain(self.renderable())

    @property
    def tier(self) -> Tier:
        """The highest of the assignment's tiers whose AFD gate is reached, by the first AFD that was measured.

        It is withheld from images that are flagged.
        """
        rates = ((row.id, row.value, row.reason) for row in self.rows if row.metric == GATED)
        return tier_of(rates).withheld(withholding(self.flags))

    def renderable(self, on: Console | None = None) -> Group:
        """Return the table with its notes and warnings, for a console of rich; ``on`` says which, for its encoding."""
        from ganbench.scoring.render import renderable

        title = f"{self.source['label']}: {self.source['count']} images"
        if size := self.source.get("image_size"):  # a card in a file may not say it
            title += f", {size[0]}x{size[1]}"
        lines = [(name, value, interval, n) for name, value, interval, n, _ in self.table()]
        notes = [(", ".join(ids), note) for ids, note in self.footnotes()]
        return renderable(title, lines, str(self.tier), notes, self.warnings, self.flags, on)

    def footnotes(self) -> list[tuple[list[str], str]]:
        """Return (ids, note) for protocols, reasons and versions, each note once with all results that it is about."""
        shared = self.shared_protocols()
        notes: dict[str, list[str]] = {protocol: [f"[{name}]"] for name, protocol in shared.items()}
        for row in self.rows:
            text = str(row.cells()["protocol"]).removeprefix(shared.get(row.instrument, "")).removeprefix("; ")
            parts = [part for part in text.split("; ") if part and part != row.metric_version]
            if parts:
                notes.setdefault("; ".join(parts), []).append(row.id)
        versions = dict.fromkeys(row.metric_version for row in self.rows if row.metric_version)
        found = [(ids, note) for note, ids in notes.items()]
        return [*found, (["metrics"], ", ".join(versions))] if versions else found

    def to_frame(self) -> pd.DataFrame:
        """Return the rows as a data frame with the columns of ``COLUMNS``."""
        from ganbench.system.frames import frame_of

        frame = frame_of([row.cells() for row in self.rows], COLUMNS)
        frame[["value", "low", "high"]] = frame[["value", "low", "high"]].astype("float64")
        return frame.astype({"n": "Int64", "seed": "Int64"})

    def to_dict(self) -> dict[str, object]:
        """Return the scorecard as plain Python data, the form of the JSON file."""
        from ganbench.scoring.card_file import SCHEMA

        return {
            "schema": SCHEMA,
            "results": [row.to_dict() for row in self.rows],
            "source": self.source,
            "reference": self.reference,
            "instruments": self.instruments,
            "tier": self.tier.to_dict(),
            "flags": [flag.to_dict() for flag in self.flags],
            "warnings": self.warnings,
            "versions": self.versions,
        }

    def to_json(self) -> str:
        """Return the scorecard as a JSON text (schema in docs/scorecard.md)."""
        return json_text(self.to_dict())

    @classmethod
    def from_json(cls, text: str | Path) -> Scorecard:
        """Rebuild a scorecard from its JSON text (the per-image table is not part of it); of a ``Path``, ``read`` it.

        Raises:
            GanbenchError: the text is no scorecard, is of another schema, or says what cannot be.
        """
        from ganbench.scoring.card_file import checked

        if isinstance(text, Path):
            return cls.read(text)
        card = checked(text)
        rows = [Row(**row.model_dump()) for row in card.results]
        # What the rows say is flagged, whatever stands beside them.
        flags = joined((Flag(**flag.model_dump()) for flag in card.flags), flags_of(rows, card.reference))
        return cls(rows, card.source, card.reference, card.warnings, [], card.versions, flags, card.instruments)

    @classmethod
    def read(cls, path: Path) -> Scorecard:
        """Read a scorecard's file.

        Raises:
            GanbenchError: it cannot be read, or as ``from_json`` says.
        """
        from ganbench.scoring.card_file import MOST_BYTES

        try:
            with wall(lambda why: GanbenchError(f"not a scorecard of ganbench: {why}")):
                return cls.from_json(read_text(path, MOST_BYTES))
        except GanbenchError as e:
            raise GanbenchError(f"{path}: {e}") from e

    def to_csv(self) -> str:
        """Return the rows as CSV text with the columns of ``COLUMNS``, one per flag, and a last one for the tier."""
        flags = ({"id": f"flag {flag.kind}", "value": flag.share, "protocol": flag.text} for flag in self.flags)
        tier: dict[str, object] = {"id": "tier", "protocol": str(self.tier)}
        return csv_text([*(row.cells() for row in self.rows), *flags, tier], COLUMNS)

    def per_image_csv(self) -> str:
        """Return the per-image table as CSV text."""
        columns = list(dict.fromkeys(key for row in self.per_image for key in row)) or ["name"]
        return csv_text(self.per_image, columns)

    def table(self) -> list[tuple[str, str, str, str, str]]:
        """Return the rows as text cells: result, value, 95 % interval, n, protocol."""
        found = []
        for row in self.rows:
            value, low, high = row.formatted()
            interval = "" if row.low is None else f"{low} … {high}"
            n = "" if row.n is None else str(row.n)
            found.append((row.id, f"{value} {ARROWS[row.better]}".rstrip(), interval, n, str(row.cells()["protocol"])))
        return found

    def shared_protocols(self) -> dict[str, str]:
        """Return, per instrument, the leading part of the protocol that all of its rows share."""
        shared: dict[str, list[str]] = {}
        for row in self.rows:
            if row.value is not None:
                parts = [part for part in row.protocol.split("; ") if part != row.metric_version]
                known = shared.get(row.instrument, parts)
                shared[row.instrument] = [a for a, b in zip(known, parts, strict=False) if a == b]
        return {instrument: "; ".join(parts) for instrument, parts in shared.items() if parts}

    def to_markdown(self) -> str:
        """Return the rows as a Markdown table, followed by the flags, the tier and the warnings."""
        lines = ["| result | value | 95 % interval | n | protocol |", "| --- | --- | --- | --- | --- |"]
        lines += ["| " + " | ".join(markdown(cell) for cell in cells) + " |" for cells in self.table()]
        lines += ["", *(f"- Flag: {markdown(str(flag))}" for flag in self.flags)] if self.flags else []
        lines += ["", markdown(str(self.tier))]
        lines += ["", *(f"- Warning: {markdown(text)}" for text in self.warnings)] if self.warnings else []
        return "\n".join(lines) + "\n"

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{name}</th>" for name in ("result", "value", "95 % interval", "n", "protocol"))
        body = "".join("<tr>" + "".join(f"<td>{html(cell)}</td>" for cell in cells) + "</tr>" for cells in self.table())
        notes = "".join(f"<li>{html(text)}</li>" for text in self.warnings)
        table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        flags = "".join(f"<li><strong>{flag.kind}</strong>: {html(flag.text)}</li>" for flag in self.flags)
        return f"{table}{flags and f'<ul>{flags}</ul>'}<p>{html(str(self.tier))}</p>" + (notes and f"<ul>{notes}</ul>")

    def write(
        self,
        *,
        json_file: Target | None = None,
        csv_file: Target | None = None,
        markdown_file: Target | None = None,
        per_image_file: Target | None = None,
    ) -> list[Target]:
        """Write the chosen exports to paths or URLs, each whole or not at all; returns where they were written."""
        texts = (
            (json_file, self.to_json),
            (csv_file, self.to_csv),
            (markdown_file, self.to_markdown),
            (per_image_file, self.per_image_csv),
        )
        written: list[Target] = []
        for path, text in texts:
            if path is not None:
                write_text(path, text())
                written.append(path)
        return written
