"""The arithmetic of the benchmarks of clusters: what a task costs the driver, and where nodes stop paying."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "benchmarks"))

import paying
from paying import Model, Work


def rows(start: float, per_task: float, per_mb: float) -> list[dict[str, float]]:
    return [
        {"tasks": tasks, "mb": mb, "wall": 0.0, "driver": start + tasks * (per_task + per_mb * mb)}
        for tasks in (50, 200, 800)
        for mb in (0.0, 1.0, 8.0)
    ]


def test_a_model_is_found_again() -> None:
    model = paying.fit(rows(0.5, 0.003, 0.01))
    assert (model.start, model.per_task, model.per_mb) == pytest.approx((0.5, 0.003, 0.01))
    assert model.worst < 1e-9


def test_no_cost_is_negative() -> None:
    model = paying.fit(rows(0.0, 0.003, 0.0))
    assert min(model.start, model.per_task, model.per_mb) >= 0


def test_bounds_of_a_prediction() -> None:
    work = Work("work", tasks=3200, seconds=10, mb=0)
    one, *_, most = paying.predict(work, Model(0, 0.001, 0, 0), 5)
    assert one["seconds"] == 5 + 3200 / 16 * 10
    assert one["bound"] == "tasks"
    assert most["seconds"] == 5 + 10  # a core for every task, and more than that is of no use
    slow = paying.predict(work, Model(0, 0.1, 0, 0), 5)[-1]
    assert slow["seconds"] == 5 + 3200 * 0.1
    assert slow["bound"] == "driver"


@pytest.mark.parametrize(
    ("work", "nodes"),
    [
        (Work("as many cores as tasks, half used at twice", 320, 100, 0), 40),
        (Work("one cell each", 8, 1000, 0, cores=16), 16),
    ],
    ids=lambda what: what.name if isinstance(what, Work) else "",
)
def test_where_nodes_stop_paying(work: Work, nodes: int) -> None:
    assert paying.pays_until(work, Model(0, 0, 0, 0), 0) == nodes
