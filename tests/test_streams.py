"""Standard output that cannot take what is printed, and answers in JSON also on failure."""

from __future__ import annotations

import csv
import io
import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from synthetic_runs import make_card

from ganbench.cli.app import app, main
from ganbench.errors import GanbenchError
from ganbench.system.outputs import check_outputs
from ganbench.system.storage import atomic_write
from ganbench.system.text import visible

RANKED = {"fd[lite0]": (2.0, 1.0, 3.0), "afd[yolo-nano]": (0.6, 0.5, 0.7)}
needs_full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")


@pytest.fixture
def cards(tmp_path: Path) -> list[str]:
    """Return scorecards of a class: one with a Chinese name, two whose names are no UTF-8 and differ in a byte."""
    found = []
    for raw in ("王小明的期末報告.json".encode(), b"\xa4G.json", b"\xa4H.json", b"\xa5G.json"):
        path = tmp_path / os.fsdecode(raw)
        try:
            make_card(RANKED).write(json_file=path)
        except GanbenchError:
            pytest.skip("the file system takes no such name")
        found.append(str(path))
    return found


def run(*arguments: str, **options: object) -> subprocess.CompletedProcess[bytes]:
    given = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "check": False} | options
    return subprocess.run([sys.executable, "-m", "ganbench", *arguments], **given)  # type: ignore[call-overload]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("settings", "encoding"),
    [
        ({"PYTHONIOENCODING": "ascii"}, "ascii"),
        ({"PYTHONIOENCODING": "cp1252"}, "cp1252"),
        ({"PYTHONIOENCODING": "latin-1:strict"}, "latin-1"),
        ({"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, "ascii"),
    ],
    ids=["ascii", "cp1252", "latin-1", "C"],
)
def test_numbers_are_printed_whatever_the_encoding(settings: dict[str, str], encoding: str, cards: list[str]) -> None:
    done = run("leaderboard", *cards, env=os.environ | settings)
    text = done.stdout.decode(encoding)
    assert done.returncode == 0, done.stderr
    assert done.stderr == b""
    for piece in ("[lite0] v", "boss", r"\xa4G.json", r"\xa4H.json", r"\xa5G.json"):
        assert piece in text


@pytest.mark.slow
def test_documents_are_utf8_and_names_stay_apart(cards: list[str], tmp_path: Path) -> None:
    files = [tmp_path / f"board.{ending}" for ending in ("csv", "md", "tex", "json")]
    named = zip(("csv", "markdown", "latex", "json"), files, strict=True)
    options = [part for name, file in named for part in (f"--{name}", str(file))]
    ascii_only = os.environ | {"PYTHONIOENCODING": "ascii"}
    assert run("leaderboard", *cards, *options, env=ascii_only).returncode == 0
    names = {"王小明的期末報告.json", r"\xa4G.json", r"\xa4H.json", r"\xa5G.json"}
    with files[0].open(encoding="utf-8") as f:
        assert {row["name"] for row in csv.DictReader(f)} == names
    for file in files[1:3]:
        shown = file.read_text("utf-8").replace(r"\textbackslash{}", "\\").replace("\\\\", "\\")
        assert all(name in shown for name in names), file
    boards = json.loads(files[3].read_text("utf-8"))["boards"]
    assert {entry["name"] for entry in boards[0]["entries"]} == names
    printed = run("leaderboard", *cards, "--json", "-", env=ascii_only).stdout
    assert json.loads(printed.decode("ascii"))["boards"] == boards
    markdown = run("leaderboard", *cards, "--markdown", "-", env=ascii_only)
    assert markdown.stdout == files[1].read_bytes()
    assert b"fd" in markdown.stderr  # what people read


@needs_full
@pytest.mark.slow
def test_a_full_disk_is_told_before_the_work(cards: list[str]) -> None:
    with Path("/dev/full").open("wb") as full:
        for arguments in (("leaderboard", *cards), ("recipes", "list", "--json")):
            done = run(*arguments, stdout=full)
            assert done.returncode == 2
            assert done.stderr.decode().startswith("ganbench: cannot write to standard output: No space left on device")
            assert done.stderr.count(b"\n") == 1
    done = run("leaderboard", *cards, "--csv", "/dev/full")
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.decode() == "ganbench: cannot write /dev/full: No space left on device. Choose another place.\n"
    assert stat.S_ISCHR(Path("/dev/full").stat().st_mode)


@pytest.mark.slow
def test_a_reader_that_leaves_is_no_error(cards: list[str]) -> None:
    for arguments in (("recipes", "show", "wgan"), ("leaderboard", *cards)):
        reading, writing = os.pipe()
        os.close(reading)
        done = run(*arguments, stdout=writing)
        os.close(writing)
        assert (done.returncode, done.stderr) == (0, b"")


@needs_full
def test_devices_are_written_to_and_not_replaced() -> None:
    with atomic_write(Path("/dev/null"), "w") as f:
        f.write("x")
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)
    with (
        pytest.raises(GanbenchError, match="cannot write /dev/full: No space left"),
        atomic_write(Path("/dev/full")) as f,
    ):
        f.write(b"x")
    assert stat.S_ISCHR(Path("/dev/full").stat().st_mode)


