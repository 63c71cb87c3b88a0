"""The Lightning callback, with Lightning itself."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import torch
from torch import nn

import ganbench
from ganbench.diagnostics.records import read_curves
from ganbench.errors import GanbenchError

L = pytest.importorskip("lightning", reason="not installed: pip install 'ganbench[lightning]'")


def gan(*, fails_at: int | None = None) -> nn.Module:
    """Return a GAN with manual optimization: two steps of the discriminator in every batch, one of the generator."""

    class GAN(L.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.automatic_optimization = False
            self.networks = nn.ModuleDict({"g": nn.Linear(3, 2), "d": nn.Sequential(nn.Linear(2, 4), nn.Linear(4, 1))})
            self.expected: dict[str, list[float]] = {"D": [], "G": []}

        def training_step(self, batch: list[torch.Tensor], index: int) -> None:
            if index == fails_at:
                raise RuntimeError("on purpose")
            d, g = self.networks["d"], self.networks["g"]
            d_optimizer, g_optimizer = self.optimizers()
            for _ in range(2):
                loss = d(g(torch.randn(4, 3)).detach()).mean() - d(batch[0]).square().mean()
                d_optimizer.zero_grad()
                self.manual_backward(loss)
                self.expected["D"].append(d[0].weight.grad.norm().item())
                self.clip_gradients(d_optimizer, 1e-3, "norm")
                d_optimizer.step()
            g_optimizer.zero_grad()
            self.manual_backward(-d(g(torch.randn(4, 3))).mean())  # through the discriminator, which is not frozen
            self.expected["G"].append(g.weight.grad.norm().item())
            g_optimizer.step()

        def configure_optimizers(self) -> list[torch.optim.Optimizer]:
            return [torch.optim.Adam(self.networks[name].parameters(), 1e-2) for name in ("d", "g")]

    return GAN()


def fit(module: nn.Module, *callbacks: object, epochs: int = 2, **options: object) -> None:
    data = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.randn(20, 2)), 4)
    trainer = L.Trainer(
        max_epochs=epochs, callbacks=list(callbacks), logger=False, enable_progress_bar=False,
        enable_model_summary=False, accelerator="cpu", **{"enable_checkpointing": False, **options},
    )  # fmt: skip
    trainer.fit(module, data, ckpt_path=None)


@pytest.mark.slow
def test_a_gan_with_manual_optimization(tmp_path: Path) -> None:
    from ganbench.lightning import GradNorms

    module = gan()
    norms = GradNorms({"D": "networks.d", "G": "networks.g"}, tmp_path / "norms.csv")
    fit(module, norms)
    for name, steps in (("D", 20), ("G", 10)):
        frame = norms.frames[name].query("layer == 1")
        assert frame["step"].tolist() == list(range(steps))
        assert frame["norm"].tolist() == pytest.approx(module.expected[name], rel=1e-6)
        assert (frame["update_ratio"] > 0).all()
    found = dict(read_curves(tmp_path / "norms.csv"))
    assert {name: len(frame) for name, frame in found.items()} == {"D": 40, "G": 10}
    ganbench.plot_gradnorm(norms.frames)
    assert not any(m._forward_hooks for m in module.modules())


@pytest.mark.slow
def test_steps_go_on_where_a_checkpoint_was_saved() -> None:
    from ganbench.lightning import GradNorms

    norms = GradNorms({"D": "networks.d"}, every=3)
    fit(gan(), norms, epochs=1)
    assert norms.frames["D"]["step"].unique().tolist() == [0, 3, 6, 9]
    later = GradNorms({"D": "networks.d"}, every=3)
    later.load_state_dict(norms.state_dict())
    fit(gan(), later, epochs=1)
    assert later.frames["D"]["step"].unique().tolist() == [12, 15, 18]


@pytest.mark.slow
def test_automatic_optimization_and_accumulation() -> None:
    from ganbench.lightning import GradNorms

    class Regression(L.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.net = nn.Linear(2, 1)

        def training_step(self, batch: list[torch.Tensor], index: int) -> torch.Tensor:
            return self.net(batch[0]).square().mean()

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.SGD(self.parameters(), 0.1)

    norms = GradNorms("net")
    fit(Regression(), norms, accumulate_grad_batches=2)
    assert norms.frames["net"]["step"].tolist() == list(range(6))  # of five batches, the last is a step of its own


@pytest.mark.slow
def test_a_training_that_fails_leaves_no_hooks_and_writes_what_it_has(tmp_path: Path) -> None:
    from ganbench.lightning import GradNorms

    module = gan(fails_at=2)
    with pytest.raises(RuntimeError, match="on purpose"):
        fit(module, GradNorms({"D": "networks.d"}, tmp_path / "norms.csv"))
    assert not any(m._forward_hooks for m in module.modules())
    assert pd.read_csv(tmp_path / "norms.csv")["step"].nunique() == 4


def test_mistakes(tmp_path: Path) -> None:
    from ganbench.lightning import GradNorms

    with pytest.raises(GanbenchError, match="every=0 records nothing"):
        GradNorms("net", every=0)
    with pytest.raises(GanbenchError, match="no network called 'critic'"):
        fit(gan(), GradNorms("critic"))
    with pytest.raises(GanbenchError):
        GradNorms("net", tmp_path)


def test_without_lightning_there_is_one_line() -> None:
    code = (
        "import sys\nsys.modules['lightning'] = None\n"
        "try:\n    import ganbench.lightning\n"
        "except Exception as e:\n    print(type(e).__name__, e)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == 'GanbenchError Lightning is not installed. Run: pip install "ganbench[lightning]"\n'
