"""The averaged generator: kept beside the trained one, and made ready to be sampled from."""

from __future__ import annotations

from typing import TypeVar

import torch
from torch import nn
from torch.optim.swa_utils import update_bn

from ganbench.models.draw import Draw
from ganbench.models.generator import Generator
from ganbench.models.model import Model
from ganbench.models.registry import build_networks

# Images that the statistics are taken of, and the seed of their latents: part of what an averaged generator is.
_BATCHES, _BATCH, _SEED = 16, 64, 0

Network = TypeVar("Network", bound=nn.Module)


def place(network: Network, device: torch.device | str) -> Network:
    """Move a network to a device, its images channels last in memory."""
    return network.to(device).to(memory_format=torch.channels_last)


def build_generator(model: Model.Settings, state: dict[str, torch.Tensor], device: torch.device | str) -> Generator:
    """Build a generator and load its weights, on any device; torch's global random state stays as it is."""
    with torch.random.fork_rng(devices=[]):
        generator, _ = build_networks(model)
    generator.load_state_dict(state)
    return place(generator, device)


def build_averaged(model: Model.Settings, state: dict[str, torch.Tensor], device: torch.device | str) -> Generator:
    """Build a generator from averaged weights, and give its batch norms the statistics of its own activations.

    Those that it carries belong to the weights of the latest step, and with them samples fade. (Izmailov et al. 2018,
    section 3.2, do the same for averaged classifiers.) Without batch norms nothing changes.

    Args:
        model: what to build.
        state: the averaged weights, as ``state_dict`` gives them.
        device: where it goes.

    Returns:
        The generator. The same weights give the same statistics, to the bit on one CPU.
    """
    generator = build_generator(model, state, device)
    stream = torch.Generator().manual_seed(_SEED)  # on the CPU: the same latents on every device
    latents = ([t.to(device) for t in generator.inputs(Draw(stream, _BATCH))] for _ in range(_BATCHES))
    # update_bn passes the first element of what it is given, and that one whole.
    update_bn(([inputs] for inputs in latents), _OnInputs(generator))
    return generator


class _OnInputs(nn.Module):
    """A generator as a function of one thing, the list of its inputs."""

    def __init__(self, generator: Generator) -> None:
        super().__init__()
        self.generator = generator

    def forward(self, inputs: list[torch.Tensor]) -> torch.Tensor:
        images: torch.Tensor = self.generator(*inputs)
        return images
