"""Random inputs of a batch, drawn so that the number of processes does not change them."""

from __future__ import annotations

import torch


class Draw:
    """Draws random numbers for the images of one batch.

    Every process draws the numbers of the *whole* batch from the same stream and keeps the rows of its own images: two
    processes with half the batch each see what one process with the whole batch sees, and one random state restores
    them all.
    """

    def __init__(self, generator: torch.Generator, batch: int, *, rank: int = 0, processes: int = 1) -> None:
        """Set up the stream.

        Args:
            generator: the random state; its device is where the numbers are made.
            batch: images of this process.
            rank: this process, from 0.
            processes: how many processes share the stream.
        """
        self.generator = generator
        self.batch = batch
        self._rows = slice(rank * batch, (rank + 1) * batch)
        self._total = batch * processes

    def normal(self, *shape: int) -> torch.Tensor:
        """Return float32 (batch, *shape) of standard normal numbers."""
        whole = torch.randn(self._total, *shape, generator=self.generator, device=self.generator.device)
        return whole[self._rows]

    def uniform(self, *shape: int) -> torch.Tensor:
        """Return float32 (batch, *shape) of numbers in [0, 1)."""
        whole = torch.rand(self._total, *shape, generator=self.generator, device=self.generator.device)
        return whole[self._rows]
