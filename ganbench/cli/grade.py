"""``ganbench grade``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ganbench.cli import options
from ganbench.cli.output import tell

if TYPE_CHECKING:
    from ganbench.grade.student import Graded


def grade(
    folder: Annotated[
        Path,
        typer.Argument(
            parser=options.local("the folder of a class"),
            metavar="DIR",
            help="What was handed in, as Moodle, Gradescope or Canvas (NTU COOL) export it, or one file for each.",
        ),
    ],
    config: Annotated[
        Path,
        typer.Option(
            parser=options.local("a class's configuration"),
            metavar="class.toml",
            help="What is asked, who is in the class, and what differs from the assignment (docs: teaching).",
        ),
    ],
    out: Annotated[
        Path,
        typer.Option(
            parser=options.local("the folder of the results"),
            metavar="DIR",
            help="Grades, boards and feedback; also what was seen, so that nothing is done twice.",
        ),
    ],
    only: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ID", help="Look at this submission alone, and again if it is known; may be given several times."
        ),
    ] = None,
    device: options.Device = "auto",
    jobs: options.Jobs = 1,
    cluster: options.Cluster = None,
    quiet: options.Quiet = False,
) -> None:
    """Grade a class: grades.csv, a public and a private board, and a feedback page for everybody.

    What was seen of a submission is kept by its content: a late file costs one look, and a killed run goes on.

    [bold]Examples[/bold]

      ganbench grade submissions/ --config class.toml --out grades/

      ganbench grade submissions/ --config class.toml --out grades/ --only b10901001

      ganbench grade submissions/ --config class.toml --out grades/ --jobs 2
    """
    from ganbench.grade.config import load_class
    from ganbench.grade.run import grade as grade_class
    from ganbench.grade.run import plans_of
    from ganbench.report.class_between import Between
    from ganbench.report.grading import STUDENTS, check_boards, write_pages

    del quiet
    site = options.site(jobs, cluster)
    settings = load_class(config)
    plans = plans_of(settings, device=device, site=site)
    ranked_by = check_boards(settings, {name: plan.results() for name, plan in plans.items()})
    between = Between(ranked_by, device=device, site=site)

    def note(text: str) -> None:
        tell(text, fg=typer.colors.YELLOW, err=True)

    graded = grade_class(
        folder, config, out, only=only or (), device=device, site=site, plans=plans, compare=between, note=note
    )
    written = write_pages(graded, out, between)
    _say(graded, [out / "grades.csv", *written, out / STUDENTS])
    if between.failed:
        note(f"submissions were not compared with each other: {between.failed}")


def _say(graded: Graded, written: list[Path]) -> None:
    """Print what the class came to, in a few lines."""
    for label, why in graded.strays:
        tell(f"nobody's: {label}: {why}", fg=typer.colors.YELLOW, err=True)
    for text in graded.notes:
        tell(text, fg=typer.colors.YELLOW, err=True)
    students = graded.students
    handed = [one for one in students if one.handed is not None]
    valid = sum(one.valid for one in handed)
    tell(f"{len(students):,} on the roster, {len(handed):,} handed in, {valid:,} valid ({graded.export} export)")
    for tier in reversed(graded.config.tiers):
        tell(f"  {tier.name}: {sum(one.tier == tier.name and not one.withheld for one in students):,}")
    for what, count in (
        ("flagged", sum(one.is_flagged and one.valid for one in students)),
        ("tier withheld for a flag", sum(bool(one.tier) and one.withheld for one in students)),
        ("points open", sum(one.points is None for one in students)),
        ("late", sum(bool(one.late.late) for one in students)),
    ):
        if count:
            tell(f"  {what}: {count:,}")
    for path in written:
        tell(f"wrote {path}")
