"""Gradient norms of your own discriminator, in a loop of your own: three lines more.

python examples/gradnorm_in_a_loop.py
"""

from __future__ import annotations

import torch
from torch import nn

from ganbench import GradNormProbe
from ganbench.diagnostics.findings import troubles

torch.manual_seed(0)
discriminator = nn.Sequential(
    nn.Conv2d(3, 16, 4, 2, 1), nn.LeakyReLU(0.2),
    nn.Conv2d(16, 32, 4, 2, 1), nn.LeakyReLU(0.2),
    nn.Flatten(), nn.Linear(32 * 8 * 8, 1),
)  # fmt: skip
optimizer = torch.optim.RMSprop(discriminator.parameters(), 1e-3)
clip = 0.01

with GradNormProbe(discriminator, clip=clip) as probe:  # 1: watch
    for step in range(100):
        real = torch.rand(16, 3, 32, 32)
        fake = real.flip(2) * 0.5
        loss = discriminator(fake).mean() - discriminator(real).mean()
        optimizer.zero_grad()
        loss.backward()
        probe.record(step)  # 2: keep
        optimizer.step()
        with torch.no_grad():
            for p in discriminator.parameters():
                p.clamp_(-clip, clip)

frame = probe.to_frame()  # 3: look
print(frame[frame["step"] == 99].to_string(index=False))
for trouble in troubles(frame):
    print(f"{trouble.kind}: {trouble.text}")
