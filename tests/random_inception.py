"""Random weights in the file format of torch-fidelity and pytorch-fid, for tests and benchmarks.

    python tests/random_inception.py weights.pth

The published weights cannot come with the code. These exercise the same arithmetic: He-scaled convolutions, batch-norm
statistics set from the activations they meet, so that activations stay of the order of one through all layers.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch

from ganbench.features.networks.inception import InceptionV3


def random_images(count: int, seed: int, size: int = 64) -> np.ndarray:
    """Return ``count`` images of random coarse patches, uint8 (count, size, size, 3)."""
    from PIL import Image

    rng = np.random.default_rng(seed)
    tone = rng.integers(30, 226, (count, 1, 1, 3))
    coarse = np.clip(tone + rng.normal(0, 60, (count, 6, 6, 3)), 0, 255).astype(np.uint8)
    resized = [np.asarray(Image.fromarray(image).resize((size, size), Image.Resampling.BICUBIC)) for image in coarse]
    noisy = np.stack(resized) + rng.normal(0, 8, (count, size, size, 3))
    return np.clip(noisy, 0, 255).astype(np.uint8)


def random_state(seed: int = 0) -> dict[str, torch.Tensor]:
    """Return a state dictionary with the names, shapes and types of the published file."""
    generator = torch.Generator().manual_seed(seed)
    with torch.device("meta"):
        network = InceptionV3()
    network.to_empty(device="cpu")
    for module in network.modules():
        if isinstance(module, torch.nn.Conv2d):
            fan_in = module.weight[0].numel()
            module.weight.data.normal_(0, (2 / fan_in) ** 0.5, generator=generator)
        elif isinstance(module, torch.nn.BatchNorm2d):
            module.weight.data.uniform_(0.8, 1.2, generator=generator)
            module.bias.data.normal_(0, 0.2, generator=generator)
            module.momentum = 1.0  # the statistics of the one batch below
            module.reset_running_stats()
    network.fc.weight.data.normal_(0, 0.05, generator=generator)
    network.fc.bias.data.normal_(0, 0.05, generator=generator)
    images = torch.from_numpy(random_images(12, seed)).permute(0, 3, 1, 2).float()
    with torch.no_grad():
        network.train()(torch.nn.functional.interpolate((images - 128) / 128, (299, 299), mode="bilinear"))
    return {name: value.clone() for name, value in network.eval().state_dict().items()}


def write_weights(path: Path, seed: int = 0) -> Path:
    """Write random weights to ``path`` and return it."""
    torch.save(random_state(seed), path)
    return path


if __name__ == "__main__":
    print(write_weights(Path(sys.argv[1])))
