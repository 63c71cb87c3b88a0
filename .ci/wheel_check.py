"""The wheel as a stranger meets it: installed alone into an empty environment, run from another folder, offline.

The demo must print the README's table to the last digit, and the literal commands must run with nothing at hand: no
data, no cache, no network. The wheel stays in build/wheel.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WHEELS = ROOT / "build" / "wheel"
CARRIED = (
    "ganbench/py.typed",
    "ganbench/recipes/wgan.toml",
    "ganbench/report/page.html",
    "ganbench/_shipped/reference_stats/anime-faces-64.lite0.npz",
    "ganbench/_shipped/detectors/yolo-nano/yolo-nano.onnx",
    "ganbench/_shipped/selftest/expected.npz",
    "ganbench/protocols/public/pytorch-fid.toml",
)
# Commands as they are told to people, in an empty folder, and the files that each must leave there.
LITERAL = (
    ("ganbench gradnorm --variant wgan", ("**/gradnorm.png", "**/gradnorm.csv", "**/findings.md")),
    ("ganbench train --variant wgan --preset smoke", ("**/checkpoint.pt", "**/metrics.jsonl")),
    ("ganbench bench --variants dcgan,wgan --preset smoke", ("**/leaderboard.csv", "**/report.html")),
)


def main() -> None:
    """Build, install, run; any difference ends the program with a message."""
    wheel = build()
    with tempfile.TemporaryDirectory(prefix="ganbench-wheel-") as folder:
        stranger = Stranger(Path(folder), wheel)
        stranger.run("ganbench --version")
        stranger.run("ganbench --help")
        (stranger.here / "examples").mkdir()
        shutil.copy(ROOT / "examples" / "wgan.tgz", stranger.here / "examples")
        check_demo(stranger.run("ganbench score examples/wgan.tgz"))
        for command, files in LITERAL:
            stranger.run_alone(command, files)
    print(f"{wheel.name}: everything runs")


def build() -> Path:
    """Build the wheel, and check what it carries."""
    shutil.rmtree(WHEELS, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(WHEELS)], cwd=ROOT, check=True)
    (wheel,) = WHEELS.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    if missing := [name for name in CARRIED if name not in names]:
        sys.exit(f"{wheel.name} lacks {', '.join(missing)}")
    tops = {name.partition("/")[0] for name in names}
    if strays := [top for top in tops if top != "ganbench" and not re.fullmatch(r"ganbench-[\w.]+\.dist-info", top)]:
        sys.exit(f"{wheel.name} also carries {', '.join(strays)}")
    return wheel


class Stranger:
    """Somebody with an empty environment, an empty home and no network."""

    def __init__(self, folder: Path, wheel: Path) -> None:
        self.here = folder / "elsewhere"
        self.here.mkdir()
        environment = folder / "environment"
        self._bin = environment / ("Scripts" if os.name == "nt" else "bin")
        uv = shutil.which("uv", path=str(Path(sys.executable).parent))
        if uv is None:
            sys.exit("uv is not in the environment that runs this: make .venv/.ready")
        subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, str(environment)], check=True)
        constraints = ["--constraint", str(ROOT / "constraints.txt")]
        install = [uv, "pip", "install", "--quiet", "--python", str(environment), *constraints, str(wheel)]
        subprocess.run(install, check=True)
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
        # A proxy that nobody answers: whoever asks the network gets an error at once.
        offline = {f"{scheme}_proxy": "http://127.0.0.1:9" for scheme in ("http", "https", "all")}
        path = os.pathsep.join([str(self._bin), os.environ["PATH"]])
        self._environment = kept | offline | {"GANBENCH_HOME": str(folder / "home"), "PATH": path}

    def run(self, command: str, where: Path | None = None) -> str:
        """Run a command, and return what it printed on standard output."""
        print(f"$ {command}", flush=True)
        began = time.monotonic()
        program, *arguments = command.split()
        done = subprocess.run(
            [str(self._bin / program), *arguments],
            cwd=where or self.here,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
        )
        if done.returncode:
            sys.exit(f"{done.stdout}{done.stderr}{command}: exit code {done.returncode}")
        print(f"  {time.monotonic() - began:.1f} s", flush=True)
        return done.stdout

    def run_alone(self, command: str, files: tuple[str, ...]) -> None:
        """Run a command in a new empty folder, and check that it left these files there."""
        where = self.here / f"empty-{len(list(self.here.iterdir()))}"
        where.mkdir()
        self.run(command, where)
        if missing := [pattern for pattern in files if not any(where.glob(pattern))]:
            left = sorted(str(path.relative_to(where)) for path in where.rglob("*"))
            sys.exit(f"{command}: left no {', '.join(missing)}, but {', '.join(left) or 'nothing'}")


def check_demo(printed: str) -> None:
    """Compare what the demo printed with the block in the README."""
    readme = (ROOT / "README.md").read_text("utf-8")
    block = readme.split("The demo prints:\n\n```\n")[1].split("```")[0]
    wanted = [line.rstrip() for line in block.splitlines()]
    got = [line.rstrip() for line in printed.splitlines()][: len(wanted)]
    if got != wanted:
        sys.exit("the demo does not print the README's table:\n" + "\n".join([*got, "instead of", *wanted]))


if __name__ == "__main__":
    main()
