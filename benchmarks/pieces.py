"""Whether a large source looked at in pieces gives the bits of one pass, how long that takes, and in how much memory.

    python benchmarks/pieces.py                                     # 100,000 images, 1 and 2 processes, lite0
    python benchmarks/pieces.py --images 1000000 --features light:ENTRY --detector none
    python benchmarks/pieces.py --images 20000 --jobs 1 2 3 --keep FOLDER --json F

The images are toy faces of 64x64 in webdataset shards. `--distinct` of them are drawn; each is read several times,
every time under another name and with a pixel of its own, so that no two files are alike. Each number of processes is a
command of its own, without the cache, after one on few images that exports the network. The peaks are the kernel's
(VmHWM), read while it runs: of the process that was started, and the largest of those that it starts. One process
computes on all cores, so more of them are not faster on one machine; what is shown is that the scorecards are equal
byte for byte, and what a process takes.
"""

from __future__ import annotations

import argparse
import io
import json
import subprocess
import sys
import tarfile
import tempfile
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
from campaigns.watch import tree_of
from PIL import Image

from ganbench.system.cores import available_cores
from ganbench.toyfaces import toyfaces

HERE = Path(__file__).resolve().parent  # where light.py is found


def encoded(image: np.ndarray, number: int) -> bytes:
    """Return an image as a JPEG file, with one pixel that tells its number."""
    marked = image.copy()
    marked[number // 64 % 64, number % 64] = number // 4096 % 256
    buffer = io.BytesIO()
    Image.fromarray(marked).save(buffer, "JPEG", quality=90, comment=str(number).encode())
    return buffer.getvalue()


def write_shards(folder: Path, count: int, distinct: int, shards: int) -> str:
    """Write the shards, those that are not there yet; return the pattern that stands for them."""
    faces = [image for _, image in toyfaces(min(count, distinct))]
    bounds = np.linspace(0, count, shards + 1).astype(int)
    for shard, (start, end) in enumerate(pairwise(bounds)):
        path = folder / f"faces-{shard:06d}.tar"
        if path.exists():
            continue
        with tarfile.open(part := path.with_suffix(".part"), "w") as archive:
            for number in range(start, end):
                data = encoded(faces[number % len(faces)], number)
                info = tarfile.TarInfo(f"{number:08d}.jpg")
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
        part.rename(path)
    return str(folder / f"faces-{{000000..{shards - 1:06d}}}.tar")


def write_real(path: Path, count: int) -> None:
    """Write the real side: other faces."""
    np.save(path, np.stack([image for _, image in toyfaces(count, seed=1)]))


def peaks(pid: int) -> dict[int, int]:
    """Return the peak memory of a process and of all below it, bytes, by their ids."""
    found = {}
    for one in tree_of(pid):
        try:
            status = Path(f"/proc/{one}/status").read_text()
        except OSError:
            continue
        found[one] = sum(int(line.split()[1]) << 10 for line in status.splitlines() if line.startswith("VmHWM"))
    return found


def run(command: list[str]) -> dict[str, float]:
    """Run a command; return seconds and the peaks of its processes, MB."""
    began = time.monotonic()
    highest: dict[int, int] = {}
    process = subprocess.Popen(command, cwd=HERE, stdout=subprocess.DEVNULL)
    while process.poll() is None:
        for one, peak in peaks(process.pid).items():
            highest[one] = max(peak, highest.get(one, 0))
        time.sleep(0.2)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)}: ended with {process.returncode}")
    own = highest.pop(process.pid)
    return {
        "seconds": round(time.monotonic() - began, 1),
        "started_mb": own >> 20,
        "largest_other_mb": max(highest.values(), default=0) >> 20,
    }


def measure(folder: Path, args: argparse.Namespace) -> dict[str, object]:
    pattern = write_shards(folder, args.images, args.distinct, args.shards)
    write_real(real := folder / "real.npy", args.real)
    same = ["--features", args.features, "--detector", args.detector, "--reference", str(real), "--no-cache"]
    run([sys.executable, "-m", "ganbench", "score", pattern, *same, "--limit", "64", "--quiet"])
    runs = []
    cards = []
    for jobs in args.jobs:
        card = folder / f"card-{jobs}.json"
        options = [*same, "--jobs", str(jobs), "--json", str(card)]
        runs.append({"jobs": jobs, **run([sys.executable, "-m", "ganbench", "score", pattern, *options])})
        cards.append(card.read_bytes())
        print(json.dumps(runs[-1]), flush=True)
    rows = {row["id"]: row["value"] for row in json.loads(cards[0])["results"]}
    return {
        "images": args.images,
        "distinct": args.distinct,
        "shards": args.shards,
        "cores": available_cores(),
        "features": args.features,
        "detector": args.detector,
        "runs": runs,
        "equal": all(card == cards[0] for card in cards),
        "values": rows,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--distinct", type=int, default=2000)
    parser.add_argument("--real", type=int, default=2000)
    parser.add_argument("--shards", type=int, default=20)
    parser.add_argument("--jobs", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--features", default="lite0")
    parser.add_argument("--detector", default="yolo-nano", help="or none, to see what is left")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep shards and scorecards here")
    parser.add_argument("--json", type=Path, metavar="F", help="write the results here")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = args.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        found = measure(folder.resolve(), args)
    text = json.dumps(found, indent=1)
    if args.json:
        args.json.write_text(text + "\n", "utf-8")
    print(text)
    if not found["equal"]:
        raise SystemExit("the scorecards differ")


if __name__ == "__main__":
    main()
