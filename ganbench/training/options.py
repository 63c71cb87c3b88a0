"""How a training is accompanied: what is written how often, and who watches."""

from __future__ import annotations

from dataclasses import dataclass

from ganbench.scoring.plan import Plan
from ganbench.training.watch import OnTrouble, Watch


@dataclass(frozen=True)
class LoopOptions:
    """How often what is written, in steps of the discriminator; None: never. Scores follow ``scoring``.

    ``loggers`` are names of ``LOGGERS``, which get what is logged too.
    ``watch`` looks at what is recorded, ``on_trouble`` says what follows; ``held_out`` images are not trained on (None:
    as ``held_out_of`` says).
    """

    log_every: int = 10
    sheet_every: int | None = 500
    save_every: int = 250
    score_every: int | None = None
    loggers: tuple[str, ...] = ()
    scoring: Plan | None = None
    held_out: int | None = None
    watch: Watch | None = None
    on_trouble: OnTrouble = "warn"
