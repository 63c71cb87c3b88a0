"""Does the doctor find what ails a training? A blind test: 60 short runs, half of them broken in ten known ways.

    python benchmarks/doctor.py runs judge --keep kept                      # makes the runs, on toy faces, and judges
    python benchmarks/doctor.py runs judge --keep kept --data faces.zip     # on given ones
    python benchmarks/doctor.py runs --keep kept --only healthy-wgan-1      # one of them
    python benchmarks/doctor.py rollback --keep kept                        # a run that diverges, and the same saved
    python benchmarks/doctor.py stop --keep kept --logs study/*             # what --stop-when would have saved

The healthy runs are the five baselines, six seeds each, in a size that trains in seconds; the broken ones are the same
baselines with one of ten ailments (ailments/catalogue.py). All are made by `ganbench train`, with what it records by
itself. Ailments and sizes were fixed before any rule of the doctor was seen. The doctor is asked about every run while
its record grows, every 50 steps, and at its end; what counts as found and as a false alarm is at the top of
ailments/tally.py, the kinds that are right for an ailment in ailments/kinds.py.

KEEP holds the runs and what came out (*.jsonl): a test that was killed goes on where it was. Other code of ganbench is
asked anew, of the same runs; another --keep makes new ones. The exit code is 1 if less than 90 % of the broken runs are
found, or there is one false alarm or more per 10,000 healthy steps.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from ailments import rollback, stop
from ailments.base import Run
from ailments.catalogue import STEPS, all_runs
from ailments.judge import judge
from ailments.kinds import ACCEPTED
from ailments.make import make, training_images
from ailments.tally import false_alarms, passed, tally, to_dict, to_markdown
from blind.journal import Journal, code_digest

import ganbench
from ganbench.errors import GanbenchError
from ganbench.images.sources import open_source
from ganbench.system.cores import available_cores
from ganbench.system.storage import atomic_write
from ganbench.system.text import json_text

PARTS = ("runs", "judge", "rollback", "stop")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="+", choices=PARTS, help="what to do, in this order")
    parser.add_argument("--keep", type=Path, required=True, metavar="DIR", help="the runs, and what came out")
    parser.add_argument("--data", type=Path, metavar="FACES", help="what is trained on [default: toy faces]")
    parser.add_argument("--only", nargs="+", default=[], metavar="RUN", help="these alone")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="of the first run of each kind [default: 0]")
    parser.add_argument("--jobs", type=int, default=available_cores(), metavar="N", help="processes [default: cores]")
    parser.add_argument("--logs", type=Path, nargs="+", default=[], metavar="RUN", help="for 'stop': scored runs")
    parser.add_argument(
        "--half-width",
        type=float,
        default=0.011,
        metavar="W",
        help="for 'stop': of the interval of a score that was logged without one, as a share [default: 0.011, the "
        "study's]",
    )
    parser.add_argument(
        "--seconds", type=float, default=float("inf"), metavar="S", help="begin no further run after so long"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures")
    arguments = parser.parse_args()
    try:
        sys.exit(test(arguments))
    except GanbenchError as e:
        sys.exit(f"Error: {e}")


def test(arguments: argparse.Namespace) -> int:
    """Do what is asked for; returns the exit code."""
    keep: Path = arguments.keep.resolve()
    os.environ.setdefault("GANBENCH_HOME", str(keep / "home"))
    if "stop" in arguments.parts:
        print(stop.to_markdown([stop.replay(folder, arguments.half_width) for folder in arguments.logs]))
    if arguments.parts == ["stop"]:
        return 0
    data = training_images(arguments.data, keep)
    settings = {"ganbench": ganbench.__version__, "images": open_source(data).digest(), "steps": STEPS}
    if "rollback" in arguments.parts:
        told = rollback.demonstrate(data, keep / "rollback", Journal(keep / "rollback.jsonl", settings))
        rollback.draw(told, keep / "rollback.png")
        print(rollback.to_text(told), f"curves: {keep / 'rollback.png'}", sep="\n")
    return _blind(arguments, keep, data, settings) if {"runs", "judge"} & set(arguments.parts) else 0


def _blind(arguments: argparse.Namespace, keep: Path, data: Path, settings: dict[str, object]) -> int:
    """Make the runs and ask about them."""
    runs = _chosen(all_runs(arguments.seed), arguments.only)
    made = Journal(keep / "runs.jsonl", settings)
    if "runs" in arguments.parts:
        make(runs, data, keep / "runs", made, arguments.jobs, arguments.seconds)
    if absent := [run.key for run in runs if run.key not in made]:
        print(f"{len(absent)} of {len(runs)} runs are left; 'runs' makes them: {', '.join(absent)}")
        return 1
    if "judge" not in arguments.parts:
        return 0
    judged = Journal(keep / f"judged-{code_digest()}.jsonl", settings)
    judge(runs, keep / "runs", made, judged, arguments.jobs)
    lines, false = tally(runs, judged.outcomes, ACCEPTED), false_alarms(runs, made.outcomes, judged.outcomes)
    if arguments.json:
        with atomic_write(arguments.json, "w") as f:
            f.write(json_text({"settings": settings} | to_dict(lines, false)))
    print(to_markdown(lines, false))
    return int(not passed(lines, false))


def _chosen(runs: Sequence[Run], only: Sequence[str]) -> list[Run]:
    if unknown := set(only) - {run.key for run in runs}:
        raise GanbenchError(f"no run {', '.join(sorted(unknown))}. There are: {', '.join(run.key for run in runs)}")
    return [run for run in runs if not only or run.key in only]


if __name__ == "__main__":
    main()
