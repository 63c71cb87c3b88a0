"""Kills ``ganbench grade`` with SIGKILL at random moments, lets the same command go on, and compares the folders.

    python benchmarks/grade_kills.py                    # ten moments, a class of 24
    python benchmarks/grade_kills.py --moments 2 --people 8 --jobs 2

Every trial begins with the caches of a first use: none but exported networks. What is compared: every file of the
results, to the byte, and that no other file lies about. A command that had ended before its moment counts for none, and
the moments after that one are earlier. Exit code 1 on a difference.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from campaigns.watch import end, environment
from made_class import made_class

_LIMIT = 1800.0  # seconds for a class that is not killed


def main() -> None:
    """Run the trials and print what differed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--moments", type=int, default=10)
    parser.add_argument("--people", type=int, default=24)
    parser.add_argument("--count", type=int, default=40, help="images of each")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    faults = 0
    with tempfile.TemporaryDirectory(prefix="ganbench-grade-kills-") as name:
        trial = Trial(Path(name), people=given.people, count=given.count, jobs=given.jobs)
        seconds = trial.whole()
        print(f"undisturbed: {seconds:.1f} s", flush=True)
        rng = random.Random(given.seed)
        kills = 0
        while kills < given.moments:
            moment = rng.uniform(0.05, 1.0) * seconds
            found = trial.run(moment)
            faults += bool(found)
            kills += trial.killed
            seconds = seconds if trial.killed else moment
            said = "; ".join(found) or "the same to the byte"
            print(f"{kills} of {given.moments}, {trial.story}: {said}", flush=True)
    print(f"{given.moments} moments, {faults} with faults")
    sys.exit(1 if faults else 0)


class Trial:
    """A made class, its undisturbed grades, and what killed commands come to."""

    def __init__(self, root: Path, *, people: int, count: int, jobs: int = 1) -> None:
        self.root, self._jobs = root, jobs
        self.story, self.killed = "", False
        made_class(root / "class", people=people, count=count)

    def whole(self) -> float:
        """Grade without being disturbed; returns the seconds that it took, without the export of networks.

        Where exported networks lie in ``home/cache/onnx`` already, it is not graded before to make them.
        """
        home = self.root / "home"
        if not (home / "cache" / "onnx").is_dir():
            self._finish(self.root / "warm-up", home)
            for cache in (home / "cache").iterdir():
                if cache.name != "onnx":
                    shutil.rmtree(cache)
        begun = time.monotonic()
        code = self._finish(self.root / "whole", home)
        if code:
            sys.exit(f"the undisturbed command ends with {code}: {self._said()}")
        return time.monotonic() - begun

    def run(self, moment: float) -> list[str]:
        """Kill a command once, let it go on, and return what is not as in the whole one."""
        out, home = self.root / "out", self.root / "home-of-out"
        shutil.copytree(self.root / "home" / "cache" / "onnx", home / "cache" / "onnx")
        process = self._start(out, home)
        with suppress(subprocess.TimeoutExpired):
            process.wait(moment)
        self.killed = process.poll() is None
        if self.killed:
            os.kill(process.pid, signal.SIGKILL)
        process.wait(_LIMIT)
        self.story = f"{'killed' if self.killed else 'had ended'} at {moment:.1f} s"
        if self.killed:
            self.story += f" with {len(list((out / 'state').glob('*.json')))} looks kept"
        code = self._finish(out, home)
        found = [f"the next run ends with {code}: {self._said()}"] if code else differences(self.root / "whole", out)
        shutil.rmtree(out, ignore_errors=True)
        shutil.rmtree(home)
        return found

    def _start(self, out: Path, home: Path) -> subprocess.Popen[bytes]:
        place = self.root / "class"
        words = [sys.executable, "-m", "ganbench", "grade", str(place / "submissions"), "--config"]
        words += [str(place / "class.toml"), "--out", str(out), "--jobs", str(self._jobs), "--device", "cpu", "--quiet"]
        with (self.root / "said.txt").open("wb") as said:
            return subprocess.Popen(words, env=environment(home), stdin=subprocess.DEVNULL, stdout=said, stderr=said)

    def _finish(self, out: Path, home: Path) -> int:
        process = self._start(out, home)
        try:
            return process.wait(_LIMIT)
        except subprocess.TimeoutExpired:
            end(process.pid)
            raise

    def _said(self) -> str:
        return (self.root / "said.txt").read_text("utf-8", "replace").strip()[-300:]


def differences(whole: Path, other: Path) -> list[str]:
    """Return the files in which two folders differ."""
    one, two = (
        {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        for folder in (whole, other)
    )
    return sorted(name for name in one.keys() | two.keys() if one.get(name) != two.get(name))


if __name__ == "__main__":
    main()
