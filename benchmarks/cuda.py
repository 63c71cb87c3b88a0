"""What a CUDA device gives: its values and speed against those of the CPU and torch-fidelity, and training.

    python benchmarks/cuda.py --data faces.zip                 # all parts, some five minutes on one GPU
    python benchmarks/cuda.py --data faces.zip --parts score train --json F

Needs a CUDA device; everything else of the project runs without one. "rate" is how
many images a second the networks take, without decoding. "score" measures the same images with the same
extractor on both devices, each in a process of its own: the largest relative difference of any row, and the seconds of
the whole program. "inception" does so with random weights (tests/random_inception.py) and torch-fidelity on the same
device. "train" trains each baseline at full width, and two of them also stopped half way and resumed: it says how far
the two generators are apart, since kernels that add up in any order are not the same bits twice. "probe" is a gradient
plot of two variants.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

VARIANTS = ("dcgan", "dcgan-clipnorm", "wgan", "wgan-gp", "stylegan2")
RESUMED = ("dcgan", "stylegan2")  # stopped and resumed as well
PARTS = ("rate", "score", "inception", "train", "probe")

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))


def command(*arguments: str | Path) -> float:
    """Run ganbench with these arguments; return its seconds."""
    began = time.monotonic()
    subprocess.run([sys.executable, "-m", "ganbench", *map(str, arguments), "--quiet"], check=True, timeout=500)
    return round(time.monotonic() - began, 2)


def values(card: Path) -> dict[str, float]:
    """Return the rows of a scorecard that have a value, by their ids."""
    rows = json.loads(card.read_text("utf-8"))["results"]
    return {row["id"]: row["value"] for row in rows if row["value"] is not None}


def apart(a: dict[str, float], b: dict[str, float]) -> tuple[float, str]:
    """Return the largest relative difference of two scorecards, and the row that has it."""
    if a.keys() != b.keys():
        raise SystemExit(f"the scorecards do not have the same rows: {sorted(a.keys() ^ b.keys())}")
    return max((abs(a[key] - b[key]) / max(abs(a[key]), 1e-3), key) for key in a)


def rates(work: Path, data: Path) -> dict[str, object]:
    """Return the images a second of each network, with the batches that scoring uses."""
    del data
    from random_inception import write_weights

    from ganbench.features.registry import load_extractor
    from ganbench.features.spec import BuildOptions

    weights = write_weights(work / "weights.pth")
    pixels = np.random.default_rng(0).integers(0, 256, (2048, 64, 64, 3), dtype=np.uint8)
    found: dict[str, object] = {}
    for name in ("lite0", "inception"):
        for precision in ("fp32", "bf16"):
            options = BuildOptions(weights if name == "inception" else None, device="cuda", precision=precision)
            extractor = load_extractor(name, options)
            extractor(pixels[:64])
            began = time.monotonic()
            extractor(pixels)
            found[f"{name} {precision}"] = round(len(pixels) / (time.monotonic() - began))
    return found


def score(work: Path, data: Path) -> dict[str, object]:
    """Score the images on both devices and in both precisions."""
    found: dict[str, object] = {}
    cards = {}
    for device, precision in (("cpu", "fp32"), ("cuda", "fp32"), ("cuda", "bf16")):
        card = work / f"{device}-{precision}.json"
        options = ["--resize", "64", "--reference", data, "--no-cache", "--detector", "none"]
        options += ["--device", device, "--precision", precision, "--json", card]
        first = command("score", data, *options, "--limit", "64")
        found[f"seconds {device} {precision}"] = command("score", data, *options, "--limit", "1000")
        found[f"seconds {device} {precision}, 64 images"] = first
        cards[device, precision] = values(card)
    for precision in ("fp32", "bf16"):
        found[f"apart {precision}"] = apart(cards["cpu", "fp32"], cards["cuda", precision])
    return found


def fid(kind: str, precision: str, device: str, work: Path) -> float:
    """Measure FID with the random weights, by this project or by torch-fidelity."""
    files = {"weights": work / "weights.pth", "fake": work / "fake", "real": work / "real"}
    if kind == "torch-fidelity":
        from torch_fidelity import calculate_metrics

        found = calculate_metrics(
            input1=str(files["fake"]),
            input2=str(files["real"]),
            fid=True,
            cuda=device == "cuda",
            verbose=False,
            batch_size=64,
            feature_extractor_weights_path=str(files["weights"]),
            cache=False,
        )
        return float(found["frechet_inception_distance"])
    import ganbench

    card = ganbench.score(
        files["fake"],
        files["real"],
        "inception",
        None,
        metrics=("fd",),
        weights=files["weights"],
        precision=precision,
        device=device,
        cache=False,
    )
    return card["fid[inception]"].value


def inception(work: Path, data: Path) -> dict[str, object]:
    """Measure FID with random weights on both devices, and by torch-fidelity."""
    del data
    from inception import write_images
    from random_inception import write_weights

    write_weights(work / "weights.pth")
    write_images(work / "fake", 1000, 1)
    write_images(work / "real", 256, 2)
    found: dict[str, object] = {}
    kinds = (
        ("ganbench", "fp32", "cpu"),
        ("ganbench", "fp32", "cuda"),
        ("ganbench", "bf16", "cuda"),
        ("torch-fidelity", "fp32", "cuda"),
    )
    for kind in kinds:
        began = time.monotonic()
        done = subprocess.run(
            [sys.executable, __file__, "--one", *kind, str(work)],
            capture_output=True,
            text=True,
            timeout=500,
            check=True,
        )
        seconds = round(time.monotonic() - began, 2)
        found[" ".join(kind)] = {"fid": float(done.stdout.split()[-1]), "seconds": seconds}
    return found


def generator(run: Path) -> np.ndarray:
    """Return all weights of a run's generator as one vector."""
    import torch

    state = torch.load(run / "checkpoint.pt", map_location="cpu", weights_only=True)["generator"]
    return np.concatenate([value.float().flatten().numpy() for value in state.values()])


