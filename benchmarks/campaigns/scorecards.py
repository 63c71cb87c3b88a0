"""Mutated scorecards among honest ones: the board still comes, and says the same of the honest ones."""

from __future__ import annotations

import contextlib
import copy
import io
import json
import random
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import ganbench
from campaigns.base import Sweep, guard
from campaigns.exports import faults_of
from campaigns.images import smooth
from campaigns.mutate import bend, damage
from ganbench.leaderboard.boards import Leaderboard
from ganbench.leaderboard.choice import choose
from ganbench.leaderboard.entries import collect, known_results
from ganbench.leaderboard.export import to_csv, to_json, to_latex, to_markdown
from ganbench.leaderboard.terminal import print_boards
from ganbench.protocols.explain import explain_protocol
from ganbench.protocols.switches import laid_over, setup_of
from ganbench.report.page import make_page
from ganbench.scoring.plan import Plan

SORT = "fd[lite0]"
HONEST = ("one.json", "two.json")


def real_card(seed: int, images: int = 12) -> dict[str, Any]:
    """Return a scorecard as ``ganbench score`` writes it, of images drawn from a seed."""
    rng = np.random.default_rng(seed)
    pixels = np.stack([np.asarray(smooth(rng)) for _ in range(images)])
    card: dict[str, Any] = json.loads(ganbench.score(pixels, cache=False).to_json())
    return card


def _row(card: dict[str, Any], metric: str) -> dict[str, Any]:
    row: dict[str, Any] = next(row for row in card["results"] if row["id"].startswith(f"{metric}["))
    return row


def _put(metric: str, **values: Any) -> Callable[[dict[str, Any]], None]:
    return lambda card: _row(card, metric).update(values)


# Scorecards that cannot be true; each is as well formed as an honest one. None may be ranked.
LIES: dict[str, Callable[[dict[str, Any]], None]] = {
    "better the other way": _put("fd", better="higher"),
    "no direction": _put("fd", better="none"),
    "a negative distance": _put("fd", value=-5.0, low=-6.0, high=-4.0),
    "a share above one": _put("afd", value=1.7, low=1.6, high=1.8),
    "a negative share": _put("precision", value=-0.2, low=-0.3, high=-0.1),
    "true for a number": _put("fd", value=True),
    "a text for a number": _put("fd", value="0.1"),
    "NaN": _put("fd", value=float("nan")),
    "an infinite interval": _put("fd", high=float("inf")),
    "an interval upside down": _put("fd", low=900.0, high=1.0),
    "no images": _put("fd", n=0),
    "half an image": _put("fd", n=12.5),
    "a later schema": lambda card: card.update(schema=99),
    "no schema": lambda card: card.pop("schema"),
    "a schema in words": lambda card: card.update(schema="1"),
    "one result twice": lambda card: card["results"].append(dict(_row(card, "fd"), value=0.1)),
}


