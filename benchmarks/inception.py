"""FID from a folder of PNGs: ganbench against torch-fidelity, pytorch-fid and clean-fid, in one run.

    python benchmarks/inception.py                 # 1,000 images, about ten minutes on two cores
    python benchmarks/inception.py --count 128 --out inception.json

Every tool gets the same 64x64 PNGs, the same random weights (tests/random_inception.py) and a precomputed reference and
runs in a process of its own, imports included. "of GEMM" is the share of the matrix-product rate, measured in the same
run, that 11.4 GFLOP per image amounts to.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

GFLOP_PER_IMAGE = 11.4
REAL_COUNT = 64  # images behind the references: their features are not what is measured
TOOLS = ("ganbench fp32", "ganbench bf16", "torch-fidelity", "pytorch-fid", "clean-fid")

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))


def write_images(folder: Path, count: int, seed: int) -> None:
    from PIL import Image
    from random_inception import random_images

    folder.mkdir()
    for i, image in enumerate(random_images(count, seed)):
        Image.fromarray(image).save(folder / f"{i:05}.png")


def prepare(work: Path, count: int) -> None:
    """Write the images, the weights, and each tool's reference; export the network as a first use would."""
    import torch
    from random_inception import write_weights

    from ganbench.features.extractor import BuildOptions, load_extractor
    from ganbench.interop import write_pytorch_fid
    from ganbench.reference import Reference

    write_images(work / "fake", count, 1)
    write_images(work / "real", REAL_COUNT, 2)
    weights = write_weights(work / "weights.pth")
    for name, file in (("inception", "tf1"), ("inception:pytorch-fid", "pytorch-fid"), ("inception:clean", "clean")):
        reference = Reference.build(work / "real", load_extractor(name, BuildOptions(weights)))
        reference.save(work / f"{file}.npz")
        write_pytorch_fid(reference, work / f"{file}-stats.npz")
    rough = load_extractor("inception", BuildOptions(weights, precision="bf16"))
    Reference.build(work / "real", rough).save(work / "bf16.npz")
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


def ganbench_fid(work: Path, precision: str) -> float:
    import ganbench

    card = ganbench.score(
        work / "fake",
        work / ("tf1.npz" if precision == "fp32" else "bf16.npz"),
        "inception",
        None,
        metrics=["fd"],
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
    started = time.perf_counter()
    calls = {
        "ganbench fp32": lambda: ganbench_fid(work, "fp32"),
        "ganbench bf16": lambda: ganbench_fid(work, "bf16"),
        "torch-fidelity": lambda: torch_fidelity(work),
        "pytorch-fid": lambda: pytorch_fid(work),
        "clean-fid": lambda: clean_fid(work),
    }
    fid = calls[tool]()
    seconds = time.perf_counter() - started
    return {"seconds": seconds, "peak_mb": peak_mb(), "fid": fid}


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


def main() -> None:
    """Run every tool in a process of its own and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--tools", nargs="+", choices=TOOLS, default=list(TOOLS))
    parser.add_argument("--out", type=Path, help="also write the figures as JSON")
    parser.add_argument("--one", nargs=2, metavar=("TOOL", "FOLDER"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        tool, work = args.one
        print(json.dumps(measure(tool, Path(work))))
        return
    figures: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        os.environ["GANBENCH_HOME"] = str(Path(folder) / "home")
        prepare(Path(folder), args.count)
        for tool in args.tools:
            gemm = gemm_rate("bf16" if "bf16" in tool else "fp32")
            command = [sys.executable, __file__, "--one", tool, folder]
            started = time.perf_counter()
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                print(f"{tool}: failed: {(done.stderr.strip().splitlines() or ['no message'])[-1]}", file=sys.stderr)
                continue
            wall = time.perf_counter() - started
            figure = json.loads(done.stdout.splitlines()[-1])
            rate = args.count / wall
            share = rate * GFLOP_PER_IMAGE / gemm
            figures[tool] = {**figure, "seconds": wall, "images_per_s": rate, "gemm_gflops": gemm, "of_gemm": share}
    print(f"{'tool':16}{'seconds':>9}{'images/s':>10}{'peak MB':>9}{'of GEMM':>9}{'FID':>13}")
    for tool, f in figures.items():
        cells = (
            f"{f['seconds']:>9.1f}{f['images_per_s']:>10.1f}{f['peak_mb']:>9.0f}{f['of_gemm']:>9.0%}{f['fid']:>13.4f}"
        )
        print(f"{tool:16}{cells}")
    if args.out:
        args.out.write_text(json.dumps({"count": args.count, "tools": figures}, indent=2))


if __name__ == "__main__":
    main()
