"""Does the doctor find what ails a training? A blind test: 60 short runs, half of them broken in ten known ways.

    python benchmarks/doctor.py runs --keep kept                          # makes the runs, on toy faces
    python benchmarks/doctor.py runs --keep kept --data faces.zip         # on given ones
    python benchmarks/doctor.py runs --keep kept --only healthy-wgan-0    # one of them

The healthy runs are the five baselines, six seeds each, in a size that trains in seconds; the broken ones are the same
baselines with one of ten ailments (ailments/catalogue.py). All are made by `ganbench train`, and record what it does.

KEEP holds the runs and what came out (*.jsonl): a test that was killed goes on where it was.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from ailments.catalogue import STEPS, all_runs
from ailments.make import make, training_images
from blind.journal import Journal

import ganbench
from ganbench.errors import GanbenchError
from ganbench.images.sources import open_source
from ganbench.system.cores import available_cores


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=("runs",), help="what to do")
    parser.add_argument("--keep", type=Path, required=True, metavar="DIR", help="the runs, and what came out")
    parser.add_argument("--data", type=Path, metavar="FACES", help="what is trained on [default: toy faces]")
    parser.add_argument("--only", nargs="+", default=[], metavar="RUN", help="these alone")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="of the first run of each kind [default: 0]")
    parser.add_argument("--jobs", type=int, default=available_cores(), metavar="N", help="processes [default: cores]")
    parser.add_argument(
        "--seconds", type=float, default=float("inf"), metavar="S", help="begin no further run after so long"
    )
    arguments = parser.parse_args()
    try:
        sys.exit(judge(arguments))
    except GanbenchError as e:
        sys.exit(f"Error: {e}")


def judge(arguments: argparse.Namespace) -> int:
    """Do what is asked for; returns the exit code."""
    keep: Path = arguments.keep.resolve()
    os.environ.setdefault("GANBENCH_HOME", str(keep / "home"))
    data = training_images(arguments.data, keep)
    runs = all_runs(arguments.seed)
    if arguments.only:
        if unknown := set(arguments.only) - {run.key for run in runs}:
            raise GanbenchError(f"no run {', '.join(sorted(unknown))}. There are: {', '.join(run.key for run in runs)}")
        runs = [run for run in runs if run.key in arguments.only]
    settings = {"ganbench": ganbench.__version__, "images": open_source(data).digest(), "steps": STEPS}
    made = Journal(keep / "runs.jsonl", settings)
    make(runs, data, keep / "runs", made, arguments.jobs, arguments.seconds)
    if absent := [run.key for run in runs if run.key not in made]:
        print(f"{len(absent)} of {len(runs)} runs are left: the same command goes on")
        return 1
    for run in runs:
        outcome = made.outcomes[run.key]
        print(f"{run.key:34} {outcome['steps']:5} steps {outcome['seconds']:6.1f} s  {outcome['ended']}")
    return 0


if __name__ == "__main__":
    main()
