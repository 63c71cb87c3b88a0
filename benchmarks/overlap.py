"""How long `ganbench overlap` takes for a large course, from what it remembers of the images, and in how much memory.

    python benchmarks/overlap.py FACES                         # 300 submissions of 1,000 images each
    python benchmarks/overlap.py FACES --submissions 40 --jobs 1 2

Every image of a submission is put together from quarters of four faces, and so is its code, from their features: to
compute the features of 300,000 images takes an hour, and the comparison, which is timed here, cannot tell. Of every
fifth submission 50 images are those of the one before, mirrored and compressed again, with a code as far from the
original's as such changes move it. What is asked is whether exactly those pairs are found. The command runs in a process
of its own for each number of processes; its peak is the sum over all of its processes, read while it runs.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

import numpy as np
from campaigns.watch import resident
from PIL import Image

from ganbench.features.collect import collect_features
from ganbench.features.registry import load_extractor
from ganbench.images.sources import open_source
from ganbench.overlap.axes import shipped_axes
from ganbench.overlap.looked import Eye, Looked
from ganbench.statistics.signatures import signatures
from ganbench.system.notes import log_note
from ganbench.system.progress import track

EVERY, PLANTED = 5, 50
_MOVED = 62.0  # how far mirroring with JPEG 75 moves a code, in steps (median of 200 faces)


def patched(rng: np.random.Generator, faces: np.ndarray, features: np.ndarray, count: int) -> tuple[np.ndarray, ...]:
    """Return new images and their features, each of four faces: no two images have more than a quarter in common."""
    chosen = rng.integers(0, len(faces), (4, count))
    pixels = faces[chosen[0]]
    height, width = (side // 2 for side in faces.shape[1:3])
    pixels[:, :height, width:] = faces[chosen[1], :height, width:]
    pixels[:, height:, :width] = faces[chosen[2], height:, :width]
    pixels[:, height:, width:] = faces[chosen[3], height:, width:]
    mean = features.mean(axis=0)
    return pixels, mean + (features[chosen] - mean).sum(axis=0) / 2  # of as much variance as those of faces


def decoded(images: np.ndarray, quality: int) -> tuple[list[bytes], np.ndarray]:
    """Return images as JPEG files, and what they show."""
    files, pixels = [], []
    for image in images:
        buffer = io.BytesIO()
        Image.fromarray(image).save(buffer, "JPEG", quality=quality)
        files.append(buffer.getvalue())
        pixels.append(np.asarray(Image.open(buffer)))
    return files, np.stack(pixels)


def pack(path: Path, files: list[bytes]) -> None:
    with tarfile.open(path, "w:gz", compresslevel=1) as archive:
        for number, data in enumerate(files, 1):
            info = tarfile.TarInfo(f"{number}.jpg")
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))


def make_course(folder: Path, faces: np.ndarray, features: np.ndarray, count: int) -> list[Path]:
    """Write submissions, and put into the cache what would be remembered of them."""
    eye = Eye(shipped_axes(), "cpu", True)
    rng = np.random.default_rng(0)
    paths, before, codes_before = [], np.empty(0), np.empty(0)
    with track("making submissions", count) as advance:
        for number in range(count):
            images, mixed = patched(rng, faces, features, 1000)
            codes = eye.projection.encode(mixed)
            if number % EVERY == EVERY - 1:
                images[:PLANTED] = before[:PLANTED, :, ::-1]
                noise = rng.normal(0, _MOVED / np.sqrt(codes.shape[1]), (PLANTED, codes.shape[1]))
                codes[:PLANTED] = np.clip(np.rint(codes_before[:PLANTED] + noise), -127, 127)
            files, pixels = decoded(images, 75)
            path = folder / f"student{number:03d}.tgz"
            pack(path, files)
            digests = np.stack([np.frombuffer(hashlib.sha256(one).digest(), np.uint8) for one in pixels])
            looked = Looked(np.arange(1000), digests, codes, signatures(pixels))
            eye.keep(open_source(path).part(0, 1000), looked, log_note)
            before, codes_before = pixels, codes
            paths.append(path)
            advance(1)
    return paths


def measure(paths: list[Path], jobs: int, out: Path) -> dict[str, object]:
    """Run the command once and watch it."""
    command = [sys.executable, "-m", "ganbench", "overlap", *map(str, paths), "--jobs", str(jobs), "--device", "cpu"]
    start, before = time.perf_counter(), os.times()
    running = subprocess.Popen([*command, "--json", str(out), "--quiet"], stdout=subprocess.DEVNULL)
    peak = 0
    while running.poll() is None:
        peak = max(peak, resident(running.pid))
        time.sleep(0.2)
    seconds, after = time.perf_counter() - start, os.times()
    worked = sum(after[2:4]) - sum(before[2:4])
    found = json.loads(out.read_text("utf-8"))
    pairs = {(pair["a"], pair["b"]): pair["shared"] for pair in found["pairs"]}
    planted = [(paths[i - 1].name, paths[i].name) for i in range(EVERY - 1, len(paths), EVERY)]
    shared = [pairs.pop(pair, 0) for pair in planted]
    return {
        "jobs": jobs,
        "exit_code": running.returncode,
        "seconds": round(seconds, 1),
        "processor_seconds": round(worked, 1),
        "peak_mib": peak >> 20,
        "planted": f"{sum(shared)} of {PLANTED * len(planted)} in {sum(n > 0 for n in shared)} of {len(planted)} pairs",
        "others": f"{sum(pairs.values())} images in {len(pairs)} pairs",
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("faces", help="real faces that the submissions are made of")
    parser.add_argument("--resize", default="64")
    parser.add_argument("--limit", type=int, default=4000)
    parser.add_argument("--submissions", type=int, default=300)
    parser.add_argument("--jobs", type=int, nargs="+", default=[2])
    options = parser.parse_args()
    source = open_source(options.faces, resize=options.resize)
    source = source.first(min(len(source), options.limit))
    extractor = load_extractor("lite0")
    features = collect_features(source, extractor, cap=len(source), seed=0, what="features", cache=True).sample
    faces = np.concatenate([batch.pixels for batch in source.batches(256)])
    with tempfile.TemporaryDirectory(prefix="ganbench-overlap-") as name:
        paths = make_course(Path(name), faces, features, options.submissions)
        for jobs in options.jobs:
            print(json.dumps(measure(paths, jobs, Path(name) / "found.json")), flush=True)


if __name__ == "__main__":
    main()
