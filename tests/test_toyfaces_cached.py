"""Toy faces in the cache: drawn once, never used half, drawn anew when they are not what they should be."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from waiting import wait_for

from ganbench.errors import GanbenchError
from ganbench.images.sources import open_source
from ganbench.toyfaces import cached, write_toyfaces
from ganbench.toyfaces.cached import cached_toyfaces


def _count_drawings(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    drawings: list[Path] = []
    monkeypatch.setattr(cached, "write_toyfaces", lambda out, *rest: drawings.append(out) or write_toyfaces(out, *rest))
    return drawings


def test_the_second_time_nothing_is_drawn(tmp_path: Path, ganbench_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawings = _count_drawings(monkeypatch)
    said: list[str] = []
    first = cached_toyfaces(32, 6, say=said.append)
    before = open_source(first).digest()
    assert cached_toyfaces(32, 6, say=said.append) == first
    assert len(drawings) == 1
    assert open_source(first).digest() == before
    assert first.is_relative_to(ganbench_home / "cache")
    assert "6 toy faces of 32x32 pixels, drawn now, once, into" in said[0]
    assert "drawn before, in" in said[1]
    assert all(str(first) in text for text in said)
    write_toyfaces(tmp_path / "same", 6, 32)
    for path in (tmp_path / "same").iterdir():
        assert (first / path.name).read_bytes() == path.read_bytes()


def test_sizes_counts_and_seeds_have_folders_of_their_own() -> None:
    folders = {cached_toyfaces(32, 3), cached_toyfaces(64, 3), cached_toyfaces(32, 4), cached_toyfaces(32, 3, 1)}
    assert len(folders) == 4


@pytest.mark.parametrize("name", ["2.png", "attributes.csv", "SHA256"])
@pytest.mark.parametrize("damage", ["cut", "gone"])
def test_a_damaged_folder_is_drawn_anew(name: str, damage: str, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = cached_toyfaces(32, 3)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    if damage == "gone":
        (folder / name).unlink()
    else:
        (folder / name).write_bytes(before[name][:20])
    drawings = _count_drawings(monkeypatch)
    assert cached_toyfaces(32, 3) == folder
    assert len(drawings) == 1
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_faces_that_would_be_drawn_otherwise_today_are_drawn_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = cached_toyfaces(32, 3)
    drawings = _count_drawings(monkeypatch)
    monkeypatch.setattr(cached, "draw_face", lambda face, size: 0)
    cached_toyfaces(32, 3)
    assert len(drawings) == 1
    assert folder.is_dir()


def test_a_killed_drawing_is_never_used_and_swept_away_later(ganbench_home: Path) -> None:
    code = "from ganbench.toyfaces.cached import cached_toyfaces; cached_toyfaces(32, 100_000)"
    drawing = subprocess.Popen([sys.executable, "-c", code])
    place = ganbench_home / "cache" / "toyfaces"
    wait_for(lambda: list(place.glob(".*.tmp/3.png")))
    drawing.send_signal(signal.SIGKILL)
    drawing.wait()
    (half,) = place.iterdir()
    assert half.name.startswith(".")
    assert (half / "3.png").is_file()
    whole = cached_toyfaces(32, 3)
    assert set(place.iterdir()) == {whole}
    assert len(open_source(whole)) == 3


def test_a_drawing_that_fails_leaves_nothing(ganbench_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(out: Path, *rest: object) -> None:
        (out / "1.png").touch()
        raise KeyboardInterrupt

    monkeypatch.setattr(cached, "write_toyfaces", interrupted)
    with pytest.raises(KeyboardInterrupt):
        cached_toyfaces(32, 3)
    assert list((ganbench_home / "cache" / "toyfaces").iterdir()) == []


def test_of_two_that_draw_at_once_the_first_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    def slower(out: Path, *rest: int) -> None:
        monkeypatch.setattr(cached, "write_toyfaces", write_toyfaces)
        theirs.append(cached_toyfaces(32, 3))  # the other process, from beginning to end
        times.append((theirs[0] / "1.png").stat().st_mtime_ns)
        write_toyfaces(out, *rest)

    theirs: list[Path] = []
    times: list[int] = []
    monkeypatch.setattr(cached, "write_toyfaces", slower)
    ours = cached_toyfaces(32, 3)
    assert theirs == [ours]
    assert (ours / "1.png").stat().st_mtime_ns == times[0]
    assert set(ours.parent.iterdir()) == {ours}


def test_without_a_cache_the_faces_are_drawn_for_this_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = cached_toyfaces(32, 3)
    (tmp_path / "file").touch()
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("GANBENCH_HOME", str(tmp_path / "file"))
    monkeypatch.setattr(cached.tempfile, "tempdir", str(tmp_path / "tmp"))
    at_the_end: list[Callable[[], None]] = []
    monkeypatch.setattr(cached.atexit, "register", at_the_end.append)
    said: list[str] = []
    folder = cached_toyfaces(32, 3, say=said.append)
    assert "cannot be kept for the next time: cannot write" in said[-1]
    assert open_source(folder).digest() == open_source(whole).digest()
    assert folder.parent == tmp_path / "tmp"
    at_the_end[0]()
    assert list((tmp_path / "tmp").iterdir()) == []
    monkeypatch.setattr(cached.tempfile, "tempdir", str(tmp_path / "file"))
    with pytest.raises(GanbenchError, match="no place for toy faces: .*Give images with --data"):
        cached_toyfaces(32, 3)
    with pytest.raises(GanbenchError, match="at least 16 pixels"):
        cached_toyfaces(8, 3)
