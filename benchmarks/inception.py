"""FID from a folder of PNGs: ganbench against torch-fidelity, pytorch-fid and clean-fid, in one run.

    python benchmarks/inception.py                        # 1,000 images, about ten minutes on two cores
    python benchmarks/inception.py --count 64 --out inception.json
    python benchmarks/inception.py --memory 1000 20000    # peak memory of ganbench alone, about ten minutes

Every tool gets the same 64x64 PNGs, the same random weights (tests/random_inception.py) and a precomputed reference and
runs in a process of its own, imports included. "CPU s" is the processor time of all its threads, which other work on
the machine disturbs less than the wall time. "of GEMM" is the share of the matrix-product rate, measured in the same
run, that 11.4 GFLOP per image amounts to.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

GFLOP_PER_IMAGE = 11.4
REAL_COUNT = 64  # images behind the references: their features are not what is measured
DISTINCT = 1000  # more images than these are the same files under further names
TOOLS = ("ganbench fp32", "ganbench bf16", "torch-fidelity", "pytorch-fid", "clean-fid")
WHOLE = "ganbench, every metric"

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))


def write_images(folder: Path, count: int, seed: int) -> None:
    from PIL import Image
    from random_inception import random_images

    folder.mkdir()
    for i, image in enumerate(random_images(min(count, DISTINCT), seed)):
        Image.fromarray(image).save(folder / f"{i:05}.png")
    for i in range(DISTINCT, count):
        (folder / f"{i:05}.png").hardlink_to(folder / f"{i % DISTINCT:05}.png")


def prepare(work: Path) -> None:
    """Write the weights and ganbench's own references; export the network as a first use would."""
    from random_inception import write_weights

    from ganbench.features.registry import load_extractor
    from ganbench.features.spec import BuildOptions
    from ganbench.references.reference import Reference

    write_images(work / "real", REAL_COUNT, 2)
    weights = write_weights(work / "weights.pth")
    for precision in ("fp32", "bf16"):
        extractor = load_extractor("inception", BuildOptions(weights, precision=precision))
        Reference.build(work / "real", extractor).save(work / f"{precision}.npz")


