"""Entries: every path that was given becomes a scorecard, or the reason why not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from ganbench.errors import GanbenchError
from ganbench.features.collect import needs_of
from ganbench.leaderboard.choice import directions
from ganbench.runs.facts import images_of, settings_of, trained_steps
from ganbench.runs.scored import score_run
from ganbench.runs.speed import Speed, speed_of
from ganbench.scoring.cached import score_cached
from ganbench.scoring.flags import Flag, joined
from ganbench.scoring.plan import Plan
from ganbench.scoring.row import Row
from ganbench.scoring.scorecard import Scorecard
from ganbench.system.cluster import Died, Site, executor
from ganbench.system.progress import track
from ganbench.system.tasks import refuse_unseen
from ganbench.system.urls import masked
from ganbench.training.run_folder import RunFolder

SAMPLES = 1000  # drawn from a run that has no scorecard yet

_Task = tuple[Path, str]  # a path and what it is called
_T = TypeVar("_T")


@dataclass(frozen=True, eq=False)
class Entry:
    """One submission, run or scorecard.

    Attributes:
        name: what it is called.
        path: where it is.
        card: its scorecard; None when there is none.
        error: why not.
        seed: training seed of a run, None for anything else.
        settings: of a run: its recipe without the seed, and the images it was trained on.
        speed: how fast a run trained.
        group: runs that differ in nothing but the seed share this: the variant, and what tells it from others.
        added: flags that its scorecard cannot have: what the board's rules and the other entries say of it.
    """

    name: str
    path: Path
    card: Scorecard | None = None
    error: str = ""
    seed: int | None = None
    settings: dict[str, object] | None = None
    speed: Speed | None = None
    group: str = ""
    added: tuple[Flag, ...] = ()

    @property
    def flags(self) -> list[Flag]:
        """Why its numbers may not be the work of a generator: the flags of its scorecard, and those of the board."""
        return joined(self.added, () if self.card is None else self.card.flags)

    @property
    def is_submission(self) -> bool:
        """Tell whether it is images of somebody's, neither a run nor a scorecard alone."""
        return not self.is_run and self.path.suffix.lower() != ".json"

    @property
    def is_run(self) -> bool:
        """Tell whether it is a run folder."""
        return self.settings is not None


def collect(
    paths: list[Path],
    plan: Callable[[], Plan],
    *,
    site: Site | None = None,
    rescore: bool = False,
    failed: dict[Path, str] | None = None,
    warn: Callable[[str], None] = lambda text: None,
) -> list[Entry]:
    """Read or make the scorecard of every path; one that cannot be scored becomes an entry with the reason.

    Args:
        paths: run folders, scorecard files (.json), or sources of images; a path given twice counts once.
        plan: makes the plan of scoring; called once, if anything has to be scored. A run keeps the scorecard it has,
            unless it was trained further since.
        site: where it is scored; None: in this process.
        rescore: score the runs that have a scorecard again too.
        failed: paths that are not to be scored, with the reason.
        warn: is told of every failure.

    Raises:
        GanbenchError: nothing given, or what making the plan raises.
    """
    paths = list(dict.fromkeys(paths))
    if not paths:
        raise GanbenchError("nothing to rank: give run folders, scorecards or submissions")
    names = _short_names(paths)
    entries = {path: Entry(names[path], path, error=reason) for path, reason in (failed or {}).items()}
    todo = []
    for path in paths:
        if path not in entries:
            known = _guarded(partial(_known, rescore=rescore), (path, names[path]))
            if known is None:
                todo.append((path, names[path]))
            else:
                entries[path] = known
    if todo:
        with track("scoring", len(todo), unit="entries") as advance:
            for entry in _score_all(todo, plan(), site or Site()):
                entries[entry.path] = entry
                advance(1)
    for path in paths:
        if entries[path].card is None:
            warn(f"{entries[path].name}: {entries[path].error}")
    return _name_groups([entries[path] for path in paths])


