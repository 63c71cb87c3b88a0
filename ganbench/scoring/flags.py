"""Flags: why the numbers of a scorecard may not be the work of a generator. Rules over its rows, each a stated one.

A rule compares a share with what honest images show: with held-out real images, or, where the reference has none, with
what its own images show of each other. Where nobody measured either, a share is a number and no flag. A rule asks for
two things: that the share is larger by more than a stated excess, so that it matters, and that chance would give as
much in fewer than ``CHANCE`` of all honest sets, so that a class of hundreds sees no false flag.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, NamedTuple, get_args

from ganbench.scoring.chance import at_least
from ganbench.scoring.row import Row

Kind = Literal["copied", "repeated", "shared", "invalid", "disagreeing"]
KINDS: tuple[Kind, ...] = get_args(Kind)
CHANCE = 1e-4  # of an honest set to be flagged by one rule
EXCESS = 0.01  # that is let pass above the usual share of copies and repeats: one image in a hundred
NEARER = 0.05  # the same of authenticity, where honest generators differ from real images by some hundredths
BLENDED = 0.08  # the same of blends: very smooth images are explained by two others more often than real ones are
EQUAL = 0.01  # share of images equal to the last bit that is let pass before the excess: generators draw none
# The first version of each metric that these rules read: what earlier ones say is another thing.
_SINCE = {"copies": 3, "authenticity": 1, "blends": 1, "near_duplicates": 3, "duplicates": 0}

_COUNTED = {"copies": "copies", "authenticity": "nearer"}  # what a reference calls the counts over all held-out images
_FIXED = {"duplicates": EQUAL}
_TO_DO: dict[Kind, str] = {
    "copied": "Look at them (--per-image names the training images of each), and hand in what a generator drew.",
    "repeated": "Look at them (--per-image names what each repeats), and hand in different images.",
}


@dataclass(frozen=True)
class Flag:
    """A reason not to take a scorecard's numbers for the work of a generator.

    Attributes:
        kind: ``copied``: the images are training images; ``repeated``: they are fewer than their number; ``shared``:
            others handed in the same ones; ``invalid``: a rule of the assignment is broken; ``disagreeing``: the ranks
            by two extractors differ beyond their intervals.
        share: of the images that it is about, 0 to 1; None where it is about the whole.
        p: chance of so much, or more, in an honest set; None where there is nothing to test.
        text: what was seen, of how many, against what is usual, and what to do.
    """

    kind: Kind
    share: float | None
    p: float | None
    text: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.text}"

    def to_dict(self) -> dict[str, object]:
        """Return it as plain data."""
        return asdict(self)


class Usual(NamedTuple):
    """What honest images show: a share of ``n`` real ones; n is 0 where it is a fixed share.

    They were held out of the reference, or are its own, each looked at beside the others.
    """

    share: float
    n: int
    own: bool = False

    def __str__(self) -> str:
        if not self.n:
            return f"usual is {_percent(self.share)} at most"
        whose = "of the reference's own images, each beside the others," if self.own else "of held-out real images"
        return f"{whose} {round(self.share * self.n):,} of {self.n:,} ({_percent(self.share)})"


class _Evidence(NamedTuple):
    share: float
    p: float
    text: str


def flags_of(rows: Iterable[Row], reference: Mapping[str, Any]) -> list[Flag]:
    """Return what the rows of a scorecard say against its images: at most one flag of a kind.

    Args:
        rows: of one scorecard.
        reference: the scorecard's ``reference``: what is known of each extractor's real images.
    """
    found: dict[Kind, list[_Evidence]] = {}
    for row in rows:
        rule = _RULES.get(row.metric)
        if rule is None or row.value is None or not row.n or (row.version or 0) < _SINCE[row.metric]:
            continue
        kind, evidence = rule
        usual = _usual(row, reference)
        if usual is not None and (said := evidence(row, usual)) is not None:
            found.setdefault(kind, []).append(said)
    return [_flag(kind, said) for kind, said in found.items()]


def joined(flags: Iterable[Flag], more: Iterable[Flag]) -> list[Flag]:
    """Return flags and those of more that are of other kinds, in the order of ``KINDS``."""
    found = {flag.kind: flag for flag in (*more, *flags)}
    return sorted(found.values(), key=lambda flag: KINDS.index(flag.kind))


def withholding(flags: Iterable[Flag]) -> list[Kind]:
    """Return the kinds of flags that withhold the tier: all but a disagreement, which is no matter of detectors."""
    return [flag.kind for flag in flags if flag.kind != "disagreeing"]


def _flag(kind: Kind, said: Sequence[_Evidence]) -> Flag:
    first = said[0]  # copies before authenticity: the one that is about single images
    return Flag(kind, first.share, min(one.p for one in said), " ".join([*(one.text for one in said), _TO_DO[kind]]))


def _usual(row: Row, reference: Mapping[str, Any]) -> Usual | None:
    """Return what honest images show, as the reference says; None where nobody looked."""
    if row.metric in _FIXED:
        return Usual(_FIXED[row.metric], 0)
    said = reference.get(row.instrument, {})
    own = said.get("held_out") is None
    held = said.get("own" if own else "held_out") or {}
    count = held.get(_COUNTED.get(row.metric, ""))
    if count is not None:
        return Usual(count / held["images"], held["images"], own)
    figure = held.get("figures", {}).get(row.metric)
    if figure is not None and figure["version"] == row.version:
        return Usual(figure["value"], figure["n"], own)
    return None


def _of_copies(row: Row, usual: Usual) -> _Evidence | None:
    return _counted(row, usual, 1, "are images of the training set, as they are or changed")


def _of_blends(row: Row, usual: Usual) -> _Evidence | None:
    what = "are one image of the training set, two of them blended or side by side, or hold one in part"
    return _counted(row, usual, 1, what, excess=BLENDED)


def _of_repeats(row: Row, usual: Usual) -> _Evidence | None:
    return _counted(row, usual, 2, "repeat another one of them, as it is or changed", among_all=True)


def _of_duplicates(row: Row, usual: Usual) -> _Evidence | None:
    return _counted(row, usual, 2, "are equal to another one of them, pixel for pixel")


def _counted(
    row: Row, usual: Usual, together: int, what: str, *, among_all: bool = False, excess: float = EXCESS
) -> _Evidence | None:
    """Hold a share of images against the usual one; they come ``together`` in ones or twos.

    What images find ``among_all`` the others they find in proportion to how many others there are.
    """
    share, n = row.value or 0.0, row.n or 0
    more = max(1.0, (n - 1) / (usual.n - 1)) if among_all and usual.n > 1 else 1.0
    expected = min(1.0, usual.share * more)
    if share <= expected + excess:
        return None
    p = at_least(share * n / together, n / together, expected, usual.n // together)
    if p >= CHANCE:
        return None
    so_many = f", so {_percent(expected)} among so many" if expected > usual.share else ""
    return _Evidence(share, p, f"{_seen(row)} {what}; {usual}{so_many}.")


def _of_authenticity(row: Row, usual: Usual) -> _Evidence | None:
    share = row.value or 0.0
    if row.p is None or row.p >= CHANCE or (usual.n and share <= usual.share + NEARER):
        return None
    against = f"; {usual}" if usual.n else ""
    what = "are nearer to a training image than that one is to any other of them"
    return _Evidence(share, row.p, f"{_seen(row)} {what}{against} (by chance: p = {row.p:.1g}).")


def _seen(row: Row) -> str:
    share, n = row.value or 0.0, row.n or 0
    return f"{row.id}: {round(share * n):,} of {n:,} images ({_percent(share)})"


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"


_RULES: dict[str, tuple[Kind, Callable[[Row, Usual], _Evidence | None]]] = {
    "copies": ("copied", _of_copies),
    "authenticity": ("copied", _of_authenticity),
    "blends": ("copied", _of_blends),
    "near_duplicates": ("repeated", _of_repeats),
    "duplicates": ("repeated", _of_duplicates),
}
