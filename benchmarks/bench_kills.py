"""Kills a bench with SIGKILL at random moments, lets the same command go on, and compares with an undisturbed one.

    python benchmarks/bench_kills.py --moments 20                      # in a folder and in an object store, in turn
    python benchmarks/bench_kills.py --moments 4 --where store --steps 20

The store is moto's server, a process of its own. What is killed is the command or one of its workers; in the store,
what was kept on this machine is thrown away for half of the moments: another machine goes on. For kills on a cluster,
see cluster_kills.py.

Compared to the bit: weights, optimizers and random state of every checkpoint, samples, scorecards, logs, sheets,
gradient norms, and the board. What the clock says is left out. Exit code 1 on a difference.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
from campaigns.watch import environment, tree_of, words_of
from PIL import Image

from ganbench.scoring.scorecard import Scorecard
from ganbench.toyfaces import toyfaces
from ganbench.training.checkpoint import load_checkpoint
from ganbench.training.run_folder import RunFolder

_LIMIT = 1800.0  # seconds for a bench that is not killed
_CLOCK = {"images_per_second", "minutes", "speed", "path", "seconds"}


def main() -> None:
    """Run the trials and print what differed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--moments", type=int, default=20)
    parser.add_argument("--where", default="folder,store")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=40, help="of every cell")
    given = parser.parse_args()
    rng, wheres, faults = random.Random(given.seed), given.where.split(","), 0
    with tempfile.TemporaryDirectory(prefix="ganbench-bench-kills-") as name, ExitStack() as stack:
        root = Path(name)
        trial = _Trial(root, given.steps)
        if "store" in wheres:
            trial.endpoint = stack.enter_context(_store(root))
        begun = time.monotonic()
        code = trial.finish(trial.command(str(root / "whole")), root / "home")
        if code:
            sys.exit(f"the undisturbed bench ends with {code}: {trial.said()}")
        seconds = time.monotonic() - begun
        print(f"undisturbed: {seconds:.1f} s", flush=True)
        for number in range(given.moments):
            where = wheres[number % len(wheres)]
            found = trial.run(number, where, rng, seconds)
            faults += bool(found)
            print(
                f"{number + 1} of {given.moments}, {trial.story}: {'; '.join(found) or 'same to the bit'}", flush=True
            )
    print(f"{given.moments} moments, {faults} with faults")
    sys.exit(1 if faults else 0)


class _Trial:
    """Benches in a folder of their own, and the whole one that they are compared with."""

    def __init__(self, root: Path, steps: int) -> None:
        self.root, self.steps = root, steps
        self.endpoint = ""
        self.story = ""
        (root / "faces").mkdir()
        for i, (_, image) in enumerate(toyfaces(24, size=32, seed=3), 1):
            Image.fromarray(image).save(root / "faces" / f"{i}.png")
        (root / "grid.toml").write_text(
            'variants = ["dcgan", "wgan-gp"]\nseeds = [0]\npreset = "smoke"\nsamples = 30\ngradnorm_steps = 4\n'
            "save_every = 3\n[seeds_of]\nwgan-gp = [0, 1]\n[overrides]\n"
            f'"" = ["model.size=32", "training.batch=8", "training.steps={steps}"]\n',
            "utf-8",
        )

    def command(self, out: str, *more: str) -> list[str]:
        faces = str(self.root / "faces")
        words = [sys.executable, "-m", "ganbench", "bench", str(self.root / "grid.toml"), "--data", faces]
        words += ["--reference", faces, "--detector", "none", "--device", "cpu", "--out", out, "--cores", "1"]
        return [*words, *more]

    def start(self, words: list[str], home: Path) -> subprocess.Popen[bytes]:
        more = {}
        if self.endpoint:
            more = {
                "AWS_ENDPOINT_URL": self.endpoint,
                "AWS_ACCESS_KEY_ID": "testing",
                "AWS_SECRET_ACCESS_KEY": "testing",
                "AWS_DEFAULT_REGION": "us-east-1",
                "AWS_EC2_METADATA_DISABLED": "true",
            }
        with (self.root / "said.txt").open("wb") as said:
            return subprocess.Popen(
                words, env=environment(home, **more), stdin=subprocess.DEVNULL, stdout=said, stderr=said
            )

    def finish(self, words: list[str], home: Path) -> int:
        return self.start(words, home).wait(_LIMIT)

    def said(self) -> str:
        return (self.root / "said.txt").read_text("utf-8", "replace").strip()[-300:]

    def run(self, number: int, where: str, rng: random.Random, seconds: float) -> list[str]:
        """Kill a bench once, let it go on, and return what is not as in the whole one."""
        name = f"trial{number}"
        home, folder = self.root / f"home{number}", self.root / name
        shutil.copytree(self.root / "home" / "cache" / "onnx", home / "cache" / "onnx")
        out = f"s3://kills/{name}" if where == "store" else str(folder)
        more = ["--jobs", rng.choice("12")]
        victim = rng.choice(["command", "worker"])
        moment = rng.uniform(0.1, 1.0) * seconds
        process = self.start(self.command(out, *more), home)
        with suppress(subprocess.TimeoutExpired):
            process.wait(moment)
        killed = process.poll() is None and self._kill(victim, process, rng)
        self.story = f"{where}, {victim} {'killed' if killed else 'had ended'} at {moment:.1f} s"
        code = process.wait(_LIMIT)
        if where == "store" and rng.random() < 0.5:
            shutil.rmtree(home / "cache" / "runs", ignore_errors=True)
            self.story += ", copies lost"
        if code != 0:
            code = self.finish(self.command(out, *more), home)
        if code:
            return [f"the next run ends with {code}: {self.said()}"]
        if where == "store":
            _download(self.endpoint, name, folder)
        found = _differences(self.root / "whole", folder)
        shutil.rmtree(folder)
        shutil.rmtree(home)
        return found

    def _kill(self, victim: str, process: subprocess.Popen[bytes], rng: random.Random) -> bool:
        """Kill the command, or one of its workers where there is one; returns whether anything was left to kill."""
        workers = [pid for pid in tree_of(process.pid)[1:] if "spawn_main" in words_of(pid)]
        with suppress(ProcessLookupError):
            os.kill(rng.choice(workers) if workers and victim == "worker" else process.pid, signal.SIGKILL)
            return True
        return False


