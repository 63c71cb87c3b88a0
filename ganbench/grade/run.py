"""Grades a class: finds what was handed in, looks at what is new, and settles what everybody's work earns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from ganbench.errors import GanbenchError, UnknownName
from ganbench.features.collect import needs_of
from ganbench.grade.aliases import aliases, secret_of
from ganbench.grade.config import BoardSection, ClassConfig, load_class
from ganbench.grade.handed_in import Collected, HandedIn, collect
from ganbench.grade.measure import PRIVATE, PUBLIC, Look, Task, measure
from ganbench.grade.roster import Person, id_key, read_roster
from ganbench.grade.settle import settle
from ganbench.grade.state import State, key_of
from ganbench.grade.student import Graded, Student
from ganbench.grade.table import to_csv
from ganbench.grade.units import digest_of
from ganbench.images.rules import Rules
from ganbench.registry import did_you_mean
from ganbench.scoring.flags import Flag
from ganbench.scoring.options import ScoreOptions
from ganbench.scoring.plan import Plan
from ganbench.system.cluster import Died, Site, executor
from ganbench.system.outputs import check_outputs, write_text
from ganbench.system.parse import shown
from ganbench.system.progress import track

STATE, GRADES = "state", "grades.csv"
Compare = Callable[[Sequence[Student]], Mapping[str, Sequence[Flag]]]


@dataclass(frozen=True)
class _Wanted:
    """One submission, and what its looks go by; a board whose look is known is not in ``todo``."""

    handed: HandedIn
    keys: dict[str, str]
    todo: tuple[str, ...]


def plans_of(config: ClassConfig, *, device: str = "auto", site: Site | None = None) -> dict[str, Plan]:
    """Return the plan of each board of a class.

    Args:
        config: the class.
        device: on which networks run.
        site: where large sets of real images are looked at.

    Raises:
        GanbenchError: as ``Plan.of``, led by the board.
    """
    found = {}
    for name, board in ((PUBLIC, config.public), (PRIVATE, config.private)):
        if board is not None:
            try:
                found[name] = Plan.of(_options(board, config.seed, device, name == PUBLIC), site=site)
            except GanbenchError as e:
                raise type(e)(f"[{name}]: {e}") from e
    return found


def _options(board: BoardSection, seed: int, device: str, per_image: bool) -> ScoreOptions:
    return ScoreOptions(
        features=tuple(board.features),
        metrics=None if board.metrics is None else tuple(board.metrics),
        references=tuple(board.reference),
        detector=None if board.detector == "none" else board.detector,
        weights=board.weights,
        device=device,
        seed=seed,
        skip_bad=1000,  # so that the others are measured; a submission with such images is not valid
        per_image=per_image,
    )


def grade(
    folder: str | Path,
    config: str | Path,
    out: str | Path,
    *,
    only: Sequence[str] = (),
    device: str = "auto",
    site: Site | None = None,
    plans: Mapping[str, Plan] | None = None,
    compare: Compare | None = None,
    note: Callable[[str], None] = lambda text: None,
) -> Graded:
    """Grade a class, and write ``grades.csv``. What was seen before of the same submissions is not looked at again.

    Whoever is killed can be called again, and goes on: what was seen is kept in ``out``, a file for each submission.

    Args:
        folder: what was handed in, as an export unpacks.
        config: the class's TOML file.
        out: folder of the results.
        only: ids; their submissions alone are looked at, and again even if they are known.
        device: on which networks run.
        site: where submissions are looked at; the result does not depend on it. None: in this process.
        plans: what ``plans_of`` returned, where it was called before.
        compare: finds out what only shows between submissions; returns flags by the key of a student's id.
        note: is told in one line what a person should know.

    Returns:
        The class, for pages: ``ganbench.report.grading.write_pages``.

    Raises:
        GanbenchError: a fault in the configuration, the roster or the export; an unknown id; a place that cannot be
            written to. What is wrong with a submission is its student's result.
    """
    folder, config_file, out = Path(folder), Path(config), Path(out)
    settings = load_class(config_file)
    roster = read_roster(Path(settings.roster), settings.id)
    chosen = _chosen(only, roster, "only")
    cleared = _chosen(settings.cleared, roster, "cleared")
    check_outputs(folders=(out,))
    plans = plans_of(settings, device=device, site=site) if plans is None else plans
    collected = collect(folder, roster, settings, _not_theirs(config_file, settings, out))
    secret, said = secret_of(settings.secret, config_file)
    if said:
        note(said)
    looks = _looks(collected, roster, plans, settings.asked, State(out / STATE), chosen, site or Site())
    called = aliases((person.key for person in roster), secret)
    students = [_student(person, called[person.key], collected, looks, person.key in cleared) for person in roster]
    settled = [settle(student, settings) for student in students]
    if compare is not None:
        between = compare(settled)
        settled = [settle(student, settings, between.get(id_key(student.id), ())) for student in students]
    results = {name: plan.results() for name, plan in plans.items()}
    notes = [collected.note] if collected.note else []
    notes += [text for plan in plans.values() for text in plan.notes]
    graded = Graded(
        settings, settled, collected.strays, collected.export, results[PUBLIC], results.get(PRIVATE, {}), notes
    )
    write_text(out / GRADES, to_csv(graded))
    return graded


def _chosen(given: Sequence[str], roster: Sequence[Person], what: str) -> set[str]:
    known = {person.key: person.id for person in roster}
    for one in given:
        if id_key(one) not in known:
            near = did_you_mean(one, list(known.values()))
            hint = near if near.startswith(" Did") else ""  # a whole roster is no hint
            raise UnknownName(f"{what}: {shown(one)} is not on the roster.{hint}")
    return {id_key(one) for one in given}


def _not_theirs(config_file: Path, settings: ClassConfig, out: Path) -> list[Path]:
    return [config_file, config_file.with_suffix(".secret"), Path(settings.roster), out]


def _student(
    person: Person, alias: str, collected: Collected, looks: Mapping[str, dict[str, Look]], cleared: bool
) -> Student:
    handed = collected.taken.get(person.key)
    seen = looks.get(handed.unit.label, {}) if handed is not None else {}
    passed = tuple(one.unit.label for one in collected.others.get(person.key, ()))
    return Student(person.id, person.name, alias, handed, passed, seen.get(PUBLIC), seen.get(PRIVATE), cleared=cleared)


def _looks(
    collected: Collected,
    roster: Sequence[Person],
    plans: Mapping[str, Plan],
    rules: Rules,
    state: State,
    chosen: set[str],
    site: Site,
) -> dict[str, dict[str, Look]]:
    """Return what every board sees of every submission that counts, by its label."""
    found: dict[str, dict[str, Look]] = {}
    wanted: list[_Wanted] = []
    known: set[str] = set()
    again = {collected.taken[key].unit.label for key in chosen if key in collected.taken}
    in_order = [collected.taken[person.key] for person in roster if person.key in collected.taken]
    for handed in dict.fromkeys(in_order):
        label = handed.unit.label
        if not handed.unit.holds:
            found[label] = dict.fromkeys(plans, Look())
            continue
        try:
            digest = digest_of(handed.unit)
        except GanbenchError as e:
            found[label] = dict.fromkeys(plans, Look(error=str(e)))
            continue
        keys = {board: key_of(board, digest, plan, rules) for board, plan in plans.items()}
        known |= set(keys.values())
        kept = {board: state.load(key) for board, key in keys.items() if label not in again}
        found[label] = {board: look for board, look in kept.items() if look is not None}
        todo = tuple(board for board in plans if board not in found[label])
        if todo and (not chosen or label in again):
            wanted.append(_Wanted(handed, keys, todo))
    for number, result in _measured(wanted, plans, rules, site):
        one = wanted[number]
        found[one.handed.unit.label] |= result
        for board, look in result.items():
            if look.lasting:
                state.keep(one.keys[board], look)
    state.forget_others(known)
    return found


def _measured(
    wanted: Sequence[_Wanted], plans: Mapping[str, Plan], rules: Rules, site: Site
) -> Iterator[tuple[int, dict[str, Look]]]:
    """Look at what is not known yet, and yield what was seen as it comes."""
    if not wanted:
        return
    site = site if site.cluster is not None else replace(site, jobs=min(site.jobs, len(wanted)))
    tasks = [Task(one.handed.unit.path, one.todo) for one in wanted]
    function = partial(measure, dict(plans), rules)
    needs = needs_of(site, plans[PUBLIC].options.device)
    with track("grading", len(tasks), unit="submissions") as advance, executor(function, site, needs) as crew:
        for number, result in crew.run(tasks):
            if isinstance(result, Died):
                result = dict.fromkeys(tasks[number].boards, Look(error=result.why, lasting=False))
            yield number, result
            advance(1)