def test_a_name_as_long_as_names_may_be_can_be_written(tmp_path: Path) -> None:
    path = tmp_path / ("顔" * 83 + ".csv")
    with atomic_write(path, "w") as f:
        f.write("\udca4")  # came here by a way of its own: escaped, not lost
    assert path.read_text("utf-8") == r"\xa4"


def test_two_outputs_never_go_to_one_place(tmp_path: Path) -> None:
    dash, file = Path("-"), tmp_path / "a"
    check_outputs(dash, None, file)
    for given in ({"files": (dash, dash)}, {"files": (file, file)}, {"files": (dash,), "taken": True}):
        with pytest.raises(GanbenchError, match="two outputs would go to"):
            check_outputs(*given.pop("files"), **given)
    with pytest.raises(GanbenchError, match="only texts"):
        check_outputs(binary=(dash,))


def _answer(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> tuple[int, str, str]:
    """Run a command line in this process; returns exit code, standard output and standard error."""
    monkeypatch.setattr(sys, "argv", ["ganbench", *arguments])
    with pytest.raises(SystemExit) as end:
        main()
    out, err = capfd.readouterr()
    return int(end.value.code or 0), out, err


def _with_json() -> list[tuple[list[str], bool]]:
    """Return every command that has ``--json``, and whether it names a file."""
    found = []

    def walk(command: object, path: list[str]) -> None:
        for name, child in getattr(command, "commands", {}).items():
            walk(child, [*path, name])
        for option in getattr(command, "params", ()):
            if "--json" in option.opts:
                found.append((path, not option.is_flag))

    walk(typer.main.get_command(app), [])
    return found


@pytest.mark.parametrize(
    ("command", "names_file"), _with_json(), ids=lambda value: " ".join(value) if isinstance(value, list) else ""
)
def test_every_command_answers_a_mistake_in_json(
    command: list[str], names_file: bool, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    code, out, err = _answer(
        [*command, "--json", *(["-"] if names_file else []), "--no-\x1b[31m-such"], monkeypatch, capfd
    )
    error = json.loads(out)["error"]
    assert (error["kind"], error["exit_code"], code) == ("UsageError", 2, 2)
    assert visible(error["text"]).startswith(r"No such option: --no-\x1b[31m-such")
    assert err.startswith(r"ganbench: No such option: --no-\x1b[31m-such")
    assert err.count("\n") == 1


def test_without_json_a_failure_leaves_standard_output_empty(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for arguments in (
        ["score", "absent"],
        ["score", "absent", "--json", str(tmp_path / "a.json")],
        ["data", "check", "x"],
    ):
        code, out, err = _answer(arguments, monkeypatch, capfd)
        assert (code, out) == (2, "")
        assert err.count("\n") == 1
    assert not (tmp_path / "a.json").exists()


def test_a_failure_in_the_work_is_answered(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], image_folder: Path
) -> None:
    code, out, err = _answer(["score", "ab\nsent", "--json", "-"], monkeypatch, capfd)
    assert code == 2
    assert json.loads(out) == {
        "error": {"kind": "SourceError", "text": "ab\nsent: no such file or folder", "exit_code": 2}
    }
    assert err == "ganbench: ab\\nsent: no such file or folder\n"
    code, out, err = _answer(["data", "check", str(image_folder), "--json"], monkeypatch, capfd)
    assert code == 1
    assert {rule["ok"] for rule in json.loads(out)} == {True, False}  # the answer itself, not a second one
    assert "not a valid submission" in err


def test_a_fault_of_ours_is_answered_and_keeps_its_traceback(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("ganbench.training.recipe.recipe_names", None)
    monkeypatch.setattr(sys, "argv", ["ganbench", "recipes", "list", "--json"])
    with pytest.raises(TypeError):
        main()
    assert json.loads(capfd.readouterr().out)["error"]["kind"] == "InternalError"


def test_csv_on_standard_output_leaves_the_rest_to_standard_error(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], image_folder: Path, tmp_path: Path
) -> None:
    (image_folder / "1.jpg").rename(image_folder / ("x" * 251 + ".jpg"))  # with .png behind it longer than names may be
    drawn = tmp_path / "drawn"
    code, out, err = _answer(["detect", str(image_folder), "--csv", "-", "--draw", str(drawn)], monkeypatch, capfd)
    assert len(list(drawn.iterdir())) == 12
    assert code == 0
    assert list(csv.reader(io.StringIO(out))) == [["name", "score", "x0", "y0", "x1", "y1"]]
    assert err.startswith("AFD 0.0000")
