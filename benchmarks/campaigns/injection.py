"""Hostile names and texts through every export and every command's output, and output of every encoding."""

from __future__ import annotations

import json
import random
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from campaigns.base import Found
from campaigns.bomb_files import small
from campaigns.exports import CONTROL, faults_of, scripts
from campaigns.hostile import ALL, names, spoil
from campaigns.packing import pack
from campaigns.watch import Done
from campaigns.watch import run as command

COUNT = 40  # hostile names
_ROUND = 20  # of them on one board
_IMAGES = 10
_ENCODINGS = ("ascii", "cp1252", "latin-1", "big5")
# Colours, and what the progress bar is drawn anew with, which shows as soon as colours are forced.
_OURS = re.compile(r"\x1b\[([0-9;]*m|\?25[lh]|1A|2K)|\r(?=\x1b\[(2K|1A))")
_BROKEN = (
    "detect",
    "data check",
    "reference show",
    "reference verify",
    "recipes show",
    "sample --out x",
    "leaderboard",
)


class _Campaign:
    """What one run of the campaign has found, and where it works."""

    def __init__(self, folder: Path, home: Path, rng: random.Random) -> None:
        self.folder = folder
        self.home = home
        self.rng = rng
        self.found = Found()
        self.base = pack(folder / "base.tgz", small(_IMAGES))
        page = folder / "clean.html"
        done = command(["leaderboard", self.base, "--html", page, "--json", folder / "clean.json"], home)
        if done.code:
            raise RuntimeError(done.text)
        self.scripts = scripts(page.read_text("utf-8"))
        self.clean = json.loads((folder / "clean.json").read_text("utf-8"))["boards"][0]["entries"][0]["scorecard"]

    def check(self, label: str, kind: str, text: str) -> None:
        """Check one export or output."""
        self.found.tried += 1
        self.found.faults += [f"{label}, {kind}: {f}" for f in faults_of(kind, text, scripts_of_ours=self.scripts)]

    def check_file(self, label: str, kind: str, path: Path) -> None:
        """Check an export that must be there, in UTF-8."""
        try:
            self.check(label, kind, path.read_bytes().decode("utf-8"))
        except (OSError, UnicodeDecodeError) as e:
            self.found.tried += 1
            self.found.faults.append(f"{label}, {kind}: {type(e).__name__}: {e}"[:200])

    def check_output(self, label: str, done: Done, codes: tuple[int, ...] = (0,)) -> None:
        """Check how a command ended and what it wrote to the terminal."""
        if why := done.fault(codes):
            self.found.tried += 1
            self.found.faults.append(f"{label}: {why}")
        try:
            text = (done.out + done.err).decode("utf-8")
        except UnicodeDecodeError:
            self.found.faults.append(f"{label}, terminal: bytes that are not UTF-8")
            text = done.text
        self.check(label, "terminal", text)


def run(count: int | None, seed: int, home: Path) -> Found:
    """Send hostile names through the commands.

    Args:
        count: how many names; None: as usual.
        seed: of the names.
        home: folder for what ganbench keeps.
    """
    rng = random.Random(f"injection/{seed}")
    with tempfile.TemporaryDirectory(prefix="ganbench-injection-") as name:
        campaign = _Campaign(Path(name), home, rng)
        wanted = names(count or COUNT, rng, ".tgz")
        for start in range(0, len(wanted), _ROUND):
            _board(campaign, wanted[start : start + _ROUND])
        _members(campaign)
        _broken(campaign)
        _encodings(campaign)
        return campaign.found


