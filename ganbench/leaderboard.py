"""The leaderboard: many scorecards, ranked by one result, with what is not significant said so.

Rows of different protocols or different n are never ranked together: each such class is a board of its own.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ganbench.bench import score_run
from ganbench.cores import available_cores, keep_to_cores
from ganbench.errors import GanbenchError, UnknownName
from ganbench.images.sources import open_source
from ganbench.progress import track
from ganbench.registry import did_you_mean
from ganbench.scorecard import Row, Scorecard
from ganbench.scoring import ScoreOptions, score_source
from ganbench.training.run_folder import RunFolder

if TYPE_CHECKING:
    import pandas as pd

# The assignment's tiers: (name, least AFD, the judge's FID as published; its scale cannot be reproduced).
TIERS = (
    ("simple", 0.0, "<= 30000"),
    ("medium", 0.4, "<= 12000"),
    ("strong", 0.5, "<= 10000"),
    ("boss", 0.6, "<= 9000"),
)
# A course report's results: pytorch-fid of 1,000 images against all real ones; AFD by yolov8x6_animeface,
# conf 0.8, iou 0.8, imgsz 64. Another protocol than any of ours.
PUBLISHED = (
    ("DCGAN (simple)", 396.80337487215184, 0.085),
    ("DCGAN, clipped gradients (medium)", 184.41336801146772, 0.573),
    ("WGAN (strong)", 166.73857250731453, 0.65),
    ("WGAN-GP (strong)", 169.90538676508262, 0.68),
)
PUBLISHED_PROTOCOL = (
    "published by a course report: pytorch-fid, 1,000 generated against all real images; AFD by yolov8x6_animeface, "
    "conf 0.8, iou 0.8, imgsz 64. Another protocol than ours: not comparable, shown for orientation alone"
)


@dataclass
class Entry:
    """One submission or run.

    Attributes:
        name: what it is called.
        path: where it is.
        card: its scorecard; None when it could not be scored.
        error: why not.
        group: runs that differ in nothing but the seed share this.
        seed: training seed of a run.
    """

    name: str
    path: Path
    card: Scorecard | None = None
    error: str = ""
    group: str = ""
    seed: int | None = None


@dataclass
class Board:
    """Entries that may be ranked together, best first."""

    protocol: str
    n: int
    entries: list[Entry] = field(default_factory=list)


@dataclass(frozen=True)
class HowToScore:
    """What entries without a scorecard are scored with."""

    reference: str | None = None
    detector: str | None = "yolo-nano"
    resize: str | None = None
    device: str = "auto"


def collect(
    paths: list[Path], how: HowToScore, *, jobs: int = 1, warn: Callable[[str], None] = lambda text: None
) -> list[Entry]:
    """Read or make the scorecard of every path; one that cannot be scored becomes an entry with the reason.

    Args:
        paths: run folders, scorecard files (.json), or sources of images.
        how: for those that have no scorecard yet.
        jobs: processes at a time, each on its share of the cores.
        warn: is told of every failure when it happens.

    Raises:
        GanbenchError: nothing given.
    """
    if not paths:
        raise GanbenchError("nothing to rank: give run folders, scorecards or submissions")
    names = _short_names(paths)
    entries: dict[Path, Entry] = {}
    with track("scoring", len(paths)) as advance:
        if jobs == 1:
            for path in paths:
                entries[path] = _entry(path, names[path], how)
                advance(1)
        else:
            share = max(1, available_cores() // jobs)
            with ProcessPoolExecutor(jobs) as pool:
                futures = {pool.submit(_in_process, path, names[path], how, share): path for path in paths}
                for future in as_completed(futures):
                    path = futures[future]
                    try:
                        entries[path] = future.result()
                    except Exception as e:  # the process died
                        entries[path] = Entry(names[path], path, error=f"its process died ({e})")
                    advance(1)
    for path in paths:
        if entries[path].card is None:
            warn(f"{entries[path].name}: {entries[path].error}")
    return [entries[path] for path in paths]


def _short_names(paths: list[Path]) -> dict[Path, str]:
    """Return the last part of every path, and more of it where two would be called the same."""
    names = {path: path.name for path in paths}
    taken = [path.name for path in paths]
    return {path: name if taken.count(name) == 1 else str(path) for path, name in names.items()}


def _in_process(path: Path, name: str, how: HowToScore, cores: int) -> Entry:
    from ganbench.progress import set_quiet

    keep_to_cores(cores)
    set_quiet(True)
    return _entry(path, name, how)


def _entry(path: Path, name: str, how: HowToScore) -> Entry:
    try:
        if path.suffix == ".json":
            return Entry(name, path, _read(path), group=name)
        if (path / "recipe.toml").is_file():
            run = RunFolder.open(path)
            recipe = run.recipe()
            if not run.scorecard.is_file():
                score_run(path, how.reference, how.detector, how.device)
            same = {k: v for k, v in recipe.flat().items() if k not in ("training.seed", "title", "source")}
            digest = hashlib.sha256(json.dumps(same, sort_keys=True).encode()).hexdigest()
            group = f"{recipe.variant} {digest[:6]}"
            return Entry(name, path, _read(run.scorecard), group=group, seed=recipe.training.seed)
        source = open_source(path, resize=how.resize)
        options = ScoreOptions(detector=how.detector, device=how.device)
        return Entry(name, path, score_source(source, how.reference, options, resize=how.resize), group=name)
    except GanbenchError as e:
        return Entry(name, path, error=str(e))
    except Exception as e:  # a fault of ours must not cost the others their result
        return Entry(name, path, error=f"{type(e).__name__}: {e}")


def _read(path: Path) -> Scorecard:
    try:
        return Scorecard.from_json(path.read_text("utf-8"))
    except OSError as e:
        raise GanbenchError(f"cannot read {path}: {e.strerror}") from e
    except (ValueError, KeyError, TypeError) as e:
        raise GanbenchError(f"{path} is not a scorecard of ganbench") from e


def boards(entries: list[Entry], by: str) -> list[Board]:
    """Rank the entries by one result, per protocol and n; the largest board first.

    Raises:
        UnknownName: no entry has this result.
    """
    known = list(dict.fromkeys(row.id for e in entries if e.card for row in e.card.rows))
    if known and by not in known:
        raise UnknownName(f"no result is called {by!r}.{did_you_mean(by, known)}")
    found: dict[tuple[str, int], Board] = {}
    for entry in entries:
        row = result(entry, by)
        if row is not None:
            key = row.protocol, row.n or 0
            found.setdefault(key, Board(*key)).entries.append(entry)
    for board in found.values():
        sign = -1 if result(board.entries[0], by).better == "higher" else 1
        board.entries.sort(key=lambda e: sign * result(e, by).value)
    return sorted(found.values(), key=lambda board: -len(board.entries))


def result(entry: Entry, result_id: str) -> Row | None:
    """Return an entry's measured row, or None."""
    if entry.card is None or result_id not in entry.card or entry.card[result_id].value is None:
        return None
    return entry.card[result_id]


