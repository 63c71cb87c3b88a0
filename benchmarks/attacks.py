"""Can the judge be fooled? A cheating student's kit: each attack, the score that it would reach, and what catches it.

    python benchmarks/attacks.py --data anime-faces-20k.zip --out attacks            # 20 trials of everything: hours
    python benchmarks/attacks.py --data anime-faces-20k.zip --out attacks --trials 1 # goes on with --trials 20 later
    python benchmarks/attacks.py --data anime-faces-20k.zip --out quick --quick      # a quarter of an hour
    python benchmarks/attacks.py ... --only "single/*" --only honest/real

Every trial makes a submission, from a seed, and has it scored as anybody would. --known says which of the images the
judge remembers: the first so many by name, unless the reference itself says which. The others are what an honest
person could at best hand in: nothing may be said against them. Samples of --generator, a run folder or a G.pth, are
honest too; without it those of examples/wgan.tgz stand for them, of which there is one set only.

The first trial of an attack is measured by all metrics, later ones by those that flags follow from (--whole: all).
OUT keeps every outcome (outcomes.jsonl): a run that was killed goes on where it was. At the end table.md and
table.json are in it, the table is printed, and the exit code is 1 if an attack got through or honest work was flagged.
"""

from __future__ import annotations

import argparse
import fnmatch
import os
import sys
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))
from cheats.base import Attack
from cheats.catalogue import attacks as catalogue
from cheats.judge import Judge
from cheats.pool import Pool
from cheats.tally import tally, to_dict, to_markdown
from cheats.trials import Journal, Room, run

import ganbench
from ganbench.errors import GanbenchError
from ganbench.features.registry import load_extractor
from ganbench.images.sources import open_source
from ganbench.references.reference import Reference
from ganbench.references.resolve import resolve_references
from ganbench.system.cores import available_cores
from ganbench.system.storage import atomic_write
from ganbench.system.text import json_text

_QUICK_PAIRS = 6  # of all pairs, in a quick run


def chosen(all_of: Sequence[Attack], only: Sequence[str], quick: bool) -> list[Attack]:
    """Return the attacks that are asked for.

    Raises:
        GanbenchError: a pattern that fits none.
    """
    if unknown := [pattern for pattern in only if not any(fnmatch.fnmatch(a.name, pattern) for a in all_of)]:
        groups = ", ".join(dict.fromkeys(attack.group for attack in all_of))
        raise GanbenchError(f"no attack {', '.join(unknown)}. There are groups {groups}: --only 'single/*'; --list")
    if only:
        return [attack for attack in all_of if any(fnmatch.fnmatch(attack.name, pattern) for pattern in only)]
    if not quick:
        return list(all_of)
    pairs = [attack for attack in all_of if attack.group == "pair"]
    some = pairs[:: len(pairs) // _QUICK_PAIRS][:_QUICK_PAIRS]
    return [attack for attack in all_of if not attack.slow and (attack.group != "pair" or attack in some)]


def the_reference(given: Sequence[str]) -> Reference:
    """Return the reference of lite0."""
    spec = load_extractor("lite0").spec

    def refuse(*_: object) -> Reference:
        raise GanbenchError("attacks need a reference that is built: its name or file")

    return resolve_references(given, [spec], refuse, all_known=False)[0]["lite0"]


def open_pool(arguments: argparse.Namespace, reference: Reference) -> Pool:
    """Return the faces, by what the reference remembers."""
    index = getattr(reference, "index", None)
    positions = np.arange(arguments.known) if index is None else np.asarray(index.positions)
    if len(open_source(arguments.data)) <= len(positions):
        raise GanbenchError(f"{arguments.data}: no faces that the judge does not know. Give more, or a lower --known")
    sampled = reference.features.sample_index
    return Pool(arguments.data, positions, sampled, generator=arguments.generator)


def open_room(arguments: argparse.Namespace, out: Path, features: Sequence[str], folder: Path) -> Room:
    """Return where attacks are made and judged, with a folder of its own in ``folder``."""
    reference = the_reference(arguments.reference)
    pool = open_pool(arguments, reference)
    attacks = {one.name: one for one in catalogue(reference, out, pool.sample_sets)}
    own = Path(tempfile.mkdtemp(dir=folder))
    judge = Judge(arguments.reference, features, pool, own, not arguments.no_boards, arguments.whole)
    return Room(attacks, pool, judge, arguments.seed, arguments.count)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--data", type=Path, required=True, metavar="FACES", help="real faces, in the order of the reference's"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="outcomes and tables")
    parser.add_argument("--reference", action="append", default=[], metavar="NAME|FILE", help="what the judge knows")
    parser.add_argument("--features", action="append", default=[], metavar="NAME", help="extractors [default: lite0]")
    parser.add_argument("--known", type=int, default=18000, metavar="N", help="first images that the judge remembers")
    parser.add_argument("--generator", type=Path, metavar="RUN|G.pth", help="honest samples come from it")
    parser.add_argument("--trials", type=int, default=20, metavar="N", help="of each attack")
    parser.add_argument("--count", type=int, default=1000, metavar="N", help="images of a submission")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="of everything random")
    parser.add_argument(
        "--only", action="append", default=[], metavar="NAME", help="these alone; * stands for anything"
    )
    parser.add_argument("--quick", action="store_true", help="one trial, few pairs, nothing that takes minutes to make")
    parser.add_argument("--no-boards", action="store_true", help="boards only where the flag is seen nowhere else")
    parser.add_argument("--whole", action="store_true", help="all metrics in every trial, not only in the first")
    parser.add_argument("--jobs", type=int, default=available_cores(), metavar="N", help="processes [default: cores]")
    parser.add_argument("--list", action="store_true", help="name all attacks, and what is to catch them")
    arguments = parser.parse_args()
    try:
        sys.exit(attack(arguments))
    except GanbenchError as e:
        sys.exit(f"Error: {e}")


def attack(arguments: argparse.Namespace) -> int:
    """Try, and tell; returns the exit code."""
    features = arguments.features or ["lite0"]
    out: Path = arguments.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("GANBENCH_HOME", str(out / "home"))
    reference = the_reference(arguments.reference)
    pool = open_pool(arguments, reference)
    all_of = chosen(catalogue(reference, out, pool.sample_sets), arguments.only, arguments.quick)
    if arguments.list:
        for one in all_of:
            print(f"{one.name:34} {', '.join(sorted(one.caught_by)) or 'honest':22} {one.what}")
        return 0
    settings: dict[str, object] = {
        "reference": reference.data | {"name": reference.name},
        "features": features,
        "known": len(pool.known),
        "generator": arguments.generator and arguments.generator.name,
        "count": arguments.count,
        "seed": arguments.seed,
        "ganbench": ganbench.__version__,
    }
    journal = Journal(out / "outcomes.jsonl", settings)
    trials = 1 if arguments.quick else arguments.trials
    with tempfile.TemporaryDirectory(prefix="ganbench-attacks-") as folder:
        run(all_of, trials, journal, partial(open_room, arguments, out, features, Path(folder)), arguments.jobs)
    lines = tally(all_of, journal.outcomes)
    for name, text in (("table.json", json_text(to_dict(lines, settings))), ("table.md", to_markdown(lines))):
        with atomic_write(out / name, "w") as f:
            f.write(text)
    print(to_markdown(lines))
    return int(any(line.caught != (0 if line.honest else line.trials) for line in lines))


if __name__ == "__main__":
    main()
