"""Stand-ins for the commands of SLURM, on one machine: they run what a job script asks for, here and now.

They know the options that SLURM 22.05 has, of those that the examples use, and refuse any other; every node is this
machine. As SLURM does, ``sbatch`` runs a copy of the script from a spool folder, reads its ``#SBATCH`` lines, and sets
the job's variables. It waits for the job, so that a job is done when its number is printed.
"""

from __future__ import annotations

import argparse
import itertools
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

_SBATCH = [
    "job-name", "nodes", "ntasks", "ntasks-per-node", "cpus-per-task", "mem-per-cpu", "time", "signal", "output",
    "open-mode", "array", "dependency",
]  # fmt: skip
_SBATCH_FLAGS = ["parsable", "no-kill", "requeue"]
_SRUN = ["nodes", "ntasks", "relative", "cpus-per-task", "wait", "kill-on-bad-exit", "output"]
_SRUN_FLAGS = ["no-kill"]


def install(folder: Path, ganbench: list[str]) -> dict[str, str]:
    """Make the commands and a Python environment in a folder; returns the variables under which scripts find them.

    Args:
        folder: where; it is made.
        ganbench: the words that stand for the command there.
    """
    commands, environment = folder / "bin", folder / "venv"
    commands.mkdir(parents=True)
    (environment / "bin").mkdir(parents=True)
    for name in ("sbatch", "srun"):
        _command(commands / name, f'exec "{sys.executable}" "{__file__}" {name} "$@"')
    _command(environment / "bin" / "ganbench", f'exec {shlex.join(ganbench)} "$@"')
    path = f"{environment / 'bin'}{os.pathsep}{Path(sys.executable).parent}"
    (environment / "bin" / "activate").write_text(f'export PATH="{path}{os.pathsep}$PATH"\n')
    return {
        "PATH": f"{commands}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(Path(__file__).resolve().parent.parent),
        "SLURM_STAND_IN": str(folder),
        "GANBENCH_VENV": str(environment),
        "HOME": str(folder / "nowhere"),
    }


def jobs(folder: Path) -> dict[str, tuple[int, str]]:
    """Return the exit code and the output of every job so far, by its number (``12`` or ``12_3``)."""
    codes = {file.stem: int(file.read_text()) for file in folder.glob("*.code")}
    return {number: (code, (folder / f"{number}.log").read_text()) for number, code in codes.items()}


def _command(path: Path, line: str) -> None:
    path.write_text(f"#!/bin/bash\n{line}\n")
    path.chmod(0o755)


def _parser(name: str, options: list[str], flags: list[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(name, allow_abbrev=False)
    for option in options:
        parser.add_argument(f"--{option}")
    for flag in flags:
        parser.add_argument(f"--{flag}", action="store_true")
    parser.add_argument("words", nargs=argparse.REMAINDER)
    return parser


def _sbatch(words: list[str]) -> int:
    folder = Path(os.environ["SLURM_STAND_IN"])
    parser = _parser("sbatch", _SBATCH, _SBATCH_FLAGS)
    script, *rest = parser.parse_args(words).words
    lines = re.findall(r"^#SBATCH (\S+)$", Path(script).read_text("utf-8"), re.MULTILINE)
    job = parser.parse_args(lines + words)
    number = next(n for n in itertools.count(31) if not (folder / f"spool-{n}").exists())
    spool = folder / f"spool-{number}"
    spool.mkdir()
    shutil.copy(script, spool / "slurm_script")
    if job.dependency is not None:
        after, _, first = job.dependency.partition(":")
        assert after == "afterany", job.dependency
        assert (folder / f"spool-{first}").exists(), job.dependency
    nodes = int(job.nodes or 1)
    variables = {
        "SLURM_JOB_ID": str(number),
        "SLURM_JOB_NUM_NODES": str(nodes),
        "SLURM_JOB_NODELIST": ",".join(f"node{n}" for n in range(1, nodes + 1)),
        "SLURM_CPUS_PER_TASK": job.cpus_per_task,
        "SLURM_SUBMIT_DIR": str(Path.cwd()),
        "SLURMD_NODENAME": "node1",
    }
    for index in _indices(job.array):
        one = {} if index is None else {"SLURM_ARRAY_TASK_ID": str(index), "SLURM_ARRAY_JOB_ID": str(number)}
        name = str(number) if index is None else f"{number}_{index}"
        with (folder / f"{name}.log").open("w") as log:
            done = subprocess.run(
                ["bash", str(spool / "slurm_script"), *rest],
                env=os.environ | variables | one, stdout=log, stderr=log, check=False,
            )  # fmt: skip
        (folder / f"{name}.code").write_text(str(done.returncode))
    print(number if job.parsable else f"Submitted batch job {number}")
    return 0


def _indices(array: str | None) -> list[int | None]:
    if array is None:
        return [None]
    first, _, last = array.partition("-")
    return list(range(int(first), int(last or first) + 1))


def _srun(words: list[str]) -> int:
    step = _parser("srun", _SRUN, _SRUN_FLAGS).parse_args(words)
    nodes = int(os.environ["SLURM_JOB_NUM_NODES"])
    assert int(step.relative or 0) + int(step.nodes) <= nodes, "more nodes than the job has"
    running = []
    for task in range(int(step.ntasks)):
        node = f"node{int(step.relative or 0) + task + 1}"
        variables = os.environ | {"SLURM_PROCID": str(task), "SLURMD_NODENAME": node}
        output = step.output.replace("%N", node) if step.output else os.devnull
        with Path(output).open("w") as said:
            running.append(subprocess.Popen(step.words, env=variables, stdout=said, stderr=said))
    signal.signal(signal.SIGTERM, lambda *_: [process.terminate() for process in running])
    return max(process.wait() for process in running)


if __name__ == "__main__":
    sys.exit({"sbatch": _sbatch, "srun": _srun}[sys.argv[1]](sys.argv[2:]))
