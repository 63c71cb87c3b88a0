"""What every metric together costs: scoring 1,000 images with all of them on, against the default scorecard.

    python benchmarks/metrics_cost.py                      # 1,000 toy faces, three pairs of runs
    python benchmarks/metrics_cost.py faces.zip --resize 64 --pairs 5
    python benchmarks/metrics_cost.py --each               # and each metric by itself, in ms

Runs come in pairs, one after the other in turned order, each in a process of its own that starts without cached
features and with what is kept of the reference: the ratio is of the medians of processor and of wall time. Metrics that
need class logits, which lite0 has none of, and those of generators are left out.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

MOST = 1.5  # times the default scorecard
LEFT_OUT = ("logits", "paths")


def measure(source: str, resize: str | None, every: bool) -> dict[str, float]:
    """Score in this process; returns seconds of wall and of processor time."""
    import ganbench
    from ganbench.metrics.registry import METRICS

    chosen = [metric.name for metric in METRICS.values() if metric.needs not in LEFT_OUT] if every else None
    wall, cpu = time.perf_counter(), time.process_time()
    card = ganbench.score(source, metrics=chosen, resize=resize, limit=1000, cache=False)
    found = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
    missing = [f"{row.id}: {row.reason}" for row in card.rows if row.value is None]
    if missing:
        raise SystemExit(f"not measured: {'; '.join(missing)}")
    return found | {"rows": len(card.rows)}


def each(source: str, resize: str | None) -> None:
    """Print what each metric takes by itself, in ms of wall and of processor time; what they share counts once each."""
    from ganbench.metrics.evaluate import evaluate
    from ganbench.metrics.registry import METRICS
    from ganbench.scoring.look import look
    from ganbench.scoring.measured import compared_of
    from ganbench.scoring.options import ScoreOptions
    from ganbench.scoring.plan import Plan

    names = [metric.name for metric in METRICS.values() if metric.needs not in LEFT_OUT]
    options = ScoreOptions(metrics=tuple(names), resize=resize, limit=1000)
    opened = options.open(source)
    for round_ in range(2):  # the second one finds what is kept of the reference
        plan = Plan.of(options, opened)
        (extractor,) = plan.references
        seen = look(opened, plan, [extractor], print)
        instrument = next(one for one in plan.instruments if one.name == extractor)
        reference, fake = plan.references[extractor], seen.features[extractor]
        compared = compared_of(reference, seen, instrument)
        real_pixels = plan.real_pixels
        sides = dict.fromkeys(("moments", "features"), (reference.features, fake)) | {
            "index": compared, "pixels": (None, seen.pixels), "detections": (None, seen.detections),
            "packets": (None if real_pixels is None else real_pixels.packets, seen.packets),
        }  # fmt: skip
        if round_:
            print("| metric | ms | ms of processor time |\n|---|---|---|")
        for name in names:
            real, side = sides[METRICS[name].needs] or (None, None)
            wall, cpu = time.perf_counter(), time.process_time()
            evaluate([name], real=real, fake=side)
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
            if round_:
                print(f"| {name} | {1000 * wall:.0f} | {1000 * cpu:.0f} |", flush=True)


def main() -> None:
    """Run the pairs and print the ratio; fails above 1.5."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", nargs="?", help="images; the first 1,000 of them are scored [default: toy faces]")
    parser.add_argument("--resize", help="as for ganbench score")
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--each", action="store_true", help="print each metric by itself instead")
    parser.add_argument("--one", choices=["default", "every"], help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        print(json.dumps(measure(args.source, args.resize, args.one == "every")))
        return
    with tempfile.TemporaryDirectory() as folder:
        source = args.source or str(drawn(Path(folder)))
        if args.each:
            each(source, args.resize)
            return
        times: dict[str, list[dict[str, float]]] = {"default": [], "every": []}
        rule = ["--resize", args.resize] if args.resize else []
        for number in range(-1, args.pairs):  # the first pair fills what is kept of the reference, and does not count
            for kind in ("default", "every") if number % 2 else ("every", "default"):
                command = [sys.executable, __file__, source, *rule, "--one", kind]
                done = subprocess.run(command, capture_output=True, text=True, timeout=600, env=os.environ)
                if done.returncode:
                    raise SystemExit(done.stderr)
                if number >= 0:
                    times[kind].append(json.loads(done.stdout.splitlines()[-1]))
    ratios = {}
    for clock in ("wall", "cpu"):
        middle = {kind: statistics.median(one[clock] for one in runs) for kind, runs in times.items()}
        ratios[clock] = middle["every"] / middle["default"]
        print(f"{clock}: default {middle['default']:.2f} s, every {middle['every']:.2f} s, {ratios[clock]:.2f} times")
    print(f"rows: {times['default'][0]['rows']:.0f} and {times['every'][0]['rows']:.0f}")
    raise SystemExit(ratios["wall"] > MOST)


def drawn(folder: Path) -> Path:
    """Write 1,000 toy faces."""
    import numpy as np

    from ganbench.toyfaces import toyfaces

    path = folder / "toyfaces.npy"
    np.save(path, np.stack([image for _, image in toyfaces(1000, size=64, seed=1)]))
    return path


if __name__ == "__main__":
    main()
