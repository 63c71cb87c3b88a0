"""Several processes, one run: ``torchrun`` starts them, each takes its share of every batch."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import torch
from torch import distributed, nn
from torch.nn.modules.batchnorm import _BatchNorm

from ganbench.errors import GanbenchError

_TIMEOUT = timedelta(minutes=30)  # processes wait this long for the first one, which also scores and saves


@dataclass(frozen=True)
class World:
    """The processes of a run; this one is ``rank`` of ``size``."""

    rank: int = 0
    size: int = 1

    @property
    def first(self) -> bool:
        """Tell whether this is the process that writes files and talks to the user."""
        return self.rank == 0

    def share(self, batch: int) -> int:
        """Return this process's images of a batch.

        Raises:
            GanbenchError: the batch does not divide.
        """
        if batch % self.size:
            raise GanbenchError(f"a batch of {batch} does not divide among {self.size} processes: --set training.batch")
        return batch // self.size

    def any(self, flag: bool) -> bool:
        """Tell whether the flag is set in any process; all processes must ask together."""
        if self.size == 1:
            return flag
        votes = torch.tensor(float(flag))
        if distributed.get_backend() == "nccl":
            votes = votes.cuda()
        distributed.all_reduce(votes)
        return bool(votes.item() > 0)

    def parallel(self, module: nn.Module) -> nn.Module:
        """Return the module behind DistributedDataParallel, which averages its gradients; itself when alone."""
        if self.size == 1:
            return module
        # Buffers are the same everywhere already: batch norm counts the whole batch, see SyncedBatchNorm.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # the option's new name is unknown to older PyTorch
            return nn.parallel.DistributedDataParallel(module, broadcast_buffers=False)


@contextmanager
def join_world(device: torch.device) -> Iterator[World]:
    """Join the other processes when ``torchrun`` started this one; leave them at the end of the block."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield World()
        return
    if device.type == "cuda":
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    distributed.init_process_group("nccl" if device.type == "cuda" else "gloo", timeout=_TIMEOUT)
    try:
        yield World(distributed.get_rank(), distributed.get_world_size())
    finally:
        distributed.destroy_process_group()


def average_over_processes(value: torch.Tensor) -> torch.Tensor:
    """Return the mean of a tensor over all training processes; the tensor itself when there is one."""
    if not (distributed.is_available() and distributed.is_initialized()):
        return value
    total = value.clone()
    distributed.all_reduce(total)
    return total / distributed.get_world_size()


class _Sum(torch.autograd.Function):
    """Sum over all processes, with a gradient: the sum of theirs, which has a gradient in turn."""

    @staticmethod
    def forward(ctx: object, x: torch.Tensor) -> torch.Tensor:
        total = x.clone()
        distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: object, gradient: torch.Tensor) -> torch.Tensor:
        return _Sum.apply(gradient)


class SyncedBatchNorm(_BatchNorm):
    """Batch norm over the images of all processes, on CPU and GPU and twice differentiable.

    PyTorch's own SyncBatchNorm runs on GPUs alone, and its gradient has no gradient.
    """

    def _check_input_dim(self, input: torch.Tensor) -> None:
        del input  # images and vectors alike

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Normalise (N, C, ...) by mean and variance of all processes' images; in evaluation by the running ones."""
        if not self.training:
            return super().forward(x)
        axes = [axis for axis in range(x.ndim) if axis != 1]
        wide = x.float()
        count = wide.numel() / wide.shape[1] * distributed.get_world_size()
        mean = _Sum.apply(wide.sum(axes)) / count
        shape = [1, -1] + [1] * (x.ndim - 2)
        # Two passes: the variance as a difference of two sums would lose digits.
        variance = _Sum.apply((wide - mean.view(shape)).square().sum(axes)) / count
        self._follow(mean.detach(), (variance * count / (count - 1)).detach())
        scale = torch.rsqrt(variance + self.eps)
        if self.weight is not None:
            scale = self.weight * scale
        normal = (wide - mean.view(shape)) * scale.view(shape)
        if self.bias is not None:
            normal = normal + self.bias.view(shape)
        return normal.to(x.dtype)

    @torch.no_grad()
    def _follow(self, mean: torch.Tensor, variance: torch.Tensor) -> None:
        """Move the running statistics, if it keeps any; without a momentum they are plain means over all batches."""
        if self.running_mean is None or self.running_var is None or self.num_batches_tracked is None:
            return
        self.num_batches_tracked.add_(1)
        share = 1 / self.num_batches_tracked.item() if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean, share)
        self.running_var.lerp_(variance, share)


def synchronise_batch_norms(module: nn.Module) -> None:
    """Replace every batch norm inside a module, still on the CPU, by one that counts all processes; names stay."""
    for name, child in module.named_children():
        if isinstance(child, _BatchNorm):
            synced = SyncedBatchNorm(
                child.num_features, child.eps, child.momentum, child.affine, child.track_running_stats
            )
            synced.load_state_dict(child.state_dict())
            setattr(module, name, synced)
        else:
            synchronise_batch_norms(child)
