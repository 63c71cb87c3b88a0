"""Results as data: one long table of all that scorecards, runs, benches and leaderboards hold."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganbench.errors import GanbenchError
from ganbench.leaderboard.entries import Entry, collect
from ganbench.scoring.card_file import flags_in
from ganbench.scoring.plan import Plan
from ganbench.scoring.row import Row
from ganbench.scoring.scorecard import Scorecard
from ganbench.system.frames import frame_of
from ganbench.system.parse import parse_json, read_text
from ganbench.system.wall import wall
from ganbench.training.run_folder import RunFolder

if TYPE_CHECKING:
    import pandas as pd

MOST_BYTES = 64 << 20  # a board of a thousand entries has some megabytes
COLUMNS = (
    "name", "path", "variant", "training_seed", "id", "metric", "instrument", "value", "low", "high", "better", "n",
    "seed", "unit", "interval", "protocol", "reference", "images", "flags", "reason",
)  # fmt: skip


def load_results(paths: str | Path | Sequence[str | Path]) -> pd.DataFrame:
    """Read results into one long table: a line for every result of everything scored.

    Args:
        paths: scorecards (``.json``), what ``leaderboard --json`` and ``bench --json`` wrote, run folders that were
            scored, and folders of ``bench``, whose scored runs are read; one or several.

    Returns:
        ``name``, ``path``, ``variant`` (with the settings in which runs of one variant differ) and ``training_seed``
        say what was scored; ``id``, ``metric``, ``instrument``, ``value``, ``low``, ``high``, ``better``, ``n``,
        ``seed``, ``unit``, ``interval`` and ``protocol`` are the row's; ``reference`` and ``images`` are digests of the
        real and of the scored images; ``flags`` are the kinds of flags of what was scored, with blanks between them. A
        result that could not be measured has no value and a ``reason``. Only rows of equal ``id``, ``n``, ``protocol``
        and ``reference`` compare.

    Raises:
        GanbenchError: nothing given, or something that holds no scorecard, or one that cannot be believed.
    """
    given = [Path(paths)] if isinstance(paths, str | Path) else [Path(path) for path in paths]
    if not given:
        raise GanbenchError("nothing to read: give scorecards, boards, runs or benches")
    lines = [_line(entry, entry.card, row) for entry in _entries(given) if entry.card for row in entry.card.rows]
    frame = frame_of(lines, COLUMNS)
    kinds = dict.fromkeys(("value", "low", "high"), "float64") | dict.fromkeys(("training_seed", "n", "seed"), "Int64")
    return frame.astype(kinds)


def _line(entry: Entry, card: Scorecard, row: Row) -> dict[str, object]:
    reference = card.reference.get(row.instrument, {}).get("data") or {}
    return {
        "name": entry.name,
        "path": str(entry.path),
        "variant": entry.group if entry.is_run else None,
        "training_seed": entry.seed,
        "metric": row.metric,
        "instrument": row.instrument,
        "reference": reference.get("digest"),
        "images": card.source.get("digest"),
        "flags": " ".join(flag.kind for flag in entry.flags),
        **{name: getattr(row, name) for name in COLUMNS if name in Row.__dataclass_fields__},
    }


def _entries(paths: list[Path]) -> list[Entry]:
    boards: list[Entry] = []
    scored: list[Path] = []
    for path in paths:
        if path.is_dir():
            scored += _scored_in(path)
        elif (entries := _read_board(path)) is None:
            scored.append(path)
        else:
            boards += entries
    read = collect(scored, _refuse_to_score) if scored else []
    for entry in read:
        if entry.card is None:
            raise GanbenchError(entry.error)
    return [*read, *boards]


def _scored_in(folder: Path) -> list[Path]:
    """Return the runs and scorecards of a folder: itself, or those right below it."""
    found = [path for path in (folder, *sorted(folder.iterdir())) if RunFolder(path).scorecard.is_file()]
    if not found:
        raise GanbenchError(
            f"{folder}: no scorecard in it, nor in a run in it. Score it first: ganbench score {folder}"
        )
    return [path if RunFolder(path).recipe_file.is_file() else RunFolder(path).scorecard for path in found]


def _refuse_to_score() -> Plan:
    raise GanbenchError("a run was trained further since it was scored. Score it again: ganbench leaderboard RUN")


def _read_board(path: Path) -> list[Entry] | None:
    """Return the entries of a board's file, None for another file."""
    with wall(lambda why: GanbenchError(f"{path}: not a scorecard or board of ganbench: {why}")):
        data = parse_json(read_text(path, MOST_BYTES))
        if isinstance(data, dict):
            data = data.get("leaderboard", data)  # ``bench --json`` has the board beside the cells
        if not (isinstance(data, dict) and "boards" in data):
            return None
        return [_entry(path, entry) for board in data["boards"] for entry in board["entries"]]


def _entry(path: Path, entry: dict[str, Any]) -> Entry:
    name, variant, seed = entry["name"], entry["variant"], entry["seed"]
    if not isinstance(name, str) or not isinstance(variant, str | None) or not (seed is None or type(seed) is int):
        raise GanbenchError(f"{path}: an entry's name and variant are to be texts, and its seed a whole number")
    try:
        card = Scorecard.from_json(json.dumps(entry["scorecard"]))
        flags = tuple(flags_in(entry.get("flags", [])))  # boards of earlier versions have none
    except GanbenchError as e:
        raise GanbenchError(f"{path}: {name}: {e}") from e
    settings: dict[str, object] | None = None if variant is None else {"variant": variant}
    return Entry(name, path, card, "", seed, settings, group=variant or name, added=flags)