def prepare_peers(work: Path) -> None:
    """Write the reference of each other tool, in its own form."""
    import torch

    from ganbench.features.registry import load_extractor
    from ganbench.features.spec import BuildOptions
    from ganbench.references.interop import write_pytorch_fid
    from ganbench.references.reference import Reference

    weights = work / "weights.pth"
    for name, file in (("inception:pytorch-fid", "pytorch-fid"), ("inception:clean", "clean")):
        reference = Reference.build(work / "real", load_extractor(name, BuildOptions(weights)))
        write_pytorch_fid(reference, work / f"{file}-stats.npz")
    torch_fidelity(work)  # fills its cache of the reference's statistics
    network = _pytorch_fid_network(weights)([3], resize_input=False, normalize_input=False).eval()

    class Layers(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.network(x)[0]

    class Program(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = Layers()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.layers(x)

    torch.jit.trace(Program(), torch.zeros(1, 3, 299, 299)).save(work / "inception-2015-12-05.pt")


def ganbench_fid(work: Path, precision: str, metrics: Sequence[str] | None = ("fd",)) -> float:
    import ganbench

    card = ganbench.score(
        work / "fake",
        work / f"{precision}.npz",
        "inception",
        None,
        metrics=metrics,
        weights=work / "weights.pth",
        precision=precision,
        cache=False,
    )
    return next(row.value for row in card.rows if row.id == "fid[inception]")


def torch_fidelity(work: Path) -> float:
    from torch_fidelity import calculate_metrics

    metrics = calculate_metrics(
        input1=str(work / "fake"),
        input2=str(work / "real"),
        input2_cache_name="real",
        cache_root=str(work / "cache"),
        fid=True,
        cuda=False,
        verbose=False,
        batch_size=32,
        feature_extractor_weights_path=str(work / "weights.pth"),
    )
    return metrics["frechet_inception_distance"]


def _pytorch_fid_network(weights: Path) -> type:
    import pytorch_fid.inception
    import torch

    def load(*_: object, **__: object) -> dict:
        return torch.load(weights, weights_only=True)

    pytorch_fid.inception.load_state_dict_from_url = load
    return pytorch_fid.inception.InceptionV3


def _restore_sqrtm_disp() -> None:
    """Give scipy.linalg.sqrtm its old ``disp`` argument back, without which both tools fail on a current SciPy."""
    import scipy.linalg

    current = scipy.linalg.sqrtm

    def sqrtm(matrix: object, disp: bool = True, **_: object) -> object:
        root = current(matrix)
        return root if disp else (root, 0.0)

    scipy.linalg.sqrtm = sqrtm


def pytorch_fid(work: Path) -> float:
    from pytorch_fid.fid_score import calculate_fid_given_paths

    _pytorch_fid_network(work / "weights.pth")
    _restore_sqrtm_disp()
    paths = [str(work / "fake"), str(work / "pytorch-fid-stats.npz")]
    return float(calculate_fid_given_paths(paths, 50, "cpu", 2048, num_workers=len(os.sched_getaffinity(0))))


def clean_fid(work: Path) -> float:
    import cleanfid.features
    import numpy as np
    import torch
    from cleanfid import fid

    tool = cleanfid.features.InceptionV3W
    cleanfid.features.InceptionV3W = lambda path, download, resize_inside: tool(str(work), False, resize_inside)
    _restore_sqrtm_disp()
    device = torch.device("cpu")
    model = cleanfid.features.build_feature_extractor("clean", device, use_dataparallel=False)
    features = fid.get_folder_features(
        str(work / "fake"), model, num_workers=0, batch_size=32, device=device, mode="clean", verbose=False
    )
    with np.load(work / "clean-stats.npz") as real:
        return float(fid.frechet_distance(features.mean(0), np.cov(features, rowvar=False), real["mu"], real["sigma"]))


def measure(tool: str, work: Path) -> dict[str, float]:
    """Run one tool in this process."""
    calls = {
        "ganbench fp32": lambda: ganbench_fid(work, "fp32"),
        "ganbench bf16": lambda: ganbench_fid(work, "bf16"),
        WHOLE: lambda: ganbench_fid(work, "fp32", None),
        "torch-fidelity": lambda: torch_fidelity(work),
        "pytorch-fid": lambda: pytorch_fid(work),
        "clean-fid": lambda: clean_fid(work),
    }
    fid = calls[tool]()
    return {"fid": fid, "peak_mb": peak_mb(), "cpu_seconds": time.process_time()}


def peak_mb() -> float:
    """Return this program's peak memory; getrusage would count what the parent held before the program started."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def gemm_rate(precision: str) -> float:
    """Return the rate of a large matrix product, GFLOP/s, the best of five."""
    import torch

    size = 2048
    a = torch.rand(size, size, dtype=torch.float32 if precision == "fp32" else torch.bfloat16)
    best = float("inf")
    for _ in range(6):
        started = time.perf_counter()
        a @ a
        best = min(best, time.perf_counter() - started)
    return 2 * size**3 / best / 1e9


def run(tool: str, folder: str) -> dict[str, float] | None:
    """Run one tool in a process of its own; None, and a line that says why, if it fails."""
    started = time.perf_counter()
    command = [sys.executable, __file__, "--one", tool, folder]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"{tool}: failed: {(done.stderr.strip().splitlines() or ['no message'])[-1]}", file=sys.stderr)
        return None
    return {**json.loads(done.stdout.splitlines()[-1]), "seconds": time.perf_counter() - started}


def compare(folder: str, count: int, tools: list[str]) -> dict[str, dict[str, float]]:
    """Run every tool on the same images and print the table."""
    prepare(Path(folder))
    write_images(Path(folder) / "fake", count, 1)
    prepare_peers(Path(folder))
    figures: dict[str, dict[str, float]] = {}
    for tool in tools:
        gemm = gemm_rate("bf16" if "bf16" in tool else "fp32")
        figure = run(tool, folder)
        if figure is not None:
            rate = count / figure["seconds"]
            share = rate * GFLOP_PER_IMAGE / gemm
            figures[tool] = {**figure, "images_per_s": rate, "gemm_gflops": gemm, "of_gemm": share}
    print(f"{'tool':16}{'seconds':>9}{'CPU s':>8}{'images/s':>10}{'peak MB':>9}{'of GEMM':>9}{'FID':>13}")
    for tool, f in figures.items():
        times = f"{f['seconds']:>9.1f}{f['cpu_seconds']:>8.1f}{f['images_per_s']:>10.1f}"
        print(f"{tool:16}{times}{f['peak_mb']:>9.0f}{f['of_gemm']:>9.0%}{f['fid']:>13.4f}")
    return figures


def compare_memory(folder: str, counts: list[int]) -> dict[str, dict[str, float]]:
    """Print the peak memory of a whole scorecard for each number of images."""
    prepare(Path(folder))
    figures: dict[str, dict[str, float]] = {}
    for count in counts:
        write_images(Path(folder) / "fake", count, 1)
        figure = run(WHOLE, folder)
        shutil.rmtree(Path(folder) / "fake")
        if figure is not None:
            figures[str(count)] = figure
            print(f"{count:>7} images: peak {figure['peak_mb']:.0f} MB, {figure['seconds']:.0f} s", flush=True)
    if len(figures) > 1:
        peaks = [figure["peak_mb"] for figure in figures.values()]
        print(f"the last against the first: {peaks[-1] / peaks[0]:.2f}")
    return figures


def main() -> None:
    """Compare the tools, or the memory at several numbers of images."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--tools", nargs="+", choices=TOOLS, default=list(TOOLS))
    parser.add_argument("--memory", type=int, nargs="+", metavar="COUNT", help="instead: ganbench's peak memory")
    parser.add_argument("--out", type=Path, help="also write the figures as JSON")
    parser.add_argument("--one", nargs=2, metavar=("TOOL", "FOLDER"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        tool, work = args.one
        print(json.dumps(measure(tool, Path(work))))
        return
    with tempfile.TemporaryDirectory() as folder:
        os.environ["GANBENCH_HOME"] = str(Path(folder) / "home")
        figures = compare_memory(folder, args.memory) if args.memory else compare(folder, args.count, args.tools)
    if args.out:
        args.out.write_text(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
