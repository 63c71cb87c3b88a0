"""A class is graded: whose is whose, what is late, and under which name."""

from __future__ import annotations

import os
import sys
from datetime import datetime, timezone
from pathlib import Path

import numpy as np
import pytest

from ganbench.errors import GanbenchError, UnknownName
from ganbench.grade.aliases import aliases, secret_of
from ganbench.grade.config import ClassConfig, LateSection, load_class
from ganbench.grade.exports import Export
from ganbench.grade.handed_in import collect
from ganbench.grade.lateness import Lateness
from ganbench.grade.roster import Person, read_roster
from ganbench.grade.units import METADATA, find_units

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
        ('roster = "r.csv"\n[private]\ncleared = ["b1"]', "top of the file, above every"),
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
    assert not found.note
    put(tmp_path, "b10901002_LATE_.tgz")
    mixed = collect(tmp_path, ROSTER, CONFIG, ())
    assert mixed.export == "plain"
    assert mixed.note.startswith(
        "1 name carries the mark LATE of Canvas (NTU COOL), which is not read in a plain export"
    )


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


def test_an_unknown_id_is_refused_before_the_work(tmp_path: Path) -> None:
    from ganbench.grade.run import grade

    (tmp_path / "roster.csv").write_text("id,name\nb10901001,A\n", "utf-8")
    (tmp_path / "class.toml").write_text('roster = "roster.csv"\n', "utf-8")
    with pytest.raises(UnknownName, match="Did you mean 'b10901001'"):
        grade(tmp_path, tmp_path / "class.toml", tmp_path / "out", only=["b10901002"], plans={})
    assert np.array_equal(sorted(path.name for path in tmp_path.iterdir()), ["class.toml", "roster.csv"])
