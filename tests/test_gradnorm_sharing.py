"""Names, order and numbers of the probe behind wrappers, and where two processes share the weights."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pytest
import torch
from probing_processes import WRAPPED, build, one_of_two, record
from torch import nn
from waiting import wait_for_end

from ganbench import GradNormProbe
from ganbench.diagnostics.layers import Stretch, find_layers
from ganbench.diagnostics.order import Order, note_traced
from ganbench.diagnostics.shards import Piece

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerContext

NAMES = ["first.0.weight", "middle.0.weight", "last.weight"]


@pytest.mark.slow
@pytest.mark.parametrize("kind", WRAPPED)
def test_two_processes_see_what_one_sees(kind: str, tmp_path: Path, forkserver: ForkServerContext) -> None:
    processes = [forkserver.Process(target=one_of_two, args=(rank, tmp_path, kind)) for rank in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        wait_for_end(process, 120)
        assert process.exitcode == 0
    alone = record(build())
    assert alone["name"].tolist()[:3] == NAMES
    assert alone.drop(columns="input_gradient").notna().all(axis=None)
    for rank in range(2):
        pd.testing.assert_frame_equal(pd.read_csv(tmp_path / f"{rank}.csv"), alone, rtol=1e-4, atol=1e-7)


@pytest.mark.slow
def test_a_compiled_module_keeps_names_and_order() -> None:
    module = build()
    module.middle = torch.compile(module.middle)  # type: ignore[assignment]
    compiled = torch.compile(module)
    x = torch.randn(2, 3, 8, 8)
    with GradNormProbe(compiled) as probe:
        for step in range(2):
            compiled(x).sum().backward()
            probe.record(step)
    frame = probe.to_frame()
    assert frame["name"].tolist() == NAMES * 2
    assert frame[["norm", "spectral_norm"]].notna().all(axis=None)
    assert frame["activation_mean"].isna().all()  # inside a compiled graph nobody looks


def test_wrappers_have_no_part_in_names() -> None:
    module = build()
    wrapped = nn.DataParallel(nn.Sequential(nn.DataParallel(module)))
    assert [layer.name for layer in find_layers(wrapped, "weights")] == [f"0.{n}" for n in reversed(NAMES)]
    assert [layer.name for layer in find_layers(wrapped, ["module.0.module.last.bias"])] == ["0.last.bias"]


def test_layers_that_were_never_seen_to_run_stand_behind_their_neighbours() -> None:
    order = Order(6)
    for index in (4, 1, 2):
        order.note(index)
    assert order.layers() == [0, 4, 5, 1, 2, 3]
    assert Order(3).layers() == [0, 1, 2]
    traced = Order(2)
    note_traced(traced.key, 1)
    note_traced(-1, 0)  # of a probe that is gone
    assert traced.layers() == [0, 1]


@pytest.mark.parametrize("cut", [0, 1, 7, 12, 13, 35, 36])
def test_stretches_of_a_flat_parameter_become_rows_of_it(cut: int) -> None:
    whole = torch.arange(36.0).view(3, 4, 3)
    first, second = whole.flatten()[:cut], whole.flatten()[cut:]
    parts = ((0, first), (cut, second))
    rows = [Piece(None, part, Stretch(None, (3, 4, 3), start)).rows(part) for start, part in parts]
    together = torch.zeros(3, 4, 3)
    together[: len(rows[0])] += rows[0]
    together[3 - len(rows[1]) :] += rows[1]
    assert torch.equal(together, whole)
