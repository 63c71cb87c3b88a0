"""Temporaries of killed processes are removed, those of living ones never."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ganbench.system import leftovers
from ganbench.system.cache import Cache
from ganbench.system.leftovers import sweep, temporary_folder, temporary_path
from ganbench.system.storage import atomic_write

_WRITE = """
import sys, time
from pathlib import Path
from ganbench.system.storage import atomic_write
with atomic_write(Path(sys.argv[1])) as f:
    f.write(bytes(1000))
    f.flush()
    print("writing", flush=True)
    time.sleep(600)
"""


def _writer(path: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen([sys.executable, "-c", _WRITE, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "writing\n"
    return process


def test_a_killed_writer_is_swept_up_after_and_a_living_one_is_not(tmp_path: Path) -> None:
    killed, living = _writer(tmp_path / "card.json"), _writer(tmp_path / "card.json")
    try:
        killed.send_signal(signal.SIGKILL)  # not waited for: it is there still, but dead
        while len(list(tmp_path.glob(".*.tmp"))) > 1:
            sweep(tmp_path)
            time.sleep(0.01)
        (kept,) = tmp_path.glob(".*.tmp")
        assert f"-{living.pid}-" in kept.name
        with atomic_write(tmp_path / "card.json") as f:
            f.write(b"x")
        assert kept.exists()
    finally:
        for process in (killed, living):
            process.kill()
            process.wait()
    time.sleep(1)  # a folder is looked through at most once a second
    with atomic_write(tmp_path / "card.json") as f:
        f.write(b"y")
    assert [path.name for path in tmp_path.iterdir()] == ["card.json"]


def _name(machine: str, process: int, start: int) -> str:
    return f".file.{machine}-{process}-{start}-{'0' * 16}.tmp"


def test_who_is_who(tmp_path: Path) -> None:
    """By process, start and machine; where nobody here can tell, by age."""
    own = temporary_path(tmp_path / "file").name.split(".")[2]
    here, process, start, _ = own.split("-")
    mine = _name(here, int(process), int(start))
    reused = _name(here, int(process), int(start) + 1)
    elsewhere, long_ago = _name("0" * 8, 1, 5), _name("0" * 8, 2, 5)
    old, older = f".old.{'0' * 16}.tmp", f".older.{'0' * 16}.tmp"
    others = ["file", ".hidden", ".vim.tmp", "x.tmp", f".{'0' * 16}.tmp.png"]
    for name in (mine, reused, elsewhere, long_ago, old, older, *others):
        (tmp_path / name).touch()
    for name in (long_ago, older, *others):
        os.utime(tmp_path / name, (time.time() - 90_000,) * 2)
    (tmp_path / _name("0" * 8, 3, 5)).symlink_to(tmp_path / "nowhere")
    sweep(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {
        mine, elsewhere, old, _name("0" * 8, 3, 5), *others,
    }  # fmt: skip


def test_links_are_removed_and_not_followed(tmp_path: Path) -> None:
    here = temporary_path(tmp_path / "file").name.split(".")[2].split("-")[0]
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "file").touch()
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / _name(here, 2**22 + 1, 1)).symlink_to(tmp_path / "outside")  # above all numbers of processes
    sweep(tmp_path / "in")
    assert list((tmp_path / "in").iterdir()) == []
    assert (tmp_path / "outside" / "file").exists()


def test_a_system_that_does_not_tell_starts_goes_by_age(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leftovers, "_started", lambda process: 0)
    path = temporary_path(tmp_path / "file")
    path.touch()
    sweep(tmp_path)
    assert path.exists()
    os.utime(path, (time.time() - 90_000,) * 2)
    sweep(tmp_path)
    assert not path.exists()


def test_a_cache_is_swept_whenever_it_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANBENCH_HOME", str(tmp_path))
    cache = Cache("things", "a thing", 1 << 20)
    for key in "abc":
        cache.keep(key, b"x")
        assert not list(cache.folder().glob(".*.tmp"))
        process = _writer(cache.path("a"))
        process.kill()
        process.wait()
        assert list(cache.folder().glob(".*.tmp"))
    cache.keep("d", b"x")
    assert {path.name for path in cache.folder().iterdir()} == {f"{key}.cache" for key in "abcd"}


def test_names_as_long_as_a_file_system_allows(tmp_path: Path) -> None:
    for name in ("x" * 255, "\u4e2d" * 85):
        with atomic_write(tmp_path / name) as f:
            f.write(b"x")
    assert len(list(tmp_path.iterdir())) == 2


def test_a_temporary_folder_goes_unless_it_is_renamed(tmp_path: Path) -> None:
    with temporary_folder(tmp_path / "a") as folder:
        (folder / "x").touch()
    assert list(tmp_path.iterdir()) == []
    with temporary_folder(tmp_path / "a") as folder:
        folder.rename(tmp_path / "a")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
