"""The child process of a sweep: ``python -m campaigns.child NAME START STOP SEED FOLDER``.

It says ``case I`` before every case, ``fault TEXT`` for what is wrong with it, and ``done N`` at the end, N being the
cases in which libraries used Python's warnings, which commands send to their log. Such a warning about a line of
ganbench, as NumPy's on a division by zero, is a fault.
"""

from __future__ import annotations

import os
import random
import sys
import warnings
from pathlib import Path

from campaigns.base import own
from campaigns.registry import load


def main() -> None:
    """Try the cases."""
    name, start, stop, seed, folder = sys.argv[1:]
    # Whatever a library prints goes to the errors, and leaves the reports whole.
    with os.fdopen(os.dup(1), "w", encoding="utf-8", errors="backslashreplace", buffering=1) as out:
        os.dup2(2, 1)
        cases = load(name)(Path(folder))
        warned = 0
        for number in range(int(start), int(stop)):
            print("case", number, file=out)
            with warnings.catch_warnings(record=True) as said:
                warnings.simplefilter("always", UserWarning)
                warnings.simplefilter("always", RuntimeWarning)
                faults = cases.attempt(number, random.Random(f"{seed}/{number}"))
            warned += bool(said)
            faults += [f"{one.message} at {path}:{one.lineno}" for one in said if (path := own(one.filename))]
            for fault in faults:
                print("fault", " ".join(ascii(fault)[1:-1].split()), file=out)
        print("done", warned, file=out)


if __name__ == "__main__":
    main()
