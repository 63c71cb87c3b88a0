"""Files are written whole or not at all."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from ganbench.errors import CannotWrite, GanbenchError, UnknownName
from ganbench.references.library import installed_references
from ganbench.registry import Registry
from ganbench.system import outputs, storage
from ganbench.system.assets import ASSETS, find
from ganbench.system.cache import Cache


def test_atomic_write_replaces_the_file_only_at_the_end(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "file.txt"
    with storage.atomic_write(target, "w") as f:
        f.write("first")
    with storage.atomic_write(target, "w") as f:
        f.write("second")
        f.flush()
        assert target.read_text() == "first"
    assert target.read_text() == "second"
    assert [p.name for p in target.parent.iterdir()] == ["file.txt"]


def test_places_that_cannot_be_written_are_found_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    outputs.check_outputs(
        None, Path("-"), tmp_path / "file", tmp_path / "new" / "deep" / "card.json", folders=(None, tmp_path / "folder")
    )
    assert {path.name for path in tmp_path.iterdir()} == {"file", "folder"}
    with pytest.raises(GanbenchError, match=r"cannot write .*folder: it is a folder. Name a file in it"):
        outputs.check_outputs(tmp_path / "new.csv", tmp_path / "folder")
    for places in ({"folders": (tmp_path / "file",)}, {"folders": (tmp_path / "file" / "deep",)}):
        with pytest.raises(GanbenchError, match=r"cannot write .*: .*file is a file, not a folder"):
            outputs.check_outputs(**places)
    with pytest.raises(GanbenchError, match=r"cannot write .*card\.json: .*file is a file, not a folder"):
        outputs.check_outputs(tmp_path / "file" / "deep" / "card.json")
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write everywhere
    with pytest.raises(GanbenchError, match=r"no permission to write into .*folder\."):
        outputs.check_outputs(tmp_path / "folder" / "card.json")


def test_an_error_inside_the_block_keeps_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "file.bin"
    target.write_bytes(b"old")
    with pytest.raises(ZeroDivisionError), storage.atomic_write(target) as f:
        f.write(b"half")
        raise ZeroDivisionError
    assert target.read_bytes() == b"old"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_full_disk_is_one_clear_error_and_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "file.bin"
    target.write_bytes(b"old")

    def full(fd: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(storage.os, "fsync", full)
    with (
        pytest.raises(GanbenchError, match=r"cannot write .*file\.bin: No space left"),
        storage.atomic_write(target) as f,
    ):
        f.write(b"new")
    assert target.read_bytes() == b"old"
    assert len(list(tmp_path.iterdir())) == 1


def test_home_variable_moves_assets_and_caches(ganbench_home: Path) -> None:
    assert storage.data_dir().is_relative_to(ganbench_home)
    assert storage.cache_dir().is_relative_to(ganbench_home)


@pytest.mark.parametrize("answer", ["~/{}", None])
def test_a_user_without_a_home_has_no_assets_and_is_told_what_helps(
    answer: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def find_home(name: str) -> str:
        if answer is None:
            raise RuntimeError("could not determine the home directory")
        return answer.format(name)

    def no_home(path: Path) -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("GANBENCH_HOME")
    for name in ("XDG_CACHE_HOME", "TORCH_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(storage.platformdirs, "user_data_dir", find_home)
    monkeypatch.setattr(storage.platformdirs, "user_cache_dir", find_home)
    monkeypatch.setattr(Path, "expanduser", no_home)
    for place in (storage.data_dir, storage.cache_dir, lambda: ASSETS["inception"].path):
        with pytest.raises(CannotWrite, match="no home folder to keep files in. Set GANBENCH_HOME"):
            place()
    assert storage.data_dirs() == []
    assert find("inception") is None
    assert [path.parent.name for path in installed_references()] != []


def test_registry_suggests_the_near_name() -> None:
    registry: Registry[int] = Registry("metric")
    registry.add("precision", 1)
    with pytest.raises(UnknownName, match="unknown metric 'presicion'. Did you mean 'precision'?"):
        registry["presicion"]
    with pytest.raises(ValueError, match="registered twice"):
        registry.add("precision", 2)


def test_the_least_recently_used_go_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANBENCH_HOME", str(tmp_path))
    cache = Cache("things", "a thing", 3000)
    for age, key in enumerate("abc"):
        cache.keep(key, bytes(1000))
        os.utime(cache.path(key), (100 + age, 100 + age))
    assert {path.stem for path in cache.folder().iterdir()} == {"b", "c"}
    assert cache.load("b", lambda content: bytes(content.payload)) == bytes(1000)  # used: now the younger one
    cache.keep("d", bytes(1000))
    assert {path.stem for path in cache.folder().iterdir()} == {"b", "d"}
