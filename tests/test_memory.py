"""The memory budget: a quarter of what the process may use, or what is stated."""

from __future__ import annotations

from pathlib import Path

import pytest

from ganbench.errors import GanbenchError
from ganbench.system import memory
from ganbench.system.workers import Workers


@pytest.fixture(autouse=True)
def nothing_stated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(memory.VARIABLE, raising=False)


@pytest.mark.parametrize(("machine", "budget"), [(64 << 30, 2 << 30), (4 << 30, 1 << 30), (100 << 20, memory.LEAST)])
def test_a_quarter_of_the_machine_within_bounds(machine: int, budget: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "usable", lambda: machine)
    assert memory.budget() == budget


@pytest.mark.parametrize(
    ("stated", "amount"), [("512M", 512 << 20), ("1.5 GiB", 3 << 29), ("4g", 4 << 30), ("100000000", 100_000_000)]
)
def test_a_stated_budget(stated: str, amount: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(memory.VARIABLE, stated)
    assert memory.budget() == amount


@pytest.mark.parametrize("stated", ["much", "-1G", "10M", "1T", "0"])
def test_a_budget_that_makes_no_sense(stated: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(memory.VARIABLE, stated)
    with pytest.raises(GanbenchError, match="GANBENCH_MEMORY="):
        memory.budget()


def test_control_groups_of_both_versions(tmp_path: Path) -> None:
    inner = tmp_path / "jobs" / "one"
    inner.mkdir(parents=True)
    (tmp_path / "cgroup").write_text("0::/jobs/one\n")
    (inner / "memory.max").write_text("max\n")
    assert memory._control_group(tmp_path / "cgroup", tmp_path) is None
    (tmp_path / "jobs" / "memory.max").write_text("1000\n")
    assert memory._control_group(tmp_path / "cgroup", tmp_path) == 1000
    (tmp_path / "memory").mkdir()
    (tmp_path / "memory" / "memory.limit_in_bytes").write_text("500\n")
    (tmp_path / "cgroup").write_text("4:cpu,memory:/absent\n3:pids:/x\n")
    assert memory._control_group(tmp_path / "cgroup", tmp_path) == 500
    assert memory._control_group(tmp_path / "absent", tmp_path) is None


def test_workers_share_the_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(memory.VARIABLE, "1G")
    with Workers(_budget, 2) as workers:
        assert [result for _, result in workers.run([None])] == [512 << 20]


def _budget(task: object, tell: object) -> int:
    del task, tell
    return memory.budget()
