"""What the tests of the probe run in processes of their own: one of two that share a module."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import torch
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel

from ganbench import GradNormProbe

CLIP = 0.15


class Net(nn.Module):
    """Kernels of all kinds, defined from back to front, in sizes that two processes cannot share evenly."""

    def __init__(self) -> None:
        super().__init__()
        self.last = nn.Linear(3 * 8 * 8, 1)
        self.middle = nn.Sequential(nn.ConvTranspose2d(5, 3, 3), nn.ReLU())
        self.first = nn.Sequential(nn.Conv2d(3, 5, 3), nn.LeakyReLU(0.2))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (N, 3, 8, 8) to (N, 1)."""
        return self.last(self.middle(self.first(x)).flatten(1))


def build() -> Net:
    torch.manual_seed(0)
    return Net()


def record(module: nn.Module) -> pd.DataFrame:
    """Train for three steps, on the same images in every process; returns the records."""
    optimizer = torch.optim.SGD(module.parameters(), 0.05)
    images = torch.randn(4, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    with GradNormProbe(module, clip=CLIP) as probe:
        for step in range(3):
            optimizer.zero_grad()
            (module(images) - 1).square().mean().backward()
            probe.record(step)
            optimizer.step()
    return probe.to_frame()


def _ddp(module: Net) -> nn.Module:
    return DistributedDataParallel(module)


def _nested(module: Net) -> nn.Module:
    module.first = DistributedDataParallel(module.first)  # type: ignore[assignment]
    module.middle = DistributedDataParallel(module.middle)  # type: ignore[assignment]
    return module


def _fully_shard(module: Net) -> nn.Module:
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard

    mesh = init_device_mesh("cpu", (2,))
    fully_shard(module.middle, mesh=mesh)
    fully_shard(module, mesh=mesh)
    return module


def _flat(module: Net) -> nn.Module:
    from torch.distributed.fsdp import FullyShardedDataParallel

    cpu = torch.device("cpu")
    module.middle = FullyShardedDataParallel(module.middle, use_orig_params=True, device_id=cpu)  # type: ignore[assignment]
    return FullyShardedDataParallel(module, use_orig_params=True, device_id=cpu)


WRAPPED = {"ddp": _ddp, "nested": _nested, "fully_shard": _fully_shard, "flat": _flat}


def one_of_two(rank: int, folder: Path, kind: str) -> None:
    """Record a wrapped module together with another process; each writes what it saw."""
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", init_method=f"file://{folder}/store", rank=rank, world_size=2)
    try:
        record(WRAPPED[kind](build())).to_csv(folder / f"{rank}.csv", index=False)
    finally:
        distributed.destroy_process_group()
