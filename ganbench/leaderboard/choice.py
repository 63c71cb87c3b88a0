"""What a leaderboard is ranked by and what it shows: the results that a user's words stand for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ganbench.errors import GanbenchError, UnknownName
from ganbench.metrics.registry import heading, heads, metric_of, name_of
from ganbench.registry import did_you_mean
from ganbench.scoring.row import Row

_COMMA = re.compile(r",(?![^\[]*\])")  # not one inside brackets: a file's name may hold it


@dataclass(frozen=True)
class Choice:
    """What to rank by and what to show.

    Attributes:
        by: id of the result to rank by; empty where there is no result at all.
        columns: ids of the results that were asked for; None: the usual ones.
        note: how ``by`` was found, where it is not what was asked for.
    """

    by: str
    columns: tuple[str, ...] | None = None
    note: str = ""

    def shown(self, present: Iterable[str]) -> list[str]:
        """Return the ids of a table's columns, that ranked by first.

        Args:
            present: ids that the entries have; the usual columns are the :func:`heads` among them.
        """
        others = heads(present) if self.columns is None else self.columns
        return list(dict.fromkeys([*([self.by] if self.by else []), *others]))


def direction(row: Row) -> str:
    """Return ``lower``, ``higher`` or ``none``, as the metric says; of a metric unknown here, as the row says."""
    metric = metric_of(row.id)
    return row.better if metric is None else metric.better


def directions(rows: Iterable[Row], to_come: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return results and their directions: those to come, then those of scorecards, the measured ones first.

    Args:
        rows: of the scorecards that are there.
        to_come: what ``Plan.results`` returned.
    """
    found = dict(to_come or {})
    for row in sorted(rows, key=lambda row: row.value is None):
        if found.get(row.id, "none") == "none":
            found[row.id] = direction(row)
    return found


def choose(known: Mapping[str, str], sort: str | None = None, columns: Sequence[str] | None = None) -> Choice:
    """Find what to rank by and what to show.

    Args:
        known: results and their directions, see ``directions``.
        sort: an id (``fd[lite0]``), or a metric alone where one result has it. None: the result that heads a board,
            :func:`~ganbench.metrics.registry.heading`.
        columns: ids or metrics, several with commas between them; a metric alone stands for its results with all
            instruments. None: the usual ones, :func:`~ganbench.metrics.registry.heads`.

    Raises:
        UnknownName: nothing is called so; or several results are that ``sort`` may mean.
        GanbenchError: what to rank by has no direction.
    """
    if not known:  # nothing could be scored or read, so there is nothing to hold the words against
        return Choice(sort or "")
    by = _default(known) if sort is None else _ranked_by(sort, known)
    chosen = None if columns is None else [i for name in _split(columns) for i in _found(name, known)]
    return Choice(by, None if chosen is None else tuple(dict.fromkeys(chosen)), _note(sort, by))


def matching(asked: str, known: Iterable[str]) -> list[str]:
    """Return the results that a name stands for.

    It may be an id, or a metric alone, which stands for its results with all instruments. A metric's name on Inception
    features is its name elsewhere too, where no result bears it: ``fid`` is ``fd[lite0]`` beside no ``fid[inception]``.
    """
    known = list(known)
    if asked in known:
        return [asked]
    name, bracket, instrument = asked.partition("[")
    alike = [i for i in known if not bracket or i.partition("[")[2] == instrument]
    called = [i for i in alike if name_of(i) == name]
    metric = metric_of(name)
    if metric is None or (called and name != metric.name):
        return called
    return [i for i in alike if metric_of(i) is metric]


def _split(columns: Sequence[str]) -> list[str]:
    return [name.strip() for text in columns for name in _COMMA.split(text) if name.strip()]


def _found(asked: str, known: Mapping[str, str]) -> list[str]:
    found = matching(asked, known)
    if not found:
        names = list(known) if "[" in asked else list(dict.fromkeys(map(name_of, known)))
        raise UnknownName(f"no result is called {asked!r}.{did_you_mean(asked, names)}")
    return found


def _ranked_by(asked: str, known: Mapping[str, str]) -> str:
    found = _found(asked, known)
    if len(found) > 1:
        raise UnknownName(f"{asked!r} may mean {', '.join(found[:-1])} or {found[-1]}. Say which one to rank by")
    (by,) = found
    if known[by] == "none":
        others = [i for i, better in known.items() if better != "none"]
        raise GanbenchError(
            f"{by} has no direction, so that nothing can be ranked by it: it can only be shown (--columns {asked}). "
            f"To rank by: {', '.join(others) or 'nothing here'}"
        )
    return by


def _default(known: Mapping[str, str]) -> str:
    rankable = [i for i, better in known.items() if better != "none"]
    return heading(rankable) or [*rankable, *known][0]


def _note(asked: str | None, by: str) -> str:
    if asked is None or asked == by:
        return ""
    metric = metric_of(by)
    foreign = metric is not None and name_of(asked) == metric.inception_name != name_of(by)
    why = f"; only on Inception features it is called {name_of(asked)}" if foreign else ""
    return f"{asked!r} was taken for {by}{why}."
