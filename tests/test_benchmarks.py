"""Every benchmark starts: what it takes from others is there, and it says how it is used."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
HELP = """
import contextlib, io, runpy, sys
from pathlib import Path
for script in sorted(Path(sys.argv[1]).glob("*.py")):
    text = script.read_text("utf-8")
    if "argparse" not in text:
        continue
    sys.argv, path, said = [str(script), "--help"], list(sys.path), io.StringIO()
    sys.path.insert(0, str(script.parent))
    with contextlib.redirect_stdout(said):
        try:
            runpy.run_path(str(script), run_name="__main__")
        except SystemExit as e:
            assert not e.code, f"{script.name}: {e.code}"
    sys.path[:] = path
    assert said.getvalue().startswith("usage: "), script.name
    print(script.name)
"""


@pytest.mark.slow
def test_every_benchmark_says_how_it_is_used() -> None:
    done = subprocess.run(
        [sys.executable, "-c", HELP, BENCHMARKS], capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.split()) >= 15
