"""Score images from Python: a folder or archive, an array, a tensor of a generator in training."""

import torch

import ganbench

card = ganbench.score("examples/toyfaces.tgz")
print(card.to_frame()[["id", "value", "low", "high", "n"]])

# A generator's output, as it comes: float, (N, 3, H, W), in -1 .. 1. The range is stated, never guessed.
images = torch.tanh(torch.randn(64, 3, 64, 64, generator=torch.Generator().manual_seed(0)))
card = ganbench.score(images, value_range=(-1, 1), detector=None)
print(card["fd[lite0]"].value, card.warnings)
