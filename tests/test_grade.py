"""A class is graded: whose is whose, what is late, what is valid, what it earns, and what nobody may learn."""

from __future__ import annotations

import csv
import json
import os
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest

from ganbench.errors import GanbenchError, UnknownName
from ganbench.grade.aliases import aliases, secret_of
from ganbench.grade.config import ClassConfig, LateSection, TierSection, load_class
from ganbench.grade.exports import Export
from ganbench.grade.handed_in import HandedIn, collect
from ganbench.grade.lateness import Came, Lateness, lateness
from ganbench.grade.measure import PRIVATE, PUBLIC, Look, Task, measure, worst_of
from ganbench.grade.roster import Person, read_roster
from ganbench.grade.settle import settle
from ganbench.grade.student import Graded, Student
from ganbench.grade.table import BOM, to_csv
from ganbench.grade.units import METADATA, Unit, find_units
from ganbench.images.submission import Check
from ganbench.leaderboard.positions import standings
from ganbench.report.class_board import class_board
from ganbench.report.feedback import feedback_of
from ganbench.report.grading import boards_of, write_pages
from ganbench.scoring.flags import Flag
from ganbench.scoring.row import Row
from ganbench.scoring.scorecard import Scorecard

AFD, FD = "afd[yolo-nano]", "fd[lite0]"
ROSTER = [
    Person("b10901001", "王小明"),
    Person("b10901002", "陳怡君"),
    Person("b10901003", "陳怡君"),
    Person("B10901004", "Ann Lee"),
]
CONFIG = ClassConfig(roster="roster.csv", id=r"(b\d{8})")


def put(folder: Path, *names: str, mtime: float = 0.0) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"\x1f\x8b")
        os.utime(path, (mtime, mtime))


def taken(folder: Path, config: ClassConfig = CONFIG) -> dict[str, str]:
    return {key: one.unit.label for key, one in collect(folder, ROSTER, config, ()).taken.items()}


# --- class.toml and the roster ---


def test_the_least_class_is_the_assignment(tmp_path: Path) -> None:
    (tmp_path / "class.toml").write_text('roster = "roster.csv"\nid = "(b\\\\d{8})"\n', "utf-8")
    config = load_class(tmp_path / "class.toml")
    assert config.roster == str(tmp_path / "roster.csv")
    assert [(tier.name, tier.points, tier.gates) for tier in config.tiers] == [
        ("simple", 1.0, {"afd": 0.0}), ("medium", 2.0, {"afd": 0.4}), ("strong", 3.0, {"afd": 0.5}),
        ("boss", 4.0, {"afd": 0.6}),
    ]  # fmt: skip
    assert (config.asked.count, config.asked.size, config.asked.max_bytes) == (1000, (64, 64), 2_000_000)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('rooster = "r.csv"', "Did you mean 'roster'?"),
        ('roster = "r.csv"\ndeadline = 2026-01-05T23:59:59+08:00', "Did you mean 'late.deadline'?"),
        ('roster = "r.csv"\n[late]\nper_dya = 0.1', "Did you mean 'per_day'?"),
        ('roster = "r.csv"\n[rules]\ncuont = 5', "count"),
        ('roster = "r.csv"\n[late]\ndeadline = 2026-01-05T23:59:59', "time zone"),
        ('roster = "r.csv"\nid = "(b(1)"', "no regular expression"),
        ('roster = "r.csv"\nid = "(a)(b)"', "2 groups"),
        ('roster = "r.csv"\n[[tiers]]\nname = "x"\npoints = 1\ngates = { adf = 0.5 }', "no metric"),
        ('id = "(b\\\\d)"', "roster"),
        ("roster = [", "cannot be read"),
        ('roster = "r.csv"\ntiers = 3', "tiers"),
    ],
)
def test_a_wrong_class_is_refused_with_what_was_meant(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "class.toml").write_text(text + "\n", "utf-8")
    with pytest.raises(GanbenchError, match=said.replace("(", r"\(").replace("?", r"\?")) as e:
        load_class(tmp_path / "class.toml")
    assert str(e.value).startswith(str(tmp_path / "class.toml"))
    assert "\n" not in str(e.value)


