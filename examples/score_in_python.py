"""Score images from Python: an archive, an array, a tensor of a generator, real images of your own.

python examples/score_in_python.py
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

import ganbench
from ganbench.toyfaces import toyfaces

# A folder, an archive, an array file: what the command line takes.
archive = Path(__file__).with_name("toyfaces.tgz")
card = ganbench.score(archive)
print(card.to_frame()[["id", "value", "low", "high", "n"]].to_string(index=False))

# A generator's output, as it comes: float, (N, 3, H, W), in -1 .. 1. The range is stated, never guessed.
images = torch.tanh(torch.randn(64, 3, 64, 64, generator=torch.Generator().manual_seed(0)))
card = ganbench.score(images, value_range=(-1, 1), detector=None, metrics=["fd", "kd"])
print(f"\nnoise: FD {card['fd[lite0]'].value:.1f}")
print("\n".join(card.warnings))

# Your own real images: the statistics are computed once, saved, and scored against as often as you like.
faces = np.stack([image for _, image in toyfaces(300)])  # uint8 (N, H, W, 3)
reference = ganbench.Reference.build(faces[:200], name="my-faces")
reference.save("my-faces.npz")
card = ganbench.score(faces[200:], "my-faces.npz", detector=None, metrics=["kd", "precision", "recall"])
for row in card.rows:
    print(f"{row.id:20} {row.value:8.4f}  ({row.low:.4f} to {row.high:.4f})")

# What a person did wrong is one exception, with what to do about it.
try:
    ganbench.score(images, detector=None)
except ganbench.GanbenchError as e:
    print(f"\n{e}")
