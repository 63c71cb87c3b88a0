"""The probe on a GAN of your own, in a loop of your own: both networks, a figure, and signs of trouble.

python examples/gradnorm_in_a_loop.py
"""

from __future__ import annotations

import torch
from torch import nn

import ganbench
from ganbench import GradNormProbe
from ganbench.diagnostics.findings import troubles

torch.manual_seed(0)
discriminator = nn.Sequential(
    nn.Conv2d(3, 16, 4, 2, 1), nn.LeakyReLU(0.2),
    nn.Conv2d(16, 32, 4, 2, 1), nn.LeakyReLU(0.2),
    nn.Flatten(), nn.Linear(32 * 4 * 4, 1),
)  # fmt: skip
generator = nn.Sequential(
    nn.Linear(8, 32 * 4 * 4), nn.Unflatten(1, (32, 4, 4)), nn.ReLU(),
    nn.ConvTranspose2d(32, 16, 4, 2, 1), nn.ReLU(),
    nn.ConvTranspose2d(16, 3, 4, 2, 1), nn.Tanh(),
)  # fmt: skip
d_optimizer = torch.optim.RMSprop(discriminator.parameters(), 1e-3)
g_optimizer = torch.optim.RMSprop(generator.parameters(), 1e-3)
clip = 0.01

with GradNormProbe(discriminator, clip=clip) as d_probe, GradNormProbe(generator) as g_probe:  # 1: watch
    for step in range(100):
        real = torch.rand(16, 3, 16, 16).sort(2).values
        fake = generator(torch.randn(16, 8))
        d_loss = discriminator(fake.detach()).mean() - discriminator(real).mean()
        d_optimizer.zero_grad()
        d_loss.backward()
        d_probe.record(step)  # 2: keep, before another loss goes backward through the same network
        d_optimizer.step()
        with torch.no_grad():
            for p in discriminator.parameters():
                p.clamp_(-clip, clip)

        g_optimizer.zero_grad()
        (-discriminator(fake).mean()).backward()
        g_probe.record(step)
        g_optimizer.step()

frames = {"D": d_probe.to_frame(), "G": g_probe.to_frame()}  # 3: look
print(frames["D"].query("step == 99").to_string(index=False))
ganbench.plot_gradnorm(frames).savefig("gradnorm.png")
for name, frame in frames.items():
    frame.to_csv(f"{name}.csv", index=False)  # ganbench gradnorm --csv D.csv G.csv
    for trouble in troubles(frame):
        print(f"{name}, {trouble.kind}: {trouble.text}")
