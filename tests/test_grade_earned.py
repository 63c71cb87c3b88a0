"""What work earns in a class, its boards and pages, and what nobody may learn from them."""

from __future__ import annotations

import csv
import json
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from ganbench.errors import GanbenchError
from ganbench.grade.config import ClassConfig, LateSection, TierSection
from ganbench.grade.handed_in import HandedIn
from ganbench.grade.lateness import Came, Lateness, lateness
from ganbench.grade.measure import PRIVATE, PUBLIC, Look, Task, measure, worst_of
from ganbench.grade.settle import settle
from ganbench.grade.student import Graded, Student
from ganbench.grade.table import BOM, to_csv
from ganbench.grade.units import Unit
from ganbench.images.submission import Check
from ganbench.leaderboard.positions import standings
from ganbench.report.class_board import class_board
from ganbench.report.feedback import feedback_of
from ganbench.report.grading import boards_of, write_pages
from ganbench.scoring.flags import Flag
from ganbench.scoring.row import Row
from ganbench.scoring.scorecard import Scorecard

CONFIG = ClassConfig(roster="roster.csv", id=r"(b\d{8})")
AFD, FD = "afd[yolo-nano]", "fd[lite0]"


def test_a_node_that_does_not_see_the_class_costs_nobody_points(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unseen(path: Path) -> None:
        raise GanbenchError(f"{path} is not there on node b")

    monkeypatch.setattr("ganbench.grade.measure.refuse_unseen", unseen)
    looks = measure({}, ClassConfig(roster="r").asked, Task(tmp_path / "x.tgz", (PUBLIC, PRIVATE)), lambda _: None)
    assert set(looks) == {PUBLIC, PRIVATE}
    assert not any(look.lasting for look in looks.values())
    settled = settle(student(1, looks[PUBLIC]), ClassConfig(roster="r"))
    assert settled.points is None
    assert "not measured" in settled.reasons[0]


def test_days_are_begun_days_and_what_they_cost() -> None:
    deadline = datetime(2026, 1, 5, 15, 59, 59, tzinfo=timezone.utc)
    rule = LateSection(deadline=deadline, grace=10, per_day=0.2, most_days=3)
    for over, days, left in (
        ("00:10", 0, 1.0),
        ("00:11", 1, 0.8),
        ("24:11", 2, 0.6),
        ("72:10", 3, 0.4),
        ("72:11", 4, 0.0),
    ):
        hours, minutes = map(int, over.split(":"))
        found = lateness(Came(deadline + timedelta(hours=hours, minutes=minutes), "x"), rule)
        assert (found.days, pytest.approx(found.factor(rule))) == (days, left)
    assert lateness(Came(None, ""), rule).late is None
    assert lateness(Came(deadline, "x"), LateSection()).text == ""


def card(afd: float = 0.7, fd: float = 30.0, *flags: Flag, n: int = 1000) -> Scorecard:
    rows = [
        Row(FD, fd, fd - 1, fd + 1, "lower", n, None, "lite0 v1; fd v1", version=1),
        Row(AFD, afd, afd - 0.02, min(1.0, afd + 0.02), "higher", n, None, "yolo-nano v1; afd v1", version=1),
    ]
    return Scorecard(rows, {"label": "x", "count": n, "image_size": [64, 64], "skipped": []}, {}, [], flags=list(flags))


def student(number: int, look: Look | None, late: Lateness = Lateness(False, 0, "no"), **more: object) -> Student:
    unit = Unit(Path(f"b{number}.tgz"), (f"b{number}.tgz",), True, 0.0)
    return Student(
        f"b{number}", f"Name {number}", f"ALIAS{number}", HandedIn(unit, Came(None, ""), late), public=look, **more
    )


GOOD = (Check("1,000 images", True, "1,000 images"),)


BAD = (Check("1,000 images", False, "999 images"),)


COPIED = Flag("copied", 0.9, 1e-9, "copies: 900 of 1,000")


@pytest.mark.parametrize(
    ("look", "config", "valid", "tier", "points", "reason"),
    [
        (Look(GOOD, card(0.7)), {}, True, "boss", 4.0, ""),
        (Look(GOOD, card(0.45)), {}, True, "medium", 2.0, "strong wants afd[yolo-nano] >= 0.5 (it is 0.45)"),
        (Look(BAD, card(0.9)), {}, False, "", 0.0, "1,000 images: 999 images"),
        (Look(error="cut short"), {}, False, "", 0.0, "cut short"),
        (Look(GOOD, None, "no memory"), {}, True, "", None, "not measured: no memory"),
        (Look(GOOD, card(0.7, 30, COPIED)), {}, True, "boss", None, "copied: somebody has to look"),
        (Look(GOOD, card(0.7, 30, COPIED)), {"flagged": "zero"}, True, "boss", 0.0, "copied: no points"),
        (Look(GOOD, card(0.7, 30, COPIED)), {"flagged": "keep"}, True, "boss", 4.0, ""),
        (None, {}, False, "", None, "not looked at yet"),
    ],
)  # fmt: skip
def test_what_work_earns(
    look: Look | None, config: dict, valid: bool, tier: str, points: float | None, reason: str
) -> None:
    found = settle(student(1, look), CONFIG.model_copy(update=config))
    assert (found.valid, found.tier, found.points) == (valid, tier, points)
    assert reason in "; ".join(found.reasons)
    assert ("invalid" in [flag.kind for flag in found.flags]) == (not valid and look is not None)


def test_late_work_earns_less_and_cleared_flags_cost_nothing() -> None:
    late = CONFIG.model_copy(update={"late": LateSection(per_day=0.25)})
    found = settle(student(1, Look(GOOD, card()), Lateness(True, 2, "yes")), late)
    assert (found.points, found.reasons) == (2.0, ("late by 2 begun days: 50% of 4 points",))
    found = settle(student(1, Look(GOOD, card(0.7, 30, COPIED)), cleared=True), CONFIG)
    assert (found.points, found.is_flagged) == (4.0, False)


def test_gates_are_of_any_metric_and_the_private_board_decides() -> None:
    tiers = [
        TierSection(name="pass", points=1, gates={"fd": 50}),
        TierSection(name="top", points=2, gates={FD: 20, "afd": 0.5}),
    ]
    config = CONFIG.model_copy(update={"tiers": tiers, "private": CONFIG.public})
    found = settle(student(1, Look(GOOD, card(0.9, 10)), private=Look(card=card(0.9, 40))), config)
    assert (found.tier, found.points) == ("pass", 1.0)
    assert "top wants fd[lite0] <= 20 (it is 40)" in found.reasons


def test_the_table_has_a_row_for_everybody_and_no_formula() -> None:
    people = [
        settle(student(1, Look(GOOD, card())), CONFIG),
        Student("=b2", "=cmd|'/c calc'!A1", "X", reasons=("nothing",)),
    ]
    graded = Graded(CONFIG, people, [], "plain", {FD: "lower", AFD: "higher"}, {})
    text = to_csv(graded)
    assert text.startswith(f"{BOM}id,name,valid,tier,points,{FD},{AFD},flags,late,reason\n")
    rows = list(csv.reader(text.removeprefix(BOM).splitlines()))
    assert rows[1] == ["b1", "Name 1", "yes", "boss", "4.0", "30.0", "0.7", "", "no", ""]
    assert rows[2][:5] == ["'=b2", "'=cmd|'/c calc'!A1", "no", "", "0.0"]


def test_places_say_whom_the_intervals_do_not_tell_apart() -> None:
    rows = [Row("m", value, value - 1, value + 1) for value in (10.0, 10.5, 11.2, 20.0, 20.0)]
    found = standings(rows, "lower")
    assert [str(place) for place in found] == [
        "1, tied with 2–3",
        "2, tied with 1, 3",
        "3, tied with 1–2",
        "4, tied with 4",
        "4, tied with 4",
    ]
    assert standings([Row("m", 1.0)], "higher")[0].ties == ""


def graded(private: bool = False) -> Graded:
    shared = Flag("shared", 0.5, 1e-9, "the same pictures: 500 of 1,000 images with b5")
    config = CONFIG.model_copy(update={"private": CONFIG.public if private else None})
    people = [
        settle(student(1, Look(GOOD, card(0.7, 30)), private=Look(card=card(0.9, 77))), config),
        settle(student(2, Look(GOOD, card(0.7, 10, COPIED)), private=Look(card=card(0.9, 88))), config),
        settle(student(3, Look(BAD, card(0.7, 5))), config),
        settle(student(4, Look(GOOD, card(0.7, 40)), private=Look(card=card(0.9, 99))), config, [shared]),
        settle(Student("b5", "<b>Name</b>", "ALIAS5"), config),
    ]
    results = {FD: "lower", AFD: "higher"}
    return Graded(config, people, [("x.tgz", "no id in its name")], "plain", results, results if private else {})


def test_flagged_work_has_no_position_and_stands_below_honest_work() -> None:
    board = class_board(graded(), private=False, known={FD: "lower"}, sort=None, columns=None, named=True)
    assert [(str(line[0]), str(line[2])) for line in board.lines] == [("1", "b1"), ("–", "b2"), ("–", "b4")]
    assert [line[0] for line in board.below] == ["b3", "b5"]
    assert [str(line[5]) for line in board.lines] == ["boss", "withheld", "withheld"]
    assert board.notes[-1].startswith(
        "Tier: the highest whose gates are all passed: simple (afd >= 0), medium (afd >= 0.4)"
    )
    kept = graded().config.model_copy(update={"keep_flagged": True})
    again = Graded(kept, graded().students, [], "plain", {FD: "lower"}, {})
    board = class_board(again, private=False, known={FD: "lower"}, sort=None, columns=None, named=True)
    assert [str(line[2]) for line in board.lines] == ["b2", "b1", "b4"]


def test_public_pages_name_nobody_and_feedback_names_nobody_else(tmp_path: Path) -> None:
    everything = graded(private=True)
    write_pages(everything, tmp_path)
    for name in ("board.html", "board.md"):
        text = (tmp_path / "public" / name).read_text("utf-8").rpartition("<main>")[2]  # a style has b4 in a colour
        assert "ALIAS1" in text
        assert not [one for one in everything.students if one.id in text or one.name in text]
        assert "77" not in text
        staff = (tmp_path / "private" / name).read_text("utf-8")
        assert "Name 1" in staff
        assert "77" in staff
        assert "<b>Name" not in staff
    page, data = ((tmp_path / "students" / f"b4.{form}").read_text("utf-8") for form in ("html", "json"))
    assert "b5" not in page.rpartition("<main>")[2]
    assert "b5" not in data
    assert "99" not in page.partition("<main>")[2]
    assert "points" not in json.loads(data)
    assert json.loads((tmp_path / "students" / "b3.json").read_text("utf-8"))["reasons"] == ["1,000 images: 999 images"]


def test_what_is_revealed_is_what_grades_rest_on() -> None:
    everything = graded(private=True)
    revealed = Graded(everything.config.model_copy(update={"reveal": True}), *[
        getattr(everything, name) for name in ("students", "strays", "export", "public", "private")
    ])  # fmt: skip
    content = feedback_of(revealed.students[0], revealed, boards_of(revealed)).to_dict()
    assert content["points"] == 4.0
    assert set(content["results"]) == {"public", "private"}


def test_pages_of_people_who_left_are_removed(tmp_path: Path) -> None:
    everything = graded()
    write_pages(everything, tmp_path)
    stamp = (tmp_path / "students" / "b1.html").stat().st_mtime_ns
    (tmp_path / "students" / "mine.txt").write_text("kept", "utf-8")
    fewer = Graded(CONFIG, everything.students[:1], [], "plain", everything.public, {})
    write_pages(fewer, tmp_path)
    assert {path.name for path in (tmp_path / "students").iterdir()} == {"b1.html", "b1.json", "mine.txt"}
    assert (tmp_path / "students" / "b1.html").stat().st_mtime_ns == stamp  # what has not changed is not written again


def test_the_worst_images_are_copies_then_those_without_a_face_then_the_least_real() -> None:
    rows = [
        {"name": f"{i}.jpg", "copy_of[lite0]": "", "alike[lite0]": 0.5, "realism[lite0]": i / 10}
        | {"faces[f]": 1, "score[f]": 0.9}
        for i in range(1, 12)
    ]
    for i, alike in ((3, 0.95), (9, 0.99), (10, 0.94), (11, 0.93), (8, 0.931)):
        rows[i - 1] |= {"copy_of[lite0]": f"real{i}.png", "alike[lite0]": alike}
    rows[8] |= {"faces[f]": 0, "score[f]": 0.0}
    found = worst_of(Scorecard([], {}, {}, [], rows))
    assert [name for name, _ in found[:4]] == ["9.jpg", "3.jpg", "10.jpg", "8.jpg"]
    assert found[0][1] == "the same picture as real9.png of the real images, alike 0.99, no face found"
    assert [name for name, _ in found[4:]] == ["1.jpg", "2.jpg", "4.jpg", "5.jpg"]
    assert len(found) == 8
    assert worst_of(Scorecard([], {}, {})) == []


def test_of_a_set_that_is_flagged_those_put_together_from_two_are_shown_too() -> None:
    rows = [
        {
            "name": f"{i}.jpg",
            "copy_of[lite0]": "",
            "alike[lite0]": 0.5,
            "blend_of[lite0]": "",
            "explained[lite0]": i / 10,
        }
        for i in range(1, 8)
    ]
    rows[6] |= {"copy_of[lite0]": "a.png", "alike[lite0]": 0.99}
    rows[2] |= {"blend_of[lite0]": "b.png + c.png", "explained[lite0]": 0.95}
    assert [name for name, _ in worst_of(Scorecard([], {}, {}, [], rows))] == ["7.jpg"]
    flagged = Scorecard([], {}, {}, [], rows, flags=[Flag("copied", 0.5, 1e-9, "blends")])
    assert worst_of(flagged)[1] == (
        "3.jpg", "put together from b.png + c.png of the real images, which explain 0.95 of it"
    )  # fmt: skip