def is_tie(a: Row, b: Row) -> bool:
    """Tell whether two values differ by less than 1.96 standard errors of their difference, read off the intervals."""
    errors = [(row.high - row.low) / (2 * 1.96) if row.low is not None else 0.0 for row in (a, b)]
    return abs(a.value - b.value) < 1.96 * math.hypot(*errors)


def tier(entry: Entry) -> str:
    """Return the highest tier whose AFD the entry reaches, with the detector it was measured by."""
    row = next((r for r in entry.card.rows if r.id.startswith("afd[") and r.value is not None), None)
    if row is None:
        return ""
    return max((t for t in TIERS if row.value >= t[1]), key=lambda t: t[1])[0]


def to_frame(entries: list[Entry]) -> pd.DataFrame:
    """Return a wide table: ``name``, then per result id ``<id>``, ``<id>.low``, ``<id>.high``, and ``error`` last."""
    import pandas as pd

    rows = []
    for entry in entries:
        line: dict[str, object] = {"name": entry.name}
        for row in entry.card.rows if entry.card else []:
            line |= {row.id: row.value, f"{row.id}.low": row.low, f"{row.id}.high": row.high}
        rows.append(line | {"error": entry.error})
    frame = pd.DataFrame(rows)
    return frame[[c for c in frame if c != "error"] + ["error"]]


def by_group(entries: list[Entry]) -> pd.DataFrame:
    """Return mean, standard deviation and count over seeds: one row per group of runs and result id."""
    import pandas as pd

    rows = [
        {"group": e.group, "variant": e.group.rpartition(" ")[0] or e.group, "id": row.id, "value": row.value}
        for e in entries
        if e.card
        for row in e.card.rows
        if row.value is not None
    ]
    frame = pd.DataFrame(rows, columns=["group", "variant", "id", "value"])
    table = frame.groupby(["group", "variant", "id"], sort=False)["value"].agg(["mean", "std", "count"])
    return table.reset_index()