def _board(campaign: _Campaign, wanted: list[str]) -> None:
    """Rank submissions of hostile names, a scorecard of hostile texts and what is broken; all exports at once."""
    folder = campaign.folder / "class"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    broken = set(wanted[3::7])
    for name in wanted:
        if name in broken:
            (folder / name).write_bytes(b"broken")
        else:
            shutil.copy(campaign.base, folder / name)
    card = dict(campaign.clean, **{key: spoil(campaign.clean[key], campaign.rng) for key in ("source", "versions")})
    card["warnings"] = list(ALL)
    (folder / "card.json").write_text(json.dumps(card), "utf-8")
    files = {"csv": "b.csv", "markdown": "b.md", "latex": "b.tex", "json": "b.json", "html": "b.html"}
    paths = {kind: campaign.folder / name for kind, name in files.items()}
    for path in paths.values():
        path.unlink(missing_ok=True)
    exports = [word for kind, path in paths.items() for word in (f"--{kind}", path)]
    members = ["./" + name for name in [*wanted, "card.json"]]
    done = command(["leaderboard", *exports, "--", *members], campaign.home, cwd=folder)
    campaign.check_output("leaderboard", done)
    for kind, path in paths.items():
        campaign.check_file("leaderboard", kind, path)
    if paths["json"].is_file():
        board = json.loads(paths["json"].read_text("utf-8", "replace"))
        ranked = sum(len(one["entries"]) for one in board["boards"])
        whole = len(wanted) - len(broken)
        if not whole <= ranked <= whole + 1 or ranked + len(board["not_ranked"]) != len(wanted) + 1:
            campaign.found.faults.append(f"leaderboard: {ranked} ranked of {whole} whole submissions")
    colours = command(["leaderboard", "--", *members], campaign.home, cwd=folder, more={"FORCE_COLOR": "1"})
    if hits := CONTROL.findall(_OURS.sub("", colours.text)):
        campaign.found.faults.append(f"leaderboard, in colours: control characters {sorted(set(hits))[:4]!r}")
    campaign.found.tried += 1


def _members(campaign: _Campaign) -> None:
    """Score, detect and check an archive whose members have hostile names, some of them damaged."""
    rng = campaign.rng
    evil = names(24, rng, ".png")
    images = small(len(evil))
    files = [(name, b"damaged" if i % 5 == 4 else images[i][1]) for i, name in enumerate(evil)]
    files += [(name, b"notes") for name in names(6, rng, ".txt")]
    path = pack(campaign.folder / "members.tgz", files)
    out = {kind: campaign.folder / f"m.{kind}" for kind in ("csv", "markdown", "json", "html")}
    exports = [word for kind, file in out.items() for word in (f"--{kind}", file)]
    table = campaign.folder / "images.csv"
    done = command(["score", path, "--skip-bad", "9", *exports, "--per-image", table], campaign.home)
    campaign.check_output("score", done)
    for kind, file in [*out.items(), ("csv", table)]:
        campaign.check_file("score", kind, file)
    faces = campaign.folder / "faces.csv"
    done = command(["detect", path, "--skip-bad", "9", "--csv", faces], campaign.home)
    campaign.check_output("detect", done)
    campaign.check_file("detect", "csv", faces)
    for words, codes in (("score", (2,)), ("detect --json --skip-bad 9", (0,)), ("data check", (1,))):
        campaign.check_output(words, command([*words.split(), path], campaign.home), codes)
    done = command(["data", "check", path, "--json"], campaign.home)
    campaign.check_output("data check --json", done, (1,))
    campaign.check("data check --json", "json", done.out.decode("utf-8", "replace"))


def _broken(campaign: _Campaign) -> None:
    """Name files that are not there, or are not what they should be, to every command that takes one."""
    for words, name in _named(campaign.rng):
        there = campaign.rng.random() < 0.5 and "\0" not in name
        path = campaign.folder / name
        if there:
            path.write_bytes(b"\x1b[31m<b>" * 9)
        done = command([*words.split(), str(path)], campaign.home)
        campaign.check_output(f"{words} {name!r}"[:60], done, (1, 2))
        if there:
            path.unlink(missing_ok=True)


def _named(rng: random.Random) -> Iterator[tuple[str, str]]:
    endings = {"reference show": ".npz", "reference verify": ".npz", "recipes show": ".toml", "sample --out x": ".pth"}
    for words in _BROKEN:
        for name in rng.sample(names(40, rng, endings.get(words, ".tgz")), 2):
            yield words, name


def _encodings(campaign: _Campaign) -> None:
    """Print tables with arrows and Chinese names where the output cannot hold them: numbers come all the same."""
    path = campaign.folder / "二號 ü.tgz"
    shutil.copy(campaign.base, path)
    places = [{"PYTHONIOENCODING": name} for name in _ENCODINGS]
    places += [{"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}]
    for place in places:
        for words in ("leaderboard", "score"):
            campaign.found.tried += 1
            done = command([words, path], campaign.home, more=place)
            label = f"{words}, {' '.join(f'{key}={value}' for key, value in place.items())}"
            encoding = place.get("PYTHONIOENCODING", "ascii")
            if why := done.fault():
                campaign.found.faults.append(f"{label}: {why}")
            elif not re.search(r"fd.*\[lite0\].*\d{3}", done.out.decode(encoding, "replace"), re.DOTALL):
                campaign.found.faults.append(f"{label}: no numbers")