def known_results(paths: list[Path], plan: Callable[[], Plan], *, rescore: bool = False) -> dict[str, str]:
    """Return all results that the entries will have, with their directions: of scoring, then of the scorecards there.

    Args:
        paths: as ``collect`` takes them.
        plan: called if anything has to be scored.
        rescore: as ``collect`` takes it.
    """
    rows: list[Row] = []
    to_score = False
    for path in paths:
        with suppress(GanbenchError):  # no scorecard; collect says so where one was to be
            file = path if path.suffix.lower() == ".json" else RunFolder(path).scorecard
            to_score |= not file.is_file() or (rescore and file != path)
            rows += Scorecard.read(file).rows
    return directions(rows, plan().results() if to_score else {})


def _short_names(paths: list[Path]) -> dict[Path, str]:
    """Return the last part of every path, and more of it where two would be called the same."""
    names = {path: path.name or path.resolve().name for path in paths}
    taken = list(names.values())
    return {path: name if taken.count(name) == 1 else str(path) for path, name in names.items()}


def _guarded(make: Callable[[_Task], _T], task: _Task) -> _T | Entry:
    """Turn whatever goes wrong with one entry into its reason: it must not cost the others their result."""
    path, name = task
    try:
        return make(task)
    except GanbenchError as e:
        return Entry(name, path, error=str(e))
    except Exception as e:
        return Entry(name, path, error=f"{type(e).__name__}: {' '.join(str(e).split())}")


def _known(task: _Task, *, rescore: bool) -> Entry | None:
    """Return the entry of a path that has a scorecard, None for one that has to be scored."""
    path, name = task
    if path.suffix.lower() == ".json":
        return Entry(name, path, Scorecard.read(path))
    run = RunFolder(path)
    if rescore or not run.recipe_file.is_file() or not run.scorecard.is_file():
        return None
    card = Scorecard.read(run.scorecard)
    return None if _is_stale(card, path) else _run_entry(task, card)


def _is_stale(card: Scorecard, path: Path) -> bool:
    """Tell whether a run was trained further since it was scored; a run without a checkpoint cannot have been."""
    of = card.source.get("run")
    step = trained_steps(path)
    return isinstance(of, dict) and step > 0 and of.get("step") != step


def _run_entry(task: _Task, card: Scorecard) -> Entry:
    path, name = task
    run = RunFolder.open(path)
    recipe = run.recipe()
    settings = settings_of(recipe) | {"images": (images_of(run) or "unknown")[:8]}
    return Entry(name, path, card, "", recipe.training.seed, settings, speed_of(run))


def _score_all(todo: list[_Task], plan: Plan, site: Site) -> Iterator[Entry]:
    """Score what has no scorecard, as it comes."""
    if site.cluster is None:
        site = Site(min(site.jobs, len(todo)))
    else:  # what is not even here is no fault of the nodes
        yield from (_score(plan, task) for task in todo if not task[0].exists())
        todo = [task for task in todo if task[0].exists()]
    with executor(partial(_score, plan), site, needs_of(site, plan.options.device)) as crew:
        for number, result in crew.run(todo):
            path, name = todo[number]
            if isinstance(result, Died):
                used = ", ".join(masked(one.asked) for one in plan.instruments if one.kind != "pixels")
                result = Entry(name, path, error=result.why + (f" while it scored with {used}" if used else ""))
            yield result


def _score(plan: Plan, task: _Task, tell: Callable[[object], None] | None = None) -> Entry:
    del tell

    def make(task: _Task) -> Entry:
        path, name = task
        refuse_unseen(path, plan.options.weights)
        if (path / "recipe.toml").is_file():
            return _run_entry(task, score_run(path, plan, SAMPLES))
        return Entry(name, path, score_cached(plan.options.open(path), plan))

    return _guarded(make, task)


def _name_groups(entries: list[Entry]) -> list[Entry]:
    """Name the groups by their variant, and by the settings in which groups of one variant differ."""
    alternatives: dict[object, list[dict[str, object]]] = {}
    for settings in (entry.settings for entry in entries if entry.settings is not None):
        known = alternatives.setdefault(settings["variant"], [])
        if settings not in known:
            known.append(settings)

    def title(settings: dict[str, object]) -> str:
        others = alternatives[settings["variant"]]
        differing = [key for key, value in settings.items() if any(other.get(key) != value for other in others)]
        return " ".join([str(settings["variant"]), *(f"{key}={settings[key]}" for key in differing)])

    return [replace(e, group=e.name if e.settings is None else title(e.settings)) for e in entries]
