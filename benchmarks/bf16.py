"""How far FID in bf16 is from FID in float32, for several differently made sets of Inception weights.

    python benchmarks/bf16.py                          # n = 500 and 1,000, about 40 minutes on two cores
    python benchmarks/bf16.py --count 100 --sets he    # a quick look
    python benchmarks/bf16.py --real faces.zip         # real images instead of toy faces

The published weights cannot come with the code. "he": as tests/random_inception.py makes them. "orthogonal": orthogonal
convolutions, batch norms of very different scales. "heavy": heavy-tailed convolutions, sparse activations. Both sides
are in the same precision, as in a score. "nearest" rounds the weights to the nearest bfloat16, which ganbench did
before its bf16 of Inception was version 2; it stands beside to show what the rounding does.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import numpy as np
import torch
from PIL import Image, ImageFilter

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from random_inception import random_images, random_state

from ganbench.features import inception
from ganbench.features.cpu import CpuRunner
from ganbench.features.export import _export
from ganbench.features.extractor import Extractor
from ganbench.features.networks.inception import InceptionV3
from ganbench.features.spec import BuildOptions
from ganbench.images.sources import open_source
from ganbench.metrics.frechet import solve
from ganbench.statistics.features import FeatureSet
from ganbench.toyfaces import toyfaces

WAYS = ("fp32", "nearest", "bf16")
PARTS = 4  # of the images, to tell what is the weights' doing from what is the images'


def calibrated(make: Callable[[torch.nn.Module, torch.Generator], None], images: np.ndarray) -> dict[str, torch.Tensor]:
    """Return a state whose batch norms have the statistics of some images."""
    generator = torch.Generator().manual_seed(11)
    with torch.device("meta"):
        network = InceptionV3()
    network.to_empty(device="cpu")
    for module in network.modules():
        make(module, generator)
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 1.0  # the statistics of the one batch below
            module.reset_running_stats()
    network.fc.weight.data.normal_(0, 0.05, generator=generator)
    network.fc.bias.data.zero_()
    x = torch.from_numpy(images).permute(0, 3, 1, 2).float()
    with torch.no_grad():
        network.train()(torch.nn.functional.interpolate((x - 128) / 128, (299, 299), mode="bilinear"))
    return {name: value.clone() for name, value in network.eval().state_dict().items()}


def orthogonal(module: torch.nn.Module, generator: torch.Generator) -> None:
    if isinstance(module, torch.nn.Conv2d):
        rows = module.weight.data.flatten(1)
        wide = torch.randn(*sorted(rows.shape, reverse=True), generator=generator)
        basis = torch.linalg.qr(wide)[0]
        module.weight.data = (2**0.5 * (basis if basis.shape == rows.shape else basis.T)).reshape(module.weight.shape)
    elif isinstance(module, torch.nn.BatchNorm2d):
        module.weight.data = torch.exp(0.5 * torch.randn(module.weight.shape, generator=generator))
        module.bias.data = -0.2 + 0.5 * torch.randn(module.bias.shape, generator=generator)


def heavy(module: torch.nn.Module, generator: torch.Generator) -> None:
    if isinstance(module, torch.nn.Conv2d):
        normal = torch.randn(module.weight.shape, generator=generator)
        spread = torch.exp(0.8 * torch.randn(module.weight.shape, generator=generator))
        module.weight.data = normal * spread * (1 / module.weight[0].numel()) ** 0.5
    elif isinstance(module, torch.nn.BatchNorm2d):
        module.weight.data = torch.exp(0.3 * torch.randn(module.weight.shape, generator=generator))
        module.bias.data = -0.5 + 0.3 * torch.randn(module.bias.shape, generator=generator)


SETS: dict[str, Callable[[np.ndarray], dict[str, torch.Tensor]]] = {
    "he": lambda images: random_state(0),
    "orthogonal": lambda images: calibrated(orthogonal, images),
    "heavy": lambda images: calibrated(heavy, images),
}


def extractor(weights: Path, way: str) -> Extractor:
    """Return the extractor in one of three ways."""
    options = BuildOptions(weights, device="cpu", precision="fp32" if way == "fp32" else "bf16")
    spec = inception.specify(options)
    as_it_is = mock.patch("ganbench.features.networks.inception.round_weights", lambda network: network)
    if way == "nearest":  # the processor rounds them
        with as_it_is:
            network = inception.build(spec, options)
    else:
        network = inception.build(spec, options)
    return Extractor(spec, CpuRunner(_export(network, spec), spec.precision))


def sides(real: Path | None, count: int) -> dict[str, np.ndarray]:
    """Return sets of images: real ones, others of their kind, those blurred, and noise of another kind."""
    if real is None:
        images = np.stack([image for _, image in toyfaces(2 * count, size=64, seed=3)])
    else:
        source = open_source(real, resize="64").first(2 * count)
        images = np.concatenate([batch.pixels for batch in source.batches(256)])
    blur = ImageFilter.GaussianBlur(0.7)
    blurred = np.stack([np.asarray(Image.fromarray(image).filter(blur)) for image in images[count:]])
    return {"real": images[:count], "others": images[count:], "blurred": blurred, "patches": random_images(count, 1)}


def main() -> None:
    """Print, for every set of weights and number of images, what bf16 does to FID."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, nargs="+", default=[500, 1000], help="images on each side")
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--real", type=Path, help="images, in anything that ganbench opens [default: toy faces]")
    args = parser.parse_args()
    most = max(args.count)
    images = sides(args.real, most)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["GANBENCH_HOME"] = folder
        for name in args.sets:
            weights = Path(folder) / f"{name}.pth"
            torch.save(SETS[name](images["real"][:24]), weights)
            features: dict[str, dict[str, np.ndarray]] = {}
            for way in WAYS:
                run, before = extractor(weights, way), time.process_time()
                features[way] = {side: run(pixels)[0] for side, pixels in images.items()}
                each = (time.process_time() - before) / (most * len(images))
                print(f"{name}, {way}: {1000 * each:.1f} ms of the processor per image", flush=True)
            for count in args.count:
                for side in ("others", "blurred", "patches"):
                    found = {way: fid(some["real"][:count], some[side][:count]) for way, some in features.items()}
                    off = ", ".join(
                        f"{way} {found[way] / found['fp32'] - 1:+.2%} {parts(features, way, side, count)}"
                        for way in WAYS[1:]
                    )
                    print(f"{name}, n = {count}, {side}: FID {found['fp32']:.4g}; {off}", flush=True)


def parts(features: dict[str, dict[str, np.ndarray]], way: str, side: str, count: int) -> str:
    """Say how far a way is off on each of a few disjoint parts of the images: what the choice of images does to it."""
    size = count // PARTS
    off = []
    for part in (slice(i * size, (i + 1) * size) for i in range(PARTS)):
        exact, rough = (fid(features[w]["real"][part], features[w][side][part]) for w in ("fp32", way))
        off.append(rough / exact - 1)
    return f"({min(off):+.2%} … {max(off):+.2%} in {PARTS} parts)"


def fid(real: np.ndarray, fake: np.ndarray) -> float:
    """Return the Frechet distance of two sets of features."""
    return solve(FeatureSet.of(real), FeatureSet.of(fake)).value


if __name__ == "__main__":
    main()
