"""Too little address space ends in one line, not in a segmentation fault or a traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ganbench.system import headroom

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits of the address space are Linux's")


def run(limit_mb: int, *arguments: str, home: Path) -> subprocess.CompletedProcess[str]:
    command = f'ulimit -v {limit_mb << 10}; exec "$0" -m ganbench "$@"'
    return subprocess.run(
        ["bash", "-c", command, sys.executable, *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, "GANBENCH_HOME": str(home)},
        check=False,
    )


@pytest.mark.slow
@pytest.mark.parametrize("limit", [200, 400, 700, 900])
@pytest.mark.parametrize("command", [["detect"], ["recipes", "list"]])
def test_a_low_limit_is_one_line(limit: int, command: list[str], image_folder: Path, tmp_path: Path) -> None:
    arguments = [*command, str(image_folder)] if command == ["detect"] else command
    done = run(limit, *arguments, home=tmp_path)
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith(f"ganbench: this process may use {limit} MB of address space, and ")
    assert "ulimit -v 4194304" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.slow
def test_pytorch_that_does_not_fit_is_one_line(tmp_path: Path) -> None:
    least = 500 + 300 * headroom.available_cores()
    done = run(
        max(2000, least),
        *["gradnorm", "--variant", "dcgan", "--preset", "smoke", "--steps", "2", "--out"],
        str(tmp_path / "out"),
        home=tmp_path,
    )
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("ganbench: out of memory (")
    assert len(done.stderr.strip().splitlines()) == 1
    assert run(100, "--help", home=tmp_path).returncode == 0


def test_which_errors_say_that_memory_has_run_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(headroom, "address_space", lambda: None)
    assert headroom.out_of_memory(MemoryError()) == "out of memory (MemoryError). Free some, or use a larger machine"
    assert headroom.out_of_memory(RuntimeError("can't start new thread")).startswith("out of memory (RuntimeError: ")
    assert headroom.out_of_memory(ImportError("x.so: failed to map segment from shared object"))
    assert not headroom.out_of_memory(ValueError("no"))
    monkeypatch.setattr(headroom, "address_space", lambda: 3 << 30)
    monkeypatch.setitem(sys.modules, "torch", None)
    assert headroom.out_of_memory(RuntimeError("could not create a primitive")).endswith("ulimit -v 6291456")
    monkeypatch.setattr(headroom, "address_space", lambda: 8 << 30)
    assert not headroom.out_of_memory(RuntimeError("could not create a primitive"))
