"""How long `ganbench leaderboard` takes for a course: 200 submissions, five of them broken, ranked by one command.

    python benchmarks/leaderboard.py                        # 200 submissions of 1,000 images each
    python benchmarks/leaderboard.py --images 250 --json F  # of fewer images each

The submissions are made of examples/toyfaces.tgz: every one perturbs all images in its own way and strength (noise,
blur, shift, shade, collapse), so that no two share an image and nothing comes from the cache. Five are broken: cut
short, no archive at all, of another size, a single image, and absent. The command runs twice; the second time the
scorecards come from the cache. Nothing is timed but the command, in a process of its own.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from ganbench.images.sources import open_source
from ganbench.system.cores import available_cores

EXAMPLE = Path(__file__).resolve().parent.parent / "examples" / "toyfaces.tgz"
BROKEN = 5


def perturb(images: np.ndarray, number: int) -> np.ndarray:
    """Return the images of submission ``number``: a kind of damage and a strength that rises with the number."""
    rng = np.random.default_rng(number)
    strength = (number // 5 + 1) / 40  # 1/40 ... 1 over 200 submissions
    kind = number % 5
    out = images.astype(np.float32)
    if kind == 0:
        out += rng.normal(0, 60 * strength, out.shape)
    elif kind == 1:
        out = np.stack([cv2.GaussianBlur(image, (0, 0), 0.1 + 3 * strength) for image in out])
    elif kind == 2:
        out = np.stack([np.roll(image, rng.integers(-20, 21, 2) * strength, (0, 1)) for image in out])
    elif kind == 3:
        out = out * (1 - 0.7 * strength * rng.random((len(out), 1, 1, 3), np.float32))
    else:  # collapse: ever fewer different faces
        out = out[rng.integers(0, max(2, round(len(out) * (1 - strength))), len(out))]
    out += rng.normal(0, 1.5, out.shape)  # so that no image is that of another submission
    return np.clip(np.rint(out), 0, 255).astype(np.uint8)


def pack(path: Path, images: np.ndarray) -> None:
    """Write a submission."""
    with tarfile.open(path, "w:gz", compresslevel=1) as archive:
        for number, image in enumerate(images, 1):
            buffer = io.BytesIO()
            Image.fromarray(image).save(buffer, "JPEG", quality=80)
            info = tarfile.TarInfo(f"{number}.jpg")
            info.size = buffer.tell()
            buffer.seek(0)
            archive.addfile(info, buffer)


def make_submissions(folder: Path, count: int, images: int) -> list[Path]:
    """Write all submissions; the last five are broken."""
    source = open_source(EXAMPLE).first(images)
    real = np.concatenate([batch.pixels for batch in source.batches(256)])
    paths = [folder / f"student{number:03d}.tgz" for number in range(count)]
    for number, path in enumerate(paths[:-BROKEN]):
        pack(path, perturb(real, number))
    cut, text, small, single, _ = paths[-BROKEN:]
    whole = paths[0].read_bytes()
    cut.write_bytes(whole[: len(whole) // 2])
    text.write_text("the archive was too large, it is on my other disk\n")
    pack(small, real[:, ::2, ::2])
    pack(single, real[:1])
    return paths  # and the last one was never handed in


def rank(paths: list[Path], folder: Path, jobs: int, detector: str) -> tuple[float, dict]:
    """Run the command; returns its seconds and what it wrote."""
    out = folder / "board.json"
    command = [sys.executable, "-m", "ganbench", "leaderboard", "--keep-flagged", *map(str, paths), "--jobs", str(jobs)]
    command += ["--detector", detector, "--json", str(out), "--csv", str(folder / "board.csv"), "--quiet"]
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - start
    if done.returncode:
        sys.exit(done.stderr)
    return seconds, json.loads(out.read_text("utf-8"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=200, help="submissions, the broken ones among them")
    parser.add_argument("--images", type=int, default=1000, help="images of each")
    parser.add_argument("--jobs", type=int, default=available_cores())
    parser.add_argument("--detector", default="yolo-nano")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # A cache of its own: empty but for the exported network, which is made once per machine.
        os.environ["GANBENCH_HOME"] = str(folder / "home")
        paths = make_submissions(folder, arguments.count, arguments.images)
        rank([EXAMPLE], folder, 1, "none")
        first, board = rank(paths, folder, arguments.jobs, arguments.detector)
        second, _ = rank(paths, folder, arguments.jobs, arguments.detector)
    ranked = sum(len(b["entries"]) for b in board["boards"])
    result = {
        "submissions": arguments.count,
        "images_each": arguments.images,
        "jobs": arguments.jobs,
        "detector": arguments.detector,
        "ranked": ranked,
        "not_ranked": board["not_ranked"],
        "first_seconds": first,
        "again_seconds": second,
        "images_per_second": ranked * arguments.images / first,
    }
    print(f"{arguments.count} submissions of {arguments.images} images, {arguments.jobs} jobs: {ranked} ranked")
    for missing in board["not_ranked"]:
        print(f"  {missing['name']}: {missing['reason']}")
    print(f"first time {first:.0f} s ({result['images_per_second']:.0f} images/s), again {second:.1f} s")
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
