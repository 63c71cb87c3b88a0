"""Does `ganbench explain` say what is wrong? A blind test: known faults in real faces and in a GAN's samples.

    python benchmarks/explain.py --data anime-faces-20k.zip --gan RUN --keep kept          # all of it
    python benchmarks/explain.py --data anime-faces-20k.zip --keep kept --faults blur      # one fault, faces only
    python benchmarks/explain.py --data anime-faces-20k.zip --keep other --jpeg 90         # as submissions are saved
    python benchmarks/explain.py --data anime-faces-20k.zip --gan RUN --keep kept --show sheet.png

Eighteen faults at three strengths (blemishes/catalogue.py; fixed before the code that they judge was seen) are put into
sets of faces that the reference does not know, and into samples of a GAN (a run folder, a G.pth or an archive). Every
set is explained; counted is how often the right finding comes first, and of how many honest sets of held-out faces
nothing is found. The rules are at the top of blemishes/tally.py, the accepted kinds in blemishes/kinds.py.

Honest sets are drawn from the held-out faces without replacement within a set, so that sets share images: with 2,000
faces and sets of 500, two sets share a quarter. What all 2,000 have in common by chance, all sets have.

KEEP holds the outcomes (*.jsonl): a test that was killed goes on where it was; other code of ganbench begins anew. The
exit code is 1 if the right finding is first in less than 95 % of the sets at the two upper strengths on any material,
or something is found of more than 5 % of the honest sets.
"""

from __future__ import annotations

import argparse
import os
import sys
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from blemishes.ask import explain, known_reference, start
from blemishes.kinds import ACCEPTED
from blemishes.pool import FACES, GAN, Pool, check_size, held_out, samples
from blemishes.tally import passed, peace, tally, to_dict, to_markdown
from blemishes.trials import BY_NAME, all_trials, run, write_sheet
from blind.journal import Journal, code_digest

import ganbench
from ganbench.errors import GanbenchError
from ganbench.system.cores import available_cores
from ganbench.system.storage import atomic_write
from ganbench.system.text import json_text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--data", type=Path, required=True, metavar="FACES", help="archive that the reference is a part of"
    )
    parser.add_argument("--gan", type=Path, metavar="RUN|G.pth|SRC", help="samples that faults are put into as well")
    parser.add_argument("--keep", type=Path, required=True, metavar="DIR", help="outcomes, and what takes long")
    parser.add_argument("--count", type=int, default=500, metavar="N", help="images of a set [default: 500]")
    parser.add_argument("--trials", type=int, default=2, metavar="N", help="sets of a fault and strength [default: 2]")
    parser.add_argument("--honest", type=int, default=100, metavar="N", help="sets of honest faces [default: 100]")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="of everything random [default: 0]")
    parser.add_argument("--faults", nargs="+", metavar="NAME", help="these alone")
    parser.add_argument("--jpeg", type=int, metavar="Q", help="save sets as JPEG first; the finding jpeg is left out")
    parser.add_argument("--jobs", type=int, default=available_cores(), metavar="N", help="processes [default: cores]")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures")
    parser.add_argument("--show", type=Path, metavar="PNG", help="write a picture of the faults, and do nothing else")
    arguments = parser.parse_args()
    try:
        sys.exit(judge(arguments))
    except GanbenchError as e:
        sys.exit(f"Error: {e}")


def judge(arguments: argparse.Namespace) -> int:
    """Try, and tell; returns the exit code."""
    names = arguments.faults or [name for name in BY_NAME if arguments.jpeg is None or name != "jpeg"]
    if unknown := [name for name in names if name not in BY_NAME]:
        raise GanbenchError(f"no fault {', '.join(unknown)}. There are: {', '.join(BY_NAME)}")
    if arguments.jpeg is not None and "jpeg" in names:
        raise GanbenchError("--jpeg leaves the finding jpeg out, so that the fault jpeg cannot be told")
    keep: Path = arguments.keep.resolve()
    os.environ.setdefault("GANBENCH_HOME", str(keep / "home"))
    reference = known_reference()
    faces = held_out(arguments.data, reference, keep)
    pools = {FACES: faces} | ({GAN: samples(arguments.gan, keep)} if arguments.gan else {})
    if arguments.show:
        write_sheet(arguments.show, list(pools.values()), faces, names, arguments.seed)
        return 0
    for pool in pools.values():
        check_size(pool, arguments.count)
    settings = {
        "count": arguments.count,
        "seed": arguments.seed,
        "ganbench": ganbench.__version__,
        "reference": reference.name,
        **{material: _origin(pool) for material, pool in pools.items()},
        **({} if arguments.jpeg is None else {"jpeg": arguments.jpeg}),
    }
    journal = Journal(keep / f"outcomes-{code_digest()}.jsonl", settings)
    trials = all_trials(list(pools), names, arguments.trials, arguments.honest)
    run(
        trials, pools, faces, journal,
        count=arguments.count, seed=arguments.seed, jobs=arguments.jobs, start=start,
        explain=partial(explain, jpeg=arguments.jpeg),
    )  # fmt: skip
    lines, honest = tally(trials, journal.outcomes, ACCEPTED), peace(trials, journal.outcomes)
    if arguments.json:
        with atomic_write(arguments.json, "w") as f:
            f.write(json_text({"settings": settings} | to_dict(lines, honest)))
    seconds = sorted(journal.outcomes[trial.key]["seconds"] for trial in trials)
    print(to_markdown(lines, honest))
    print(f"an explanation of {arguments.count} images took {seconds[len(seconds) // 2]:.1f} s (median)")
    return int(not passed(lines, honest))


def _origin(pool: Pool) -> str:
    return f"{len(pool.pixels)} of {pool.origin}"


if __name__ == "__main__":
    main()
