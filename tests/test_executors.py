"""One contract for all that runs tasks: this process, processes of this machine, a Ray cluster."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from pathlib import Path

import executor_functions as functions
import pytest

from ganbench.errors import DecodeError, GanbenchError
from ganbench.system import memory
from ganbench.system.cluster import Died, Needs, Site, executor, merged_in_order, run_tasks
from ganbench.system.tasks import Raised

HERE, PROCESSES, CLUSTER = pytest.param(Site(), id="here"), pytest.param(Site(2), id="processes"), "cluster"
ALL = pytest.mark.parametrize("site", [HERE, PROCESSES, pytest.param(CLUSTER, marks=pytest.mark.slow)], indirect=True)
APART = pytest.mark.parametrize("site", [pytest.param(Site(), id="a process"), PROCESSES, CLUSTER], indirect=True)


@pytest.fixture
def site(request: pytest.FixtureRequest) -> Site:
    """Return where tasks run; the cluster starts when it is asked for."""
    return request.getfixturevalue("ray_cluster").site if request.param == CLUSTER else request.param


@ALL
def test_every_result_comes_and_messages_before_it(site: Site) -> None:
    heard: dict[int, list[object]] = {}
    for number, result in run_tasks(
        functions.square, [3, 4, 5, 6], site, hear=lambda number, text: heard.setdefault(number, []).append(text)
    ):
        task = number + 3
        assert result == task * task
        assert heard[number] == [f"at {task}", f"past {task}"]
    assert sorted(heard) == [0, 1, 2, 3]


@ALL
def test_the_bits_are_those_of_one_process(site: Site) -> None:
    expected = [functions.product(seed, None) for seed in range(5)]
    assert list(merged_in_order(run_tasks(functions.product, range(5), site, Needs()))) == expected


@ALL
def test_no_task_is_taken_far_ahead_of_the_oldest_open_one(site: Site) -> None:
    taken: list[int] = []
    done: set[int] = set()

    def tasks() -> Iterator[int]:
        for task in range(12):
            taken.append(task)
            yield task

    for number, _ in run_tasks(functions.slow_first, tasks(), site, ahead=4):
        done.add(number)
        oldest = min(set(range(13)) - done)
        assert max(taken) < oldest + 4
    assert taken == list(range(12))


@ALL
def test_tasks_without_end_are_taken_as_there_is_room(site: Site) -> None:
    def tasks() -> Iterator[int]:
        n = 0
        while True:
            yield n
            n += 1

    with executor(functions.square, site, Needs()) as crew:
        for count, (_, result) in enumerate(crew.run(tasks())):
            assert isinstance(result, (int, Died))  # what runs when it is stopped may be ended
            if count == 5:
                crew.stop()
        assert crew.stopping
    assert 5 <= count <= 5 + 8


@ALL
def test_no_task_at_all(site: Site) -> None:
    assert list(run_tasks(functions.square, [], site)) == []


@ALL
def test_an_error_of_ours_crosses_as_it_is(site: Site) -> None:
    with pytest.raises(DecodeError, match=r"^2\.jpg: cut short$") as caught:
        list(run_tasks(functions.refuse, range(5), site))
    assert (caught.value.name, caught.value.why) == ("2.jpg", "cut short")


@ALL
def test_a_fault_shows_where_it_was(site: Site) -> None:
    with pytest.raises(IndexError, match="list index out of range") as caught:
        list(run_tasks(functions.fault, [1], site))
    told = str(caught.value.__cause__) + "".join(str(entry.path) for entry in caught.traceback)
    assert "executor_functions.py" in told


@pytest.mark.slow
@APART
def test_a_process_that_dies_costs_its_task_alone(site: Site) -> None:
    results = dict(run_tasks(functions.leave, ["a", "kill", "b", "exit"], site, apart=True))
    assert (results[0], results[2]) == ("a", "b")
    for number in (1, 3):
        assert isinstance(results[number], Died)
        assert results[number].why.startswith("its process ")


@pytest.mark.slow
@APART
def test_what_runs_is_asked_to_end_and_nothing_more_begins(site: Site) -> None:
    with executor(functions.wait_for_the_signal, site, Needs(), apart=True) as crew:
        results = dict(crew.run(["a", "b", "c", "d", "e", "f"], lambda number, message: crew.stop()))
    assert 1 <= len(results) <= 2
    assert all(result == f"{'abcdef'[n]} saved" or isinstance(result, Died) for n, result in results.items())
    assert any(result == f"{'abcdef'[n]} saved" for n, result in results.items())


@pytest.mark.slow
@APART
def test_what_does_not_care_is_ended(site: Site) -> None:
    with executor(functions.sleep, site, Needs(), apart=True) as crew:
        results = dict(crew.run(["a"], lambda number, message: crew.stop()))
    assert results == {0: Died("its process was ended by SIGTERM")}


@pytest.mark.parametrize("site", [PROCESSES, pytest.param(CLUSTER, marks=pytest.mark.slow)], indirect=True)
def test_a_task_has_the_cores_and_the_memory_that_it_needs(site: Site) -> None:
    needs = Needs(cores=1, memory=512 << 20)
    assert dict(run_tasks(functions.surroundings, [0], site, needs)) == {0: (1, 128 << 20)}


def test_what_cannot_be_needed_and_where_nothing_can_run() -> None:
    with pytest.raises(GanbenchError, match="cannot need"):
        Needs(cores=0)
    with pytest.raises(GanbenchError, match="at least one process"):
        Site(0)
    with pytest.raises(GanbenchError, match="expected auto, HOST:PORT or ray://HOST:PORT"):
        Site(cluster="somewhere")
    with pytest.raises(GanbenchError, match="--jobs 3 is for this machine"):
        Site(3, "auto")
    assert [Site(cluster=text).cluster for text in ("auto", "10.0.0.1:6379", "ray://head:10001")]


def test_the_budget_is_a_part_of_what_the_process_takes() -> None:
    assert Needs().budget(1 << 30) == 1 << 30
    assert Needs(memory=1 << 30).budget(1 << 30) == 256 << 20
    assert Needs(memory=1).budget(1 << 30) == memory.LEAST
    assert Needs(memory=64 << 30).budget(1 << 30) == 1 << 30


def test_results_are_merged_in_the_order_of_the_tasks() -> None:
    assert list(merged_in_order([(2, "c"), (0, "a"), (3, "d"), (1, "b")])) == ["a", "b", "c", "d"]


def test_an_exception_that_cannot_be_sent_is_told() -> None:
    class Local(Exception):
        pass

    sent = pickle.loads(pickle.dumps(Raised.of(Local("what"))))
    assert type(sent.error) is RuntimeError
    assert str(sent.error) == "Local: what"

    class Ours(GanbenchError):
        pass

    sent = pickle.loads(pickle.dumps(Raised.of(Ours("what to do"))))
    assert type(sent.error) is GanbenchError
    assert str(sent.error) == "what to do"
    assert sent.error.__cause__ is None


def test_a_task_that_was_cut_off_may_be_done_once_more(tmp_path: Path) -> None:
    """The contract asks every function to bear it; an executor of this machine does it where it is asked to."""
    site, task = Site(), str(tmp_path / "begun")
    assert dict(run_tasks(functions.die_once, [task], site, apart=True)) == {
        0: Died("its process was ended by SIGKILL (out of memory?)")
    }
    assert dict(run_tasks(functions.die_once, [task], site, apart=True)) == {0: "done"}
    again = [str(tmp_path / "anew"), task]
    with executor(functions.die_once, site, apart=True, again=True) as crew:
        assert dict(crew.run(again)) == {0: "done", 1: "done"}
    with executor(functions.leave, Site(2), again=True) as crew:
        found = dict(crew.run(["a", "kill", "b"]))
    assert found == {0: "a", 1: Died("its process was ended by SIGKILL (out of memory?), twice"), 2: "b"}
