"""How long `ganbench score` takes, what it needs, and how that compares with plain eager PyTorch in the same run.

    python benchmarks/score.py                  # 1,000 and 20,000 toy faces, about six minutes on two cores
    python benchmarks/score.py --counts 200     # a quick look

Every measurement is a process of its own, so that peak memory belongs to it alone. Rates are given by wall time and by
processor time of all threads; other work on the machine disturbs the latter less. "Plain eager PyTorch" is the network
as its authors wrote it: NCHW, batch norms not folded, float32, torch's own resize, batches of 32.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np


def make_images(folder: Path, count: int) -> Path:
    """Write an .npy of toy faces: cheap to decode, so that the network is what is measured."""
    from ganbench.toyfaces import toyfaces

    path = folder / f"toyfaces-{count}.npy"
    array = np.lib.format.open_memmap(path, "w+", np.uint8, (count, 64, 64, 3))
    # Drawing 20,000 faces would take longer than scoring them: draw 1,000, then mirror, shift and shade them.
    base = np.stack([image for _, image in toyfaces(min(count, 1000), size=64, seed=1)])
    rng = np.random.default_rng(0)
    for i in range(count):
        image = base[i % len(base)]
        if i >= len(base):
            image = np.roll(image[:, :: rng.choice([-1, 1])], rng.integers(-6, 7, 2), (0, 1))
            image = np.clip(image * rng.uniform(0.7, 1.1), 0, 255).astype(np.uint8)
        array[i] = image
    array.flush()
    return path


def measure_ganbench(path: Path) -> dict[str, float]:
    """Score in this process: features, every default metric, AFD."""
    from ganbench.features.registry import load_extractor
    from ganbench.images.sources import open_source

    load_extractor("lite0")  # the one-time export is not what is measured
    started = time.perf_counter()
    import ganbench

    card = ganbench.score(path, cache=False)
    whole = time.perf_counter() - started
    peak = peak_mb()

    extractor, source = load_extractor("lite0"), open_source(path)
    batches = [batch.pixels for batch, _ in zip(source.batches(32), range(31), strict=False)]
    extractor(batches[0])
    rates = feature_rates(extractor, batches)
    return {"seconds": whole, "peak_mb": peak, **rates, "values": {row.id: row.value for row in card.rows}}


def feature_rates(compute: Callable[[np.ndarray], object], batches: list[np.ndarray]) -> dict[str, float]:
    """Return images per second of wall and of processor time."""
    wall, cpu = time.perf_counter(), time.process_time()
    for batch in batches:
        compute(batch)
    count = sum(map(len, batches))
    return {
        "features_per_s": count / (time.perf_counter() - wall),
        "features_per_cpu_s": count / (time.process_time() - cpu),
    }


def peak_mb() -> float:
    """Return this program's peak memory; getrusage would count what the parent held before the program started."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def measure_eager(path: Path) -> dict[str, float]:
    """Compute the same features in plain eager PyTorch."""
    import torch
    from torch.nn import functional as F

    from ganbench.features.lite0 import ENTRY
    from ganbench.features.spec import BuildOptions

    options = BuildOptions()
    network = ENTRY.build(ENTRY.specify(options), options)
    images = np.load(path, mmap_mode="r")[:288]

    def compute(batch: np.ndarray) -> None:
        with torch.inference_mode():
            x = torch.from_numpy(batch.copy()).permute(0, 3, 1, 2).float()
            network(F.interpolate(x, (224, 224), mode="bicubic", antialias=True))

    batches = [images[i : i + 32] for i in range(0, len(images), 32)]
    compute(batches[0])
    return feature_rates(compute, batches[1:])


def main() -> None:
    """Run every measurement in a process of its own and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--counts", type=int, nargs="+", default=[1000, 20000])
    parser.add_argument("--out", type=Path, help="also write the figures as JSON")
    parser.add_argument("--one", nargs=2, metavar=("KIND", "PATH"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        kind, path = args.one
        print(json.dumps({"ganbench": measure_ganbench, "eager": measure_eager}[kind](Path(path))))
        return
    figures: dict[str, dict] = {}
    with tempfile.TemporaryDirectory() as folder:
        for count in args.counts:
            path = make_images(Path(folder), count)
            kinds = ["eager", "ganbench"] if count == args.counts[0] else ["ganbench"]
            for kind in kinds:
                command = [sys.executable, __file__, "--one", kind, str(path)]
                done = subprocess.run(command, capture_output=True, text=True, check=True)
                figures[f"{kind} {count}"] = json.loads(done.stdout.splitlines()[-1])
    for name, figure in figures.items():
        print(f"{name:18}", {k: round(v, 1) for k, v in figure.items() if k != "values"})
    eager = figures[f"eager {args.counts[0]}"]
    ours = [figures[f"ganbench {count}"] for count in args.counts]
    wall, cpu = (ours[0][rate] / eager[rate] for rate in ("features_per_s", "features_per_cpu_s"))
    print(f"features against eager PyTorch: {wall:.1f} times as fast by wall time, {cpu:.1f} by processor time")
    if len(ours) > 1:
        ratio = (ours[-1]["seconds"] / ours[0]["seconds"]) / (args.counts[-1] / args.counts[0])
        print(f"time per image at {args.counts[-1]} against {args.counts[0]}: {ratio:.2f}")
    if args.out:
        args.out.write_text(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