def train(work: Path, data: Path, steps: int) -> dict[str, object]:
    """Train every baseline, whole and in two halves, and score what it makes."""
    found: dict[str, object] = {}
    for variant in VARIANTS:
        for precision in ("fp32", "bf16"):
            run, halves = work / f"{variant}-{precision}", work / f"{variant}-{precision}-halves"
            options = ["--variant", variant, "--data", data, "--resize", "64", "--device", "cuda"]
            options += ["--precision", precision, "--preset", "paper", "--log-every", "10"]
            seconds = command("train", *options, "--run", run, "--steps", steps)
            line: dict[str, object] = {"seconds": seconds, "images_per_second": rate(run)}
            if precision == "fp32" and variant in RESUMED:
                command("train", *options, "--run", halves, "--steps", steps // 2)
                command("train", *options, "--run", halves, "--steps", steps, "--resume")
                a, b = generator(run), generator(halves)
                line["halves_apart"] = float(np.linalg.norm(a - b) / np.linalg.norm(a))
                command("sample", run, "--out", work / f"{variant}-samples", "--count", 200, "--device", "cuda")
            found[f"{variant} {precision}"] = line
            print(variant, precision, line, flush=True)
    return found


def rate(run: Path) -> float:
    """Return the median of the images a second that the second half of a run's log tells."""
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text("utf-8").splitlines()]
    rates = [line["images_per_second"] for line in lines if "images_per_second" in line]
    return round(float(np.median(rates[len(rates) // 2 :])), 1)


def probe(work: Path, data: Path) -> dict[str, object]:
    """Draw the gradient plot of two variants on the device."""
    found: dict[str, object] = {}
    for variant in ("wgan", "wgan-gp"):
        out = work / f"probe-{variant}"
        options = ["--data", data, "--resize", "64", "--steps", "100", "--device", "cuda", "--out", out]
        found[variant] = command("gradnorm", "--variant", variant, *options)
        found[f"{variant} files"] = sorted(path.name for path in out.iterdir())
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, metavar="SRC", help="faces, at least 1,000")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--steps", type=int, default=200, metavar="N", help="length of each training")
    parser.add_argument("--json", type=Path, metavar="F", help="write the results here")
    if sys.argv[1:2] == ["--one"]:
        print(fid(*sys.argv[2:5], Path(sys.argv[5])))
        return
    args = parser.parse_args()
    import torch

    if not torch.cuda.is_available():
        raise SystemExit("no CUDA device here: this benchmark compares one with the CPU")
    found: dict[str, object] = {"device": torch.cuda.get_device_name(), "torch": torch.__version__}
    parts: dict[str, Callable[[Path, Path], dict[str, object]]] = {
        "rate": rates,
        "score": score,
        "inception": inception,
        "train": lambda work, data: train(work, data, args.steps),
        "probe": probe,
    }
    with tempfile.TemporaryDirectory() as temporary:
        for part in args.parts:
            try:
                found[part] = parts[part](Path(temporary), args.data.resolve())
            except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
                found[part] = f"failed: {error}"  # the other parts are measured all the same; the exit tells
            print(json.dumps({part: found[part]}, indent=1), flush=True)
            if args.json:
                args.json.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    if any(isinstance(found[part], str) for part in args.parts):
        raise SystemExit("a part failed: see above")


if __name__ == "__main__":
    main()