class Scorecards(Sweep):
    """Two honest cards and one mutant go through everything that the leaderboard command does, all exports included."""

    name = "scorecards"
    count = 500

    def __init__(self, folder: Path) -> None:
        """Score images for the honest cards, once for all children, and make the board that they are on alone."""
        super().__init__(folder)
        kept = folder / "cards.json"
        if not kept.is_file():
            kept.write_text(json.dumps([real_card(1), real_card(2)]), "utf-8")
        self._cards = json.loads(kept.read_text("utf-8"))
        for name, card in zip(HONEST, self._cards, strict=True):
            (folder / name).write_text(json.dumps(card), "utf-8")
        alone = self._board([folder / name for name in HONEST])
        self._honest = _said(alone)
        export(alone, "", page=True)  # what is imported for it is no case's doing

    def attempt(self, number: int, rng: random.Random) -> list[str]:
        """Try one mutant; the lies come first."""
        path = self.folder / "mutant.json"
        lies = list(LIES.items())
        card = copy.deepcopy(rng.choice(self._cards))
        if number < len(lies):
            label, tell = lies[number]
            tell(card)
            path.write_text(json.dumps(card), "utf-8")
        elif rng.random() < 0.3:
            label, data = damage(json.dumps(card).encode(), rng)
            path.write_bytes(data)
        elif rng.random() < 0.05:
            label = "nested"
            path.write_text(json.dumps(card)[:-1] + ', "x": ' + "[" * 50_000 + "]" * 50_000 + "}", "utf-8")
        else:
            label = "bent"
            path.write_text(json.dumps(bend(card, rng)), "utf-8", "surrogatepass")
        paths = [self.folder / HONEST[0], path, self.folder / HONEST[1]]
        board, faults = guard(label, lambda: self._board(paths))
        said, more = guard(label, lambda: _said(board, without=path))
        if board is None or said is None:
            return [*faults, *more] or [f"{label}: one scorecard ends the whole leaderboard"]
        if said != self._honest:
            faults.append(f"{label}: the honest scorecards are ranked otherwise")
        if number < len(lies) and any(entry.path == path for one in board.boards for entry in one.entries):
            faults.append(f"{label}: is ranked")
        return faults + export(board, label, page=number % 4 == 0) + self._compared(path, label)

    def _compared(self, path: Path, label: str) -> list[str]:
        """Compare the mutant with an honest card, either way round, and take it for what can be scored."""
        honest, faults = self.folder / HONEST[0], []
        for one, other in ((path, honest), (honest, path)):
            found, more = guard(f"{label}, compared", partial(explain_protocol, one, other))
            faults += more
            if found is None:
                continue
            text, more = guard(f"{label}, explained", partial(str, found))
            faults += more + faults_of("terminal", text or "") + guard(f"{label}, as JSON", found.to_json)[1]
            for a, b in found.pairs.results:
                laid = guard(f"{label}, laid over", partial(laid_over, found.a, found.b, a, b))
                faults += laid[1] + guard(f"{label}, taken", partial(setup_of, found.a, a))[1]
        return faults

    def _board(self, paths: list[Path]) -> Leaderboard:
        plan: Callable[[], Plan] = partial(_no_plan)
        choice = choose(known_results(paths, plan), SORT)
        return Leaderboard(collect(paths, plan), choice)


def export(board: Leaderboard, label: str, *, page: bool) -> list[str]:
    """Make every export of a board; return what is wrong with them.

    Args:
        board: the board.
        label: leads the faults.
        page: whether to make the HTML page too, which takes longest.
    """
    faults: list[str] = []
    makers: dict[str, Callable[[], str]] = {
        "csv": lambda: to_csv(board),
        "markdown": lambda: to_markdown(board),
        "latex": lambda: to_latex(board),
        "json": lambda: to_json(board),
        "terminal": lambda: printed(board),
    }
    if page:
        makers["html"] = lambda: make_page(board)
    for kind, make in makers.items():
        text, more = guard(f"{label}, {kind}", make)
        if text is None:
            faults += more or [f"{label}, {kind}: one entry costs the whole export"]
        elif guard("", partial(text.encode, "utf-8"))[1]:
            faults.append(f"{label}, {kind}: cannot be written as UTF-8")
        else:
            faults += [f"{label}, {kind}: {fault}" for fault in faults_of(kind, text)]
    return faults


def _no_plan() -> Plan:
    raise AssertionError("nothing is to be scored")


def _said(board: Leaderboard, without: Path | None = None) -> list[object]:
    """Return what a board says of the honest cards: in which order, and all their numbers."""
    found: list[object] = []
    for one in board.boards:
        entries = [entry for entry in one.entries if entry.path != without]
        if entries:
            values = [[(row.id, row.value, row.low, row.high) for row in e.card.rows] for e in entries if e.card]
            found.append(([entry.path.name for entry in entries], values, one.better))
    return found


def printed(board: Leaderboard) -> str:
    """Return a board as it is printed where there is no terminal."""
    with contextlib.redirect_stdout(io.StringIO()) as out:
        print_boards(board, False, [])
    return out.getvalue()
