"""How long `ganbench score` of three images takes once its networks are exported, beside another checkout's.

    python benchmarks/startup.py                         # this checkout alone
    python benchmarks/startup.py --against ../before     # in turn with another one, and whether both print the same
    python benchmarks/startup.py --imports 25            # the slowest imports of one such command

Every run is a process of its own; features are not cached (--no-cache). Wall time is what a person waits for; processor
time is what other work on the machine disturbs less.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

HERE = Path(__file__).resolve().parent.parent
SCORE = ["score", "three", "--no-cache", "--quiet"]


@dataclass(frozen=True)
class Run:
    """One command."""

    seconds: float
    processor: float
    printed: str


def command(checkout: Path, folder: Path, arguments: list[str], *options: str) -> subprocess.CompletedProcess[str]:
    """Run ganbench of a checkout, with a home of its own, in a folder."""
    home = folder / f"home-{abs(hash(checkout))}"
    env = {**os.environ, "PYTHONPATH": str(checkout), "GANBENCH_HOME": str(home)}
    line = [sys.executable, "-P", *options, "-m", "ganbench", *arguments]
    return subprocess.run(line, cwd=folder, env=env, capture_output=True, text=True, check=True)


def measure(checkout: Path, folder: Path) -> Run:
    """Score once."""
    started, before = time.perf_counter(), os.times()
    done = command(checkout, folder, SCORE)
    after = os.times()
    processor = after.children_user + after.children_system - before.children_user - before.children_system
    return Run(time.perf_counter() - started, processor, done.stdout)


def show_imports(folder: Path, count: int) -> None:
    """Print the slowest imports, each without what it imports itself."""
    lines = command(HERE, folder, SCORE, "-X", "importtime").stderr.splitlines()
    found = [re.match(r"import time: +(\d+) \| +(\d+) \| +(\S+)", line) for line in lines]
    times = sorted(((int(m[1]), int(m[2]), m[3]) for m in found if m), reverse=True)
    print(f"{len(times)} modules, {sum(own for own, *_ in times) / 1000:.0f} ms")
    for own, whole, name in times[:count]:
        print(f"{own / 1000:8.1f} ms {whole / 1000:8.1f} with what it imports  {name}")


def main() -> None:
    """Measure, in turn, and print medians."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--against", type=Path, help="another checkout of ganbench")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--imports", type=int, metavar="N", help="instead: the slowest imports")
    args = parser.parse_args()
    checkouts = [HERE, *([args.against.resolve()] if args.against else [])]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        command(HERE, folder, ["data", "toyfaces", "three", "--count", "3", "--quiet"])
        runs: dict[Path, list[Run]] = {checkout: [] for checkout in checkouts}
        for checkout in checkouts:
            measure(checkout, folder)  # exports the network, and fills what is kept
        if args.imports:
            show_imports(folder, args.imports)
            return
        for _ in range(args.rounds):
            for checkout in checkouts:
                runs[checkout].append(measure(checkout, folder))
    for checkout, some in runs.items():
        wall, processor = median(run.seconds for run in some), median(run.processor for run in some)
        print(f"{checkout}: {wall:.2f} s, {processor:.2f} s of the processor (medians of {len(some)})")
    if args.against:
        print("both print the same:", len({run.printed for some in runs.values() for run in some}) == 1)


if __name__ == "__main__":
    main()