def facts(folder: Path) -> dict[str, Any]:
    """Return all that a finished bench came to, by what it is, without what the clock says."""
    found: dict[str, Any] = {"leaderboard": _plain(json.loads((folder / "leaderboard.json").read_text("utf-8")))}
    for cell in sorted(path.parent for path in folder.glob("*/recipe.toml")):
        name = cell.name
        found |= {
            f"{name}: checkpoint": _plain(load_checkpoint(cell / "checkpoint.pt")),
            f"{name}: samples": np.load(cell / "samples.npz")["images"].tobytes(),
            f"{name}: scorecard": Scorecard.read(cell / "scorecard.json").rows,
            f"{name}: log": _plain(RunFolder(cell).read_metrics()),
            f"{name}: gradnorm": (cell / "gradnorm.csv").read_bytes(),
            f"{name}: status": json.loads((cell / "status.json").read_text("utf-8"))["state"],
            f"{name}: sheets": [(p.name, p.read_bytes()) for p in sorted((cell / "samples").iterdir())],
            f"{name}: left lying about": [path.name for path in cell.rglob(".*")],
        }
    return found


def _differences(whole: Path, other: Path) -> list[str]:
    """Return what two benches differ in."""
    one, two = facts(whole), facts(other)
    return [what for what in one.keys() | two.keys() if one.get(what) != two.get(what)]


def _plain(value: Any) -> Any:
    """Return nested data with arrays as bytes and without what the clock says."""
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items() if key not in _CLOCK}
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    if hasattr(value, "numpy"):
        array = value.contiguous().cpu().numpy()
        return str(array.dtype), array.shape, array.tobytes()
    return value


@contextmanager
def _store(root: Path) -> Iterator[str]:
    """Run an S3 server with a bucket; yields its address."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    endpoint = f"http://127.0.0.1:{port}"
    with (root / "store.txt").open("wb") as said:
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
        server = subprocess.Popen(command, stdout=said, stderr=said)
    try:
        until = time.monotonic() + 120
        while time.monotonic() < until:
            with suppress(OSError), urllib.request.urlopen(f"{endpoint}/moto-api/", timeout=5):
                break
            time.sleep(0.2)
        _client(endpoint).create_bucket(Bucket="kills")
        yield endpoint
    finally:
        server.terminate()
        server.wait(60)


def _client(endpoint: str) -> Any:
    import boto3

    known = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing", "region_name": "us-east-1"}
    return boto3.client("s3", endpoint_url=endpoint, **known)


def _download(endpoint: str, prefix: str, folder: Path) -> None:
    client = _client(endpoint)
    pages = client.get_paginator("list_objects_v2").paginate(Bucket="kills", Prefix=f"{prefix}/")
    for key in [one["Key"] for page in pages for one in page.get("Contents", [])]:
        if "/.lock/" not in key:
            target = folder / key[len(prefix) + 1 :]
            target.parent.mkdir(parents=True, exist_ok=True)
            client.download_file("kills", key, str(target))


if __name__ == "__main__":
    main()
