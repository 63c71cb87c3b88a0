"""Gradient norms as a Lightning callback.

pip install lightning
python examples/gradnorm_lightning.py
"""

from __future__ import annotations

import lightning as L
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from ganbench import GradNormProbe


class GradNorms(L.Callback):
    """Records the gradient norms of one attribute of the LightningModule and writes them at the end."""

    def __init__(self, attribute: str, path: str) -> None:
        self.attribute = attribute
        self.path = path

    def on_fit_start(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        """Attach the probe."""
        # Lightning's own scaler, when it trains in float16, multiplies gradients: the probe divides that out.
        scaler = getattr(trainer.precision_plugin, "scaler", None)
        self.probe = GradNormProbe(getattr(module, self.attribute), scaler=scaler)
        self.probe.attach()

    def on_after_backward(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        """Keep the norms: after backward, before clipping."""
        self.probe.record(trainer.fit_loop.total_batch_idx)

    def on_fit_end(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        """Remove the hooks and write the table."""
        self.probe.detach()
        self.probe.to_frame().to_csv(self.path, index=False)

    def on_exception(self, trainer: L.Trainer, module: L.LightningModule, exception: BaseException) -> None:
        """Remove the hooks of a training that failed."""
        self.probe.detach()


class Classifier(L.LightningModule):
    """Something to train."""

    def __init__(self) -> None:
        super().__init__()
        self.network = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 1))

    def training_step(self, batch: list[torch.Tensor], index: int) -> torch.Tensor:
        """Return the loss of a batch."""
        x, y = batch
        return nn.functional.mse_loss(self.network(x).flatten(), y)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Return the optimizer."""
        return torch.optim.Adam(self.parameters(), 1e-3)


if __name__ == "__main__":
    data = TensorDataset(torch.randn(256, 8), torch.randn(256))
    trainer = L.Trainer(
        max_epochs=2, callbacks=[GradNorms("network", "gradnorm.csv")], gradient_clip_val=1.0,
        logger=False, enable_checkpointing=False, accelerator="auto",
    )  # fmt: skip
    trainer.fit(Classifier(), DataLoader(data, 32))