@pytest.mark.parametrize(
    "data", ["id,name\nb1,王\n\nb2,\n".encode(), b"\xef\xbb\xbf" + "ID;Name;x\nb1;王;\nb2;;\n".encode()]
)
def test_a_roster_is_read_with_and_without_a_mark_in_front(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "r.csv").write_bytes(data)
    assert read_roster(tmp_path / "r.csv") == [Person("b1", "王"), Person("b2", "")]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"id,name\nb1,A\nb2\n", "line 3 has 1 cells"),
        (b'id,name\nb1,"A\nB"\nb1,C\n', "line 4: 'b1' again; it is on line 2"),
        (b"id,name\nb1,A\n,B\n", "line 3: no id for 'B'"),
        (b"id,name\n../b1,A\n", "line 2: '../b1' is no id"),
        ("id,name\nb1,王\n".encode("big5"), "line 2 is not UTF-8"),
        (b"student,name\nb1,A\n", "line 1: one column has to be called 'id'"),
        (b"id,name\n", "nobody"),
        (b"", "empty"),
        (b'id,name\nb1,"A\n', "line 2"),
        (b"id,name\nx1,A\n", "line 2: 'x1' does not match"),
    ],
)
def test_a_wrong_line_of_a_roster_is_named(tmp_path: Path, data: bytes, said: str) -> None:
    (tmp_path / "r.csv").write_bytes(data)
    with pytest.raises(GanbenchError) as e:
        read_roster(tmp_path / "r.csv", r"b\d+")
    assert said in str(e.value)


# --- whose is whose ---


def test_ids_are_found_in_names_of_files_and_folders(tmp_path: Path) -> None:
    put(tmp_path, "hw6_B10901001.tgz", "b10901002/work/mine.zip", "b10901004_x/notes.txt", "b109010012.tgz", "none.tgz")
    put(tmp_path, "b10901003/a.png", "b10901003/b.png", ".hidden_b10901001.tgz", "__MACOSX/b10901001.tgz")
    found = collect(tmp_path, ROSTER, CONFIG, ())
    assert taken(tmp_path) == {
        "b10901001": "hw6_B10901001.tgz", "b10901002": "b10901002/work/mine.zip", "b10901003": "b10901003",
        "b10901004": "b10901004_x/notes.txt",
    }  # fmt: skip
    assert not found.taken["b10901004"].unit.holds
    assert dict(found.strays) == {"b109010012.tgz": "no id in its name", "none.tgz": "no id in its name"}


def test_without_a_pattern_the_rosters_own_ids_are_looked_for(tmp_path: Path) -> None:
    put(tmp_path, "final b10901001.tgz")
    assert taken(tmp_path, ClassConfig(roster="r")) == {"b10901001": "final b10901001.tgz"}


def test_an_id_that_is_a_word_does_not_stand_in_a_longer_one(tmp_path: Path) -> None:
    put(tmp_path, "johanna.zip", "planning.tgz", "hw6_Ann.tgz", "王小明bob1.tgz")
    roster = [Person("ann", "Ann Lee"), Person("bob1", "Bob")]
    found = collect(tmp_path, roster, ClassConfig(roster="r"), ())
    assert {key: one.unit.label for key, one in found.taken.items()} == {"ann": "hw6_Ann.tgz", "bob1": "王小明bob1.tgz"}
    assert sorted(label for label, _ in found.strays) == ["johanna.zip", "planning.tgz"]


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


def test_the_export_is_believed_before_what_a_student_chose(tmp_path: Path) -> None:
    put(tmp_path, "王小明_123_assignsubmission_file_/hw6_b10901002.tgz", "Ann Lee_124_assignsubmission_file_/x.tgz")
    put(tmp_path, "陳怡君_125_assignsubmission_file_/b10901003.tgz", "陳怡君_126_assignsubmission_file_/x.tgz")
    found = collect(tmp_path, ROSTER, CONFIG, ())
    assert found.export == "moodle"
    assert {key: one.unit.parts[0][:7] for key, one in found.taken.items()} == {
        "b10901001": "王小明_123", "b10901004": "Ann Lee", "b10901003": "陳怡君_125",
    }  # fmt: skip
    assert found.taken["b10901001"].note == "its name holds the id of b10901002"
    assert "no id says which" in dict(found.strays)["陳怡君_126_assignsubmission_file_/x.tgz"]


def test_gradescope_says_whose_it_is_and_when_it_came(tmp_path: Path) -> None:
    (tmp_path / METADATA).write_text(
        "submission_11:\n  :submitters:\n  - :name: Somebody\n    :sid: b10901001\n    :email: x@y.z\n"
        "  :created_at: 2026-01-05 16:30:00.123456000 Z\nsubmission_12:\n  :submitters:\n  - :name: 陳怡君\n"
        "    :email: b10901002@school.edu\n  :created_at: 2026-01-05 15:00:00 Z\n",
        "utf-8",
    )
    put(tmp_path, "submission_11/work.tgz", "submission_12/b10901001.tgz", "submission_12/submission_metadata.yml")
    config = CONFIG.model_copy(update={"late": LateSection(deadline="2026-01-05T23:59:59+08:00")})
    found = collect(tmp_path, ROSTER, config, ())
    assert found.taken["b10901001"].late.text == "yes: 31 min (submission_metadata.yml)"
    assert found.taken["b10901002"].late.text == "no"
    assert found.taken["b10901002"].note == "its name holds the id of b10901001"


