"""Score a generator while it trains, and keep the best one.

python examples/score_in_a_loop.py
"""

from __future__ import annotations

import copy

import numpy as np
import torch
from torch import nn

import ganbench
from ganbench.toyfaces import toyfaces

torch.manual_seed(0)
real = np.stack([image for _, image in toyfaces(256)])  # uint8 (N, 64, 64, 3)
reference = ganbench.Reference.build(real, name="toy faces")  # once, before the loop


def double(inputs: int, outputs: int) -> list[nn.Module]:
    """Return layers that double the resolution."""
    return [nn.ConvTranspose2d(inputs, outputs, 4, 2, 1), nn.BatchNorm2d(outputs), nn.ReLU()]


generator = nn.Sequential(
    nn.Linear(32, 128 * 4 * 4), nn.Unflatten(1, (128, 4, 4)), nn.BatchNorm2d(128), nn.ReLU(),
    *double(128, 64), *double(64, 32), *double(32, 16), nn.ConvTranspose2d(16, 3, 4, 2, 1), nn.Tanh(),
)  # fmt: skip

# Something that learns within seconds stands in for your GAN: a code per image, learned together with the generator
# (Bojanowski et al. 2018, GLO).
codes = nn.Parameter(torch.randn(len(real), 32))
optimizer = torch.optim.Adam([{"params": generator.parameters(), "lr": 2e-3}, {"params": [codes], "lr": 2e-2}])
images = torch.from_numpy(real).permute(0, 3, 1, 2) / 127.5 - 1


def on_sphere(z: torch.Tensor) -> torch.Tensor:
    """Bring latents to the length that Gaussian ones have."""
    return nn.functional.normalize(z) * 32**0.5


latents = on_sphere(torch.randn(128, 32))  # always the same: what changes between two scores is the generator alone
best, best_state = float("inf"), None

for step in range(1, 241):
    chosen = torch.randint(len(images), (32,))
    loss = (generator(on_sphere(codes[chosen])) - images[chosen]).abs().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()

    if step % 60 == 0:
        generator.eval()
        with torch.no_grad():
            samples = generator(latents)  # float, in -1 .. 1
        generator.train()
        # KD, since FD is biased at n = 128; no cache, since these images never come again.
        card = ganbench.score(samples, reference, value_range=(-1, 1), metrics=["kd"], detector=None, cache=False)
        kd = card["kd[lite0]"]
        print(f"step {step:3}  loss {loss.item():.3f}  KD {kd.value:.3f} ({kd.low:.3f} to {kd.high:.3f})")
        if kd.value < best:
            best, best_state = kd.value, copy.deepcopy(generator.state_dict())

torch.save(best_state, "best.pt")
print(f"best KD {best:.3f}, kept in best.pt")
