"""The probe under Hugging Face Accelerate: the same loop on a CPU, one GPU or several.

pip install accelerate
python examples/gradnorm_accelerate.py        (or: accelerate launch examples/gradnorm_accelerate.py)
"""

from __future__ import annotations

import torch
from accelerate import Accelerator
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import ganbench
from ganbench import GradNormProbe

accelerator = Accelerator()
torch.manual_seed(0)
generator = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 2))
discriminator = nn.Sequential(nn.Linear(2, 32), nn.LeakyReLU(0.2), nn.Linear(32, 1))
g_optimizer = torch.optim.Adam(generator.parameters(), 2e-3)
d_optimizer = torch.optim.Adam(discriminator.parameters(), 2e-3)
angles = torch.rand(512) * 2 * torch.pi
dots = DataLoader(TensorDataset(torch.stack([angles.cos(), angles.sin()], 1)), 32, shuffle=True)
generator, discriminator, g_optimizer, d_optimizer, dots = accelerator.prepare(
    generator, discriminator, g_optimizer, d_optimizer, dots
)

# Behind prepare, which may wrap the networks; the scaler is there in float16, and is divided out.
d_probe = GradNormProbe(discriminator, scaler=accelerator.scaler)
g_probe = GradNormProbe(generator, scaler=accelerator.scaler)
with d_probe, g_probe:
    for step, (real,) in enumerate(dots):
        fake = generator(torch.randn(len(real), 4, device=accelerator.device))
        on_fake, on_real = discriminator(fake.detach()), discriminator(real)
        d_loss = nn.functional.softplus(on_fake).mean() + nn.functional.softplus(-on_real).mean()
        d_optimizer.zero_grad()
        accelerator.backward(d_loss)
        d_probe.record(step)
        d_optimizer.step()

        g_optimizer.zero_grad()
        accelerator.backward(nn.functional.softplus(-discriminator(fake)).mean())
        g_probe.record(step)
        g_optimizer.step()

if accelerator.is_main_process:
    frames = {"D": d_probe.to_frame(), "G": g_probe.to_frame()}
    print(frames["G"].query("step == step.max()").to_string(index=False))
    ganbench.plot_gradnorm(frames).savefig("gradnorm.png")
