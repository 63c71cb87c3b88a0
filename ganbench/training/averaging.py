"""The averaged generator, ready to be sampled from."""

from __future__ import annotations

import torch
from torch import nn
from torch.optim.swa_utils import update_bn

from ganbench.models.draw import Draw
from ganbench.models.registry import MODELS
from ganbench.models.settings import ModelRecipe

# Images that the statistics are taken of, and the seed of their latents: part of what an averaged generator is.
_BATCHES, _BATCH, _SEED = 16, 64, 0


def build_generator(model: ModelRecipe, state: dict[str, torch.Tensor], device: torch.device | str) -> nn.Module:
    """Build a generator and load its weights, on any device; torch's global random state stays as it is."""
    with torch.random.fork_rng(devices=[]):
        generator, _ = MODELS[model.name](model)
    generator.load_state_dict(state)
    return generator.to(device, memory_format=torch.channels_last)


def build_averaged(model: ModelRecipe, state: dict[str, torch.Tensor], device: torch.device | str) -> nn.Module:
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

    def __init__(self, generator: nn.Module) -> None:
        super().__init__()
        self.generator = generator

    def forward(self, inputs: list[torch.Tensor]) -> torch.Tensor:
        images: torch.Tensor = self.generator(*inputs)
        return images