@pytest.mark.parametrize(
    "text", ["[" * 5000, "a: &x [*x]\n", "- 1\n", "s:\n  :submitters: 3\n", "a: !!python/object:os.system {}\n", "\0"]
)
def test_hostile_metadata_end_in_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / METADATA).write_text(text, "utf-8")
    with pytest.raises(GanbenchError) as e:
        Export(tmp_path, [], "auto")
    assert METADATA in str(e.value)
    assert "\n" not in str(e.value)


def test_canvas_marks_what_is_late_and_counts_uploads(tmp_path: Path) -> None:
    put(tmp_path, "王小明_31_700_hw6_b10901001.tgz", "王小明_LATE_31_801_hw6_b10901001-1.tgz", mtime=9.0)
    put(tmp_path, "annlee_32_702_work.tgz", mtime=1e10)
    found = collect(tmp_path, ROSTER, CONFIG, ())
    assert found.export == "canvas"
    assert found.taken["b10901001"].unit.label.startswith("王小明_LATE")
    assert found.taken["b10901001"].late == Lateness(True, 1, "yes (the export's mark)")
    assert (
        found.taken["b10901004"].late.text == "no"
    )  # of its file's time, which is that of the download, nothing is believed
    put(tmp_path, "b10901002_LATE_.tgz")
    assert collect(tmp_path, ROSTER, CONFIG, ()).export == "plain"


def test_the_latest_counts_and_the_latest_in_time_if_that_is_the_rule(tmp_path: Path) -> None:
    put(tmp_path, "a_b10901001.tgz", mtime=1000.0)
    put(tmp_path, "b_b10901001.tgz", mtime=3000.0)
    put(tmp_path, "c_b10901001.txt", mtime=9000.0)
    late = LateSection(deadline=datetime.fromtimestamp(2000, timezone.utc))
    assert taken(tmp_path, CONFIG.model_copy(update={"late": late})) == {"b10901001": "b_b10901001.tgz"}
    in_time = CONFIG.model_copy(update={"late": late, "take": "latest-in-time"})
    assert taken(tmp_path, in_time) == {"b10901001": "a_b10901001.tgz"}


@pytest.mark.skipif(sys.platform != "linux", reason="other systems take no such names")
def test_names_that_are_not_utf8_and_links_that_lead_out(tmp_path: Path) -> None:
    folder = tmp_path / "class"
    folder.mkdir()
    name = os.fsencode(folder) + b"/b10901001_\xa4\x40.tgz"
    Path(os.fsdecode(name)).write_bytes(b"x")
    (tmp_path / "secret.tgz").write_bytes(b"x")
    (folder / "b10901002.tgz").symlink_to(tmp_path / "secret.tgz")
    found = collect(folder, ROSTER, CONFIG, ())
    assert list(found.taken) == ["b10901001"]
    assert found.strays == [("b10901002.tgz", "a link that leads out of the folder")]


def test_a_folder_that_is_none_is_refused(tmp_path: Path) -> None:
    put(tmp_path, "class.zip")
    with pytest.raises(GanbenchError, match="unpack the export first"):
        find_units(tmp_path / "class.zip")


# --- late ---


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


# --- aliases ---


def test_aliases_are_stable_different_and_of_no_use_without_the_secret(tmp_path: Path) -> None:
    keys = [f"b{n:08}" for n in range(5000)]
    found = aliases(keys, "a long secret")
    assert found == aliases(reversed(keys), "a long secret")
    assert len(set(found.values())) == 5000
    assert found["b00000001"] != aliases(keys, "another secret")["b00000001"]
    made, said = secret_of(None, tmp_path / "class.toml")
    assert "class.secret" in said
    assert secret_of(None, tmp_path / "class.toml") == (made, "")
    (tmp_path / "class.secret").write_text("", "utf-8")
    with pytest.raises(GanbenchError, match="no secret"):
        secret_of(None, tmp_path / "class.toml")


# --- what work earns ---


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


# --- boards and pages ---


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


def test_an_unknown_id_is_refused_before_the_work(tmp_path: Path) -> None:
    from ganbench.grade.run import grade

    (tmp_path / "roster.csv").write_text("id,name\nb10901001,A\n", "utf-8")
    (tmp_path / "class.toml").write_text('roster = "roster.csv"\n', "utf-8")
    with pytest.raises(UnknownName, match="Did you mean 'b10901001'"):
        grade(tmp_path, tmp_path / "class.toml", tmp_path / "out", only=["b10901002"], plans={})
    assert np.array_equal(sorted(path.name for path in tmp_path.iterdir()), ["class.toml", "roster.csv"])
