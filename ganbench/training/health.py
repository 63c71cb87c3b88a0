"""Numbers from which no step leads back: what is not finite stops a run at once, and is never saved."""

from __future__ import annotations

import math

import torch
from torch import nn

from ganbench.errors import GanbenchError


class Diverged(GanbenchError):
    """A loss is NaN or infinite: no further step can help."""

    exit_code = 1


def check_weights(step: int, networks: list[nn.Module]) -> None:
    """Look at all weights: a loss is that of the weights before its step, so it cannot vouch for those behind it.

    Raises:
        Diverged: a weight is not finite.
    """
    for network in networks:
        largest = torch.stack(torch._foreach_norm([p.detach() for p in network.parameters()], math.inf))
        if not largest.isfinite().all():
            raise _diverged(step, f"a weight of the {type(network).__name__.lower()}")


def _diverged(step: int, what: str) -> Diverged:
    return Diverged(
        f"step {step}: {what} is not finite. The last checkpoint is from before. "
        "Try a smaller optimizer.lr, training.clip_grad_norm=1, or --precision fp32, in another --run folder"
    )


def check_losses(step: int, losses: dict[str, float]) -> None:
    """Look at the losses of a step.

    Raises:
        Diverged: a loss is not finite.
    """
    broken = [name for name, value in losses.items() if not math.isfinite(value)]
    if broken:
        raise _diverged(step, ", ".join(broken))
