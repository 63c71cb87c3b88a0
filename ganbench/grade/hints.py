"""What a student may try next: rules over what was measured, each a stated one, the most pressing first."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ganbench.grade.student import Student
from ganbench.scoring.numbers import format_number
from ganbench.scoring.row import Row

_OF_FLAGS = {
    "copied": "Hand in what your generator draws from random vectors. If these are its samples, it has learnt the "
    "training images by heart: train on more of them, with augmentation, or stop earlier.",
    "repeated": "Draw every image from a vector of its own, and hand in the samples as they come.",
    "shared": "Others handed in the same images. If they are yours, talk to the teaching staff.",
    "disagreeing": "Two networks do not agree on this work. What was chosen or tuned by the public one alone loses its "
    "place on the other.",
}
# metric, whether its value is bad, and what to try
_OF_METRICS: tuple[tuple[str, Callable[[float], bool], str], ...] = (
    (
        "afd",
        lambda value: value < 0.5,
        "The detector finds a face in few of the images: look at the worst ones below. Train longer; if the faces are "
        "whole and it still finds none, look at colours and contrast (pixels scaled twice, or red and blue swapped).",
    ),
    (
        "recall",
        lambda value: value < 0.1,
        "The images cover little of what real ones show: look for a collapse, many samples of one kind. A lower "
        "learning rate, a gradient penalty, or an average of the generator's weights may help.",
    ),
    (
        "precision",
        lambda value: value < 0.2,
        "Few of the images look like real ones: train longer, or look at the worst ones below for what they share.",
    ),
    (
        "near_duplicates",
        lambda value: value > 0.05,
        "Many of the images are nearly alike: the generator draws few different faces.",
    ),
)


def hints_of(student: Student) -> Iterator[str]:
    """Yield what a student may try, for what breaks a rule first, then for flags, then for values."""
    look = student.public
    if student.handed is None:
        yield "Hand something in: an archive of images, as the assignment asks."
        return
    if look is not None and any(not check.ok for check in look.checks):
        yield (
            "Pack the images again, and look before you hand in: ganbench data pack SRC OUT.tgz, then "
            "ganbench data check OUT.tgz."
        )
    elif not student.valid:
        yield "Look before you hand in: ganbench data check FILE.tgz says what is wrong with it."
    if student.handed.note:
        yield "Call the file by your own id."
    yield from (_OF_FLAGS[flag.kind] for flag in student.flags if flag.kind in _OF_FLAGS)
    if look is None or look.card is None:
        return
    for name, is_bad, text in _OF_METRICS:
        row = next((row for row in look.card.rows if row.metric == name and row.value is not None), None)
        if row is not None and row.value is not None and is_bad(row.value):
            yield f"{_said(row)}: {text}"


def _said(row: Row) -> str:
    return f"{row.id} is {format_number(row.value)}"
