"""What the tests of the gradient probe share: modules, and norms by hand."""

from __future__ import annotations

import pytest
import torch
import torchvision
from torch import nn
from torch.nn.utils import parametrizations

from ganbench import GradNormProbe
from ganbench.models.dcgan import Discriminator


def by_hand(module: nn.Module, names: list[str]) -> list[float]:
    parameters = {_plain(name): p for name, p in module.named_parameters()}
    return [parameters[name].grad.float().norm().item() for name in names]


def _plain(name: str) -> str:
    """Return the name of the weight that a parameter is the source of, where it is."""
    for source in ("original", "original1"):
        if name.endswith(f"parametrizations.weight.{source}"):
            return name.replace(f"parametrizations.weight.{source}", "weight")
    return name


def recorded(probe: GradNormProbe, step: int = 0) -> tuple[list[str], list[float]]:
    frame = probe.to_frame().query("step == @step")
    return frame["name"].tolist(), frame["norm"].tolist()


def check(probe: GradNormProbe, module: nn.Module, step: int = 0, factor: float = 1.0) -> None:
    names, norms = recorded(probe, step)
    assert len(names) > 0
    assert [n * factor for n in norms] == pytest.approx(by_hand(module, names), rel=1e-6)


class Transformer(nn.Module):
    """A small encoder with a classification head."""

    def __init__(self) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(16, 2, 32, dropout=0, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(16, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.encoder(x).mean(1)).flatten()


def transformer() -> tuple[nn.Module, torch.Tensor]:
    return Transformer(), torch.randn(4, 6, 16)


def resnet() -> tuple[nn.Module, torch.Tensor]:
    return torchvision.models.resnet18(num_classes=2), torch.randn(2, 3, 64, 64)


def discriminator() -> tuple[nn.Module, torch.Tensor]:
    """Return a network and images, the same at every call: of a thousand others one has two norms nearly equal."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Discriminator(32, 4), torch.randn(4, 3, 32, 32)


def parametrized() -> tuple[nn.Module, torch.Tensor]:
    """Return layers whose weights are computed from others: two of them have a matrix to watch, each one."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        module = nn.Sequential(
            parametrizations.spectral_norm(nn.Conv2d(3, 4, 3)), nn.Flatten(),
            parametrizations.weight_norm(nn.Linear(16, 1)),
        )  # fmt: skip
        return module, torch.randn(2, 3, 4, 4)


def hooks(module: nn.Module) -> int:
    return sum(len(m._forward_hooks) for m in module.modules()) + sum(
        len(p._post_accumulate_grad_hooks or ()) for p in module.parameters()
    )
