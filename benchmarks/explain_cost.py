"""How long `ganbench explain` takes beside `ganbench score` of the same images, cold and with features that are kept.

    python benchmarks/explain_cost.py                                 # 1,000 toy faces
    python benchmarks/explain_cost.py faces.zip --options "--resize 64 --limit 1000"

Every run is a process of its own, in turn with the others. Cold: no features are kept (--no-cache). Warm: those of the
images are. Wall time is what a person waits for; processor time is what other work on the machine disturbs less.
"""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

COMMANDS = ("score", "explain")


def measure(command: str, arguments: list[str], home: Path) -> tuple[float, float]:
    """Return wall and processor seconds of one command."""
    env = {**os.environ, "GANBENCH_HOME": str(home)}
    started, before = time.perf_counter(), os.times()
    line = [sys.executable, "-m", "ganbench", command, *arguments, "--quiet"]
    subprocess.run(line, env=env, stdout=subprocess.DEVNULL, check=True)
    after = os.times()
    processor = after.children_user + after.children_system - before.children_user - before.children_system
    return time.perf_counter() - started, processor


def main() -> None:
    """Measure, in turn, and print medians and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", nargs="?", help="images; toy faces if left out")
    parser.add_argument("--options", default="", help="what both commands are told of them")
    parser.add_argument("--count", type=int, default=1000, help="of toy faces")
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        home, source = Path(temporary) / "home", args.source
        if source is None:
            source = str(Path(temporary) / "toys")
            line = ["data", "toyfaces", source, "--count", str(args.count), "--quiet"]
            subprocess.run([sys.executable, "-m", "ganbench", *line], check=True)
        given = [source, *shlex.split(args.options)]
        ways = {"cold": [*given, "--no-cache"], "warm": given}
        for way in ways.values():
            for command in COMMANDS:
                measure(command, way, home)  # exports the networks, and fills what is kept
        runs: dict[tuple[str, str], list[tuple[float, float]]] = {}
        for _ in range(args.rounds):
            for name, way in ways.items():
                for command in COMMANDS:
                    runs.setdefault((name, command), []).append(measure(command, way, home))
    for name in ways:
        wall, processor = ({c: median(run[part] for run in runs[name, c]) for c in COMMANDS} for part in (0, 1))
        said = ", ".join(f"{c} {wall[c]:.2f} s ({processor[c]:.2f} s of the processor)" for c in COMMANDS)
        ratios = [times["explain"] / times["score"] for times in (wall, processor)]
        print(f"{name}: {said}; ratio {ratios[0]:.2f} ({ratios[1]:.2f}), medians of {args.rounds}")


if __name__ == "__main__":
    main()
