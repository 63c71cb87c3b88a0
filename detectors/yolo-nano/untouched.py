"""Test the installed yolo-nano, at its own threshold, on kinds of non-faces by which nothing was ever chosen.

    python detectors/yolo-nano/untouched.py --data faces.zip --out work/

Writes the table ``untouched.md`` and a contact sheet of what passes, per kind.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from untouched_nonfaces import UNTOUCHED

from ganbench.detectors.base import DetectorOptions
from ganbench.detectors.registry import load_detector
from ganbench.images.sheets import write_sheet
from ganbench.images.sources import open_source
from ganbench.metrics.intervals import wilson
from ganbench.system.storage import atomic_write

HELD_OUT = 18_000  # images from here on were not trained on
EACH = 500
SEED = 20_000


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="the source that labels.py was given")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    source = open_source(args.data, resize="64")
    faces = np.concatenate([batch.pixels for batch in source.batches(500)])[HELD_OUT : HELD_OUT + EACH]
    detector = load_detector("yolo-nano", DetectorOptions())
    rng = np.random.default_rng(SEED)
    lines = [f"| {detector.protocol} | share with a face | n |", "| --- | --- | --- |"]
    passed: list[bool] = []
    for name, make in UNTOUCHED.items():
        pixels = make(faces, rng)
        hits = np.array([len(found.boxes) > 0 for found in detector.detect(pixels)])
        passed.extend(hits)
        lines.append(f"| {name} | {hits.mean():.3f} | {len(hits)} |")
        write_sheet(
            args.out / f"{name.replace(' ', '-')}.png",
            np.concatenate([pixels[hits][:30], pixels[~hits][:30]]),
            columns=10,
        )
    low, high = wilson(float(np.mean(passed)), len(passed))
    lines.append(f"| all | {np.mean(passed):.4f} ({low:.4f} … {high:.4f}) | {len(passed)} |")
    with atomic_write(args.out / "untouched.md", "w") as f:
        f.write("\n".join(lines) + "\n")
    print(*lines, sep="\n")


if __name__ == "__main__":
    main()
