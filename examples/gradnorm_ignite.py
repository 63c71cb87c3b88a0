"""The probe under PyTorch-Ignite: recorded by the step, drawn when the run is over.

pip install pytorch-ignite
python examples/gradnorm_ignite.py
"""

from __future__ import annotations

import torch
from ignite.engine import Engine, Events
from torch import nn

import ganbench
from ganbench import GradNormProbe

torch.manual_seed(0)
generator = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 2))
discriminator = nn.Sequential(nn.Linear(2, 32), nn.LeakyReLU(0.2), nn.Linear(32, 1))
g_optimizer = torch.optim.Adam(generator.parameters(), 2e-3)
d_optimizer = torch.optim.Adam(discriminator.parameters(), 2e-3)
probes = {"D": GradNormProbe(discriminator), "G": GradNormProbe(generator)}


def step(engine: Engine, real: torch.Tensor) -> dict[str, float]:
    """Do a step of each network."""
    fake = generator(torch.randn(len(real), 4))
    on_fake, on_real = discriminator(fake.detach()), discriminator(real)
    d_loss = nn.functional.softplus(on_fake).mean() + nn.functional.softplus(-on_real).mean()
    d_optimizer.zero_grad()
    d_loss.backward()
    probes["D"].record(engine.state.iteration)  # before the generator's loss goes backward through it
    d_optimizer.step()

    g_loss = nn.functional.softplus(-discriminator(fake)).mean()
    g_optimizer.zero_grad()
    g_loss.backward()
    probes["G"].record(engine.state.iteration)
    g_optimizer.step()
    return {"d_loss": d_loss.item(), "g_loss": g_loss.item()}


trainer = Engine(step)


@trainer.on(Events.STARTED)
def watch() -> None:
    """Attach the probes."""
    for probe in probes.values():
        probe.attach()


@trainer.on(Events.COMPLETED | Events.EXCEPTION_RAISED)
def look(engine: Engine, *error: BaseException) -> None:
    """Remove their hooks, and draw what they saw."""
    for probe in probes.values():
        probe.detach()
    frames = {name: probe.to_frame() for name, probe in probes.items()}
    print(frames["D"].query("step == step.max()").to_string(index=False))
    ganbench.plot_gradnorm(frames, over="layers").savefig("gradnorm.png")
    for e in error:
        raise e


angles = torch.rand(512) * 2 * torch.pi
dots = torch.stack([angles.cos(), angles.sin()], 1)
trainer.run(dots.split(32), max_epochs=4)
