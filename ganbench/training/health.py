"""Signs that a run has gone wrong, each a stated rule over what the loop has at hand anyway."""

from __future__ import annotations

import math
from collections import deque

import numpy as np
import torch
from torch import nn

from ganbench.errors import GanbenchError

ALIKE = 0.02  # samples differ by less than this share of the pixel range: one picture; real faces differ by 0.26
GROWN_UP = 500  # steps from which on the samples are judged: an untrained generator's are alike by nature
PERFECT = 0.999  # the discriminator orders this share of pairs rightly ...
PATIENCE = 50  # ... over so many logged steps


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


class Health:
    """Watches a run; every kind of warning is given once, and again when it comes back after it had gone."""

    def __init__(self, *, scores_are_probabilities: bool) -> None:
        """Set up the rules.

        Args:
            scores_are_probabilities: whether the discriminator's answer saturates. A Wasserstein critic that tells
                all images apart is doing its work; a saturated discriminator gives the generator nothing to learn from.
        """
        self._told_apart: deque[float] | None = deque(maxlen=PATIENCE) if scores_are_probabilities else None
        self._active: set[str] = set()

    def check_losses(self, step: int, losses: dict[str, float]) -> str | None:
        """Look at the losses of a step; returns a warning or None.

        Raises:
            Diverged: a loss is not finite.
        """
        broken = [name for name, value in losses.items() if not math.isfinite(value)]
        if broken:
            raise _diverged(step, ", ".join(broken))
        if self._told_apart is None or "told_apart" not in losses:
            return None
        self._told_apart.append(losses["told_apart"])
        stuck = len(self._told_apart) == PATIENCE and min(self._told_apart) >= PERFECT
        return self._once(
            "stuck",
            stuck,
            f"the discriminator told every pair apart at the last {PATIENCE} logged steps, so the generator learns "
            "little. A smaller optimizer.lr or model.width, or a Wasserstein loss, usually helps",
        )

    def check_samples(self, step: int, pixels: np.ndarray) -> str | None:
        """Look at the samples of a step, uint8 (N, H, W, 3), of different latents; returns a warning or None."""
        spread = float(pixels.astype(np.float32).std(0).mean() / 255)
        return self._once(
            "alike",
            step >= GROWN_UP and spread < ALIKE,
            f"all samples look alike (their pixels differ by {spread:.1%} of the range): the generator has collapsed",
        )

    def _once(self, kind: str, present: bool, text: str) -> str | None:
        new = present and kind not in self._active
        (self._active.add if present else self._active.discard)(kind)
        return text if new else None
