"""Judges one submission where nobody else's is: in the container of a platform that students upload to."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from ganbench.errors import CannotWrite, GanbenchError
from ganbench.grade.config import load_class
from ganbench.grade.parcel import CONFIG, STUDENT
from ganbench.grade.run import grade, plans_of
from ganbench.grade.student import Graded, Student
from ganbench.system.leftovers import temporary_folder


@dataclass(frozen=True, eq=False)
class Judged:
    """What one submission comes to.

    Attributes:
        student: whose it is, under a made-up name.
        graded: the class of this one person.
    """

    student: Student
    graded: Graded


def judge(handed_in: Path, program: Path, references: Path, passed_over: Collection[str] = ()) -> Judged:
    """Judge what lies in a folder as ``ganbench grade`` judges one student's submission.

    Args:
        handed_in: folder of what was uploaded: an archive, or images.
        program: folder of the parcel.
        references: folder of its references.
        passed_over: names at the top of ``handed_in`` that are the platform's.

    Raises:
        GanbenchError: the parcel is not whole, or its own instruments could not measure anything, which is not the
            student's fault.
    """
    config_file = program / CONFIG
    config = load_class(config_file)
    given = [str(path) for path in sorted(references.glob("*.npz"))]
    if not given:
        raise GanbenchError(f"{references}: no reference there. Export the class again")
    board = config.public.model_copy(update={"reference": given})
    plans = plans_of(config.model_copy(update={"public": board}), device="cpu")

    def ignore(where: str, names: list[str]) -> Collection[str]:
        return set(names) & set(passed_over) if Path(where) == handed_in else ()

    with temporary_folder(Path(tempfile.gettempdir()) / "ganbench-alone") as folder:
        theirs = folder / "class" / STUDENT
        try:
            shutil.copytree(handed_in, theirs, symlinks=True, ignore=ignore)
        except (OSError, shutil.Error) as e:
            raise CannotWrite(f"cannot copy {handed_in}: {e}") from e
        graded = grade(folder / "class", config_file, folder / "out", device="cpu", plans=plans)
    (student,) = graded.students
    look = student.public
    if look is not None and not look.lasting:
        raise GanbenchError(f"the submission could not be judged: {look.error}")
    return Judged(student, graded)
