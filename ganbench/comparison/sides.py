"""Sides: everything that was given becomes a set of images, a scorecard, or trainings of one kind over their seeds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ganbench.errors import GanbenchError
from ganbench.images.source import Source
from ganbench.leaderboard.entries import Entry, collect
from ganbench.leaderboard.seeds import distinct_trainings
from ganbench.scoring.options import Images
from ganbench.scoring.plan import Plan
from ganbench.scoring.rows import Variations
from ganbench.scoring.score import score_source
from ganbench.scoring.scorecard import Scorecard
from ganbench.system.cluster import Site
from ganbench.system.location import Location
from ganbench.system.urls import is_url
from ganbench.training.run_folder import RunFolder

Given = Images | Scorecard


@dataclass(eq=False)
class Side:
    """One side of a comparison.

    Attributes:
        label: what it is called.
        kind: what it is.
        cards: its scorecard; of trainings, that of each seed (copies of one training together).
        variations: of images, how each value varies.
        names: of images, their names, those that could not be read too.
        whole: of images, whether every one could be read.
    """

    label: str
    kind: Literal["images", "scorecard", "trainings"]
    cards: list[list[Scorecard]]
    variations: Variations = field(default_factory=dict)
    names: tuple[str, ...] = ()
    whole: bool = True

    @property
    def card(self) -> Scorecard:
        """Its scorecard, or the first of them."""
        return self.cards[0][0]

    @property
    def count(self) -> int:
        """How many images, or training seeds."""
        return len(self.cards) if self.kind == "trainings" else int(self.card.source["count"])


def gather(
    given: Sequence[Given],
    labels: Sequence[str] | None,
    opened: Callable[[Images], Source],
    plan: Callable[[Sequence[Source]], Plan],
    site: Site,
    note: Callable[[str], None],
) -> list[Side]:
    """Return the sides of a comparison, in the order given; trainings of one variant are one side.

    Args:
        given: images, scorecards or their files, run folders, and folders of runs.
        labels: what to call images and scorecards; trainings go by their variant.
        opened: opens images.
        plan: makes the plan of scoring for opened images; called once.
        site: where images are looked at.
        note: is told what a reader must know.

    Raises:
        GanbenchError: something that cannot be read or scored, or trainings beside anything else.
    """
    places = [_as_path(one) for one in given]
    runs = [[] if place is None else _runs_at(place) for place in places]
    if any(runs):
        if strangers := [_whole_name(one) for one, some in zip(given, runs, strict=True) if not some]:
            raise GanbenchError(
                f"{strangers[0]} is no training, and the others are compared over their seeds. Give trainings alone, "
                "or the images of a run: RUN/samples.npz"
            )
        return _trainings([path for some in runs for path in some], labels, plan, site, note)
    called = _called(given, labels)
    if len(given) < 2:
        raise GanbenchError(f"{called[0] if called else 'nothing'} alone: give two or more to compare")
    sides: list[Side | None] = []
    sources: list[tuple[int, Source]] = []
    for number, (one, place) in enumerate(zip(given, places, strict=True)):
        card = one if isinstance(one, Scorecard) else _card_at(one, place)
        sides.append(None if card is None else Side(called[number], "scorecard", [[card]]))
        if card is None and not isinstance(one, Scorecard):
            sources.append((number, opened(one)))
    if sources:
        chosen = plan([source for _, source in sources])
        for number, source in sources:
            variations: Variations = {}
            card = score_source(source, chosen, site, variations)
            label = called[number]
            sides[number] = Side(label, "images", [[card]], variations, tuple(source.names), not source.bad)
    return [side for side in sides if side is not None]


def _as_path(one: Given) -> Path | None:
    """Return the local path of what was given; None for anything else."""
    if isinstance(one, str | Path) and not is_url(str(one)):
        return Path(one)
    return None


def _runs_at(place: Path) -> list[Path]:
    """Return the runs at a path: itself, or those right below it."""
    if not place.is_dir():
        return []
    return [
        path for path in (place, *sorted(place.iterdir())) if path.is_dir() and RunFolder(path).recipe_file.is_file()
    ]


def _card_at(one: Images, place: Path | None) -> Scorecard | None:
    """Return the scorecard of a file, None for what is no such file."""
    if not isinstance(one, str | Path) or not str(one).lower().endswith(".json"):
        return None
    return Scorecard.read(Location.of(one).fetched() if place is None else place)


def _called(given: Sequence[Given], labels: Sequence[str] | None) -> list[str]:
    if labels is not None:
        if len(labels) != len(given) or len(set(labels)) != len(labels):
            raise GanbenchError(
                f"{len(given)} sides and {len(set(labels))} different labels: each needs one of its own"
            )
        return list(labels)
    whole = [_whole_name(one) for one in given]
    short = [Location.of(name).name or name for name in whole]
    names = [name if short.count(name) == 1 else longer for name, longer in zip(short, whole, strict=True)]
    seen: Counter[str] = Counter()
    for number, name in enumerate(names):
        seen[name] += 1
        if seen[name] > 1:
            names[number] = f"{name} ({seen[name]})"
    return names


def _whole_name(one: Given) -> str:
    if isinstance(one, Scorecard):
        return str(one.source["label"])
    if isinstance(one, Source):
        return one.label
    return str(Location.of(one)) if isinstance(one, str | Path) else "images"


def _trainings(
    runs: list[Path],
    labels: Sequence[str] | None,
    plan: Callable[[Sequence[Source]], Plan],
    site: Site,
    note: Callable[[str], None],
) -> list[Side]:
    """Return a side for every variant among runs; what has no scorecard is scored."""
    entries = collect(runs, lambda: plan(()), site=site, warn=lambda text: note(f"left out: {text}"))
    kinds: dict[str, list[list[Entry]]] = distinct_trainings([entry for entry in entries if entry.card is not None])
    if labels is not None:
        if len(labels) != len(kinds):
            raise GanbenchError(f"{len(labels)} labels for {len(kinds)} kinds of trainings: {', '.join(kinds)}")
        kinds = dict(zip(labels, kinds.values(), strict=True))
    for kind, seeds in kinds.items():
        for copies in seeds:
            if len(copies) > 1:
                names = " and ".join(entry.name for entry in copies)
                note(f"{kind}: {names} are copies of one training, and count once")
    return [
        Side(kind, "trainings", [[entry.card for entry in copies if entry.card] for copies in seeds])
        for kind, seeds in kinds.items()
    ]
