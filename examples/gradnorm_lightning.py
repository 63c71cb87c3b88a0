"""The probe as a Lightning callback, on a GAN with two optimizers and manual optimization.

pip install 'ganbench[lightning]'
python examples/gradnorm_lightning.py
"""

from __future__ import annotations

import lightning as L
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import ganbench
from ganbench.lightning import GradNorms


class GAN(L.LightningModule):
    """A small GAN on dots: two steps of the discriminator for each of the generator."""

    def __init__(self) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.generator = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 2))
        self.discriminator = nn.Sequential(
            nn.Linear(2, 32), nn.LeakyReLU(0.2), nn.Linear(32, 32), nn.LeakyReLU(0.2), nn.Linear(32, 1)
        )

    def training_step(self, batch: list[torch.Tensor], index: int) -> None:
        """Do a step of each network."""
        (real,) = batch
        g_optimizer, d_optimizer = self.optimizers()
        fake = self.generator(torch.randn(len(real), 4, device=self.device))

        d_loss = nn.functional.softplus(self.discriminator(fake.detach())) + nn.functional.softplus(
            -self.discriminator(real)
        )
        d_optimizer.zero_grad()
        self.manual_backward(d_loss.mean())
        self.clip_gradients(d_optimizer, 1.0, "norm")  # the probe has the norms from before
        d_optimizer.step()

        if index % 2:
            g_optimizer.zero_grad()
            self.manual_backward(nn.functional.softplus(-self.discriminator(fake)).mean())
            g_optimizer.step()

    def configure_optimizers(self) -> list[torch.optim.Optimizer]:
        """Return one optimizer for each network."""
        return [torch.optim.Adam(network.parameters(), 2e-3) for network in (self.generator, self.discriminator)]


if __name__ == "__main__":
    angles = torch.rand(512) * 2 * torch.pi
    dots = torch.stack([angles.cos(), angles.sin()], 1)
    norms = GradNorms({"D": "discriminator", "G": "generator"}, path="gradnorm.csv")
    trainer = L.Trainer(
        max_epochs=4, callbacks=[norms], logger=False, enable_checkpointing=False, accelerator="auto",
        enable_progress_bar=False,
    )  # fmt: skip
    trainer.fit(GAN(), DataLoader(TensorDataset(dots), 32, shuffle=True))
    for name, frame in norms.frames.items():
        print(f"{name}: {frame['step'].nunique()} steps of {frame['layer'].max()} layers")
    ganbench.plot_gradnorm(norms.frames).savefig("gradnorm.png")  # or: ganbench gradnorm --csv gradnorm.csv
