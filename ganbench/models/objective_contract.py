"""The contract of an objective, as a check. It needs to know nothing of the trainer."""

from __future__ import annotations

from typing import Any

import torch

from ganbench.models.contract import check_settings, one_thread
from ganbench.models.rehearsal import Rehearsal, restored
from ganbench.system.contract import require

_STEPS = 18  # more than any rhythm of ours: terms that are computed every k-th step come round


def check_objective(objective: type[Any], **settings: object) -> None:
    """Check that an objective keeps its contract, by training two tiny networks with it.

    Its formulas are told; its losses are finite scalars with gradients, in float32 and in bfloat16; it draws random
    numbers from ``draw`` alone, so that a seed decides everything; and ``state`` holds all that one step leaves for
    the next.

    Args:
        objective: a class derived from ``ganbench.training.objectives.base.Objective``.
        settings: values for settings; those without a default must be given.

    Raises:
        AssertionError: what is not kept, in words.
    """
    for attribute in ("output", "discriminator_formula", "generator_formula"):
        text = getattr(objective, attribute, None)
        told = isinstance(text, str) and bool(text.strip())
        require(told, f"{attribute} must say something to people, not {text!r}")
    chosen = check_settings(objective, settings)
    with one_thread():
        totals = Rehearsal(objective(chosen), global_seed=0).train(_STEPS)
        again = Rehearsal(objective(chosen), global_seed=1).train(_STEPS)
        require(totals == again, "the same seed gave other losses: random numbers must come from draw alone")

        broken = Rehearsal(objective(chosen), global_seed=0)
        before = broken.train(_STEPS // 2)
        broken.objective = restored(broken.objective, objective(chosen))
        after = broken.train(_STEPS - _STEPS // 2)
        require(totals == before + after, "a restored objective gave other losses: state must hold what a step leaves")

        Rehearsal(objective(chosen), global_seed=0, precision=torch.bfloat16).train(2)
