"""Who holds a run: in a folder by a lock of the system, in an object store by a lease."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import fsspec
import pytest
import torch
from training_processes import noise_images
from waiting import wait_for, wait_for_end

from ganbench.errors import GanbenchError
from ganbench.images.arrays import ArraySource
from ganbench.system import lease as leases
from ganbench.system.lease import Claims, Lease, TakenAlready, TakenOver, Watch
from ganbench.training.checkpoint import load_checkpoint
from ganbench.training.hold import FolderHold, Held, Lost, is_free
from ganbench.training.options import LoopOptions
from ganbench.training.recipe import load_recipe
from ganbench.training.run_folder import LOCK, RunFolder
from ganbench.training.start import train

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerContext

pytestmark = pytest.mark.slow

EVERY_STEP = LoopOptions(log_every=1, sheet_every=2, save_every=1)


# --- folders ---


def test_a_folder_is_held_by_one_and_says_by_whom(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "new" / "run")
    assert is_free(run)
    hold = FolderHold.take(run)
    assert not is_free(run)
    hold.check()
    with pytest.raises(Held, match=f"another process is training into this folder .process {os.getpid()} on "):
        FolderHold.take(run)
    hold.release()
    assert is_free(run)
    assert not (tmp_path / "new").exists()  # what was made for the lock alone


def test_of_many_who_take_and_release_no_two_hold_at_once(tmp_path: Path) -> None:
    """The lock file is removed by each holder: one that was opened before must not count."""
    run, inside, together, held = RunFolder(tmp_path), [0], [0], [0]

    def work() -> None:
        for _ in range(60):
            try:
                hold = FolderHold.take(run)
            except Held:
                continue
            inside[0] += 1
            together[0] = max(together[0], inside[0])
            held[0] += 1
            time.sleep(0.0005)
            inside[0] -= 1
            hold.release()

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert together[0] == 1
    assert held[0] > 6


def test_whoever_lost_a_folder_finds_out(tmp_path: Path) -> None:
    """A machine that was away has lost its lock on NFS; here the file is taken from under the lock."""
    run = RunFolder(tmp_path)
    hold = FolderHold.take(run)
    (tmp_path / LOCK).unlink()
    with pytest.raises(Lost, match="its lock file is gone"):
        hold.check()
    other = FolderHold.take(run)
    with pytest.raises(Lost, match="was taken over by process"):
        hold.check()
    hold.release()
    other.check()  # what was the other's stayed
    other.release()


def test_a_run_that_was_taken_over_stops_before_it_writes(tmp_path: Path) -> None:
    def steal(step: int, real: torch.Tensor, fake: torch.Tensor) -> None:
        if step == 2:
            (tmp_path / LOCK).unlink()
            others.append(FolderHold.take(RunFolder(tmp_path)))

    others: list[FolderHold] = []
    with pytest.raises(Lost):
        _train(tmp_path, 5, observers=[steal])
    assert load_checkpoint(tmp_path / "checkpoint.pt")["step"] == 2
    assert [line["step"] for line in RunFolder(tmp_path).read_metrics()] == [1, 2]
    others[0].release()


def _train(place: Path | str, steps: int, **more: object) -> RunFolder:
    recipe = load_recipe("dcgan", "smoke", ["model.size=32", "training.batch=8", f"training.steps={steps}"])
    source = ArraySource.of("noise", noise_images(), value_range=None, resize=None)
    return train(recipe, source, place, device="cpu", resume=True, options=EVERY_STEP, **more)


# --- leases ---


@pytest.fixture
def place(s3) -> str:
    """Return a URL in the bucket of the test."""
    return f"{s3.url}/runs/a"


def test_a_lease_is_held_by_one_until_it_is_given_back(place: str) -> None:
    first = Lease.take(place, "the first")
    first.check()
    with pytest.raises(TakenAlready, match="another process works here .the first"):
        Lease.take(place, "the second")
    assert not Watch(place).is_open()
    first.give_back()
    assert Watch(place).is_open()
    second = Lease.take(place, "the second")
    with pytest.raises(TakenOver, match="taken over by the second"):
        first.check()
    second.check()
    assert Claims(place).numbers() == [2]  # what no longer counts is removed
    second.give_back()


def test_of_many_who_want_a_lease_one_gets_it(place: str) -> None:
    got: list[Lease] = []

    def want(name: str) -> None:
        with contextlib.suppress(TakenAlready):
            got.append(Lease.take(place, name))

    threads = [threading.Thread(target=want, args=(str(i),)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    valid = []
    for one in got:
        with contextlib.suppress(TakenOver):
            one.check()
            valid.append(one)
    assert len(valid) == 1
    for one in got:
        one.give_back()


def test_a_holder_that_gives_no_sign_of_life_is_put_out(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "this_process", lambda: "elsewhere-1-1")  # a machine that nobody here can ask
    monkeypatch.setattr(leases, "BEAT", 0.1)
    monkeypatch.setattr(leases, "LEASE", 1.0)
    lease = Lease.take(place, "one that lives")
    watch = Watch(place)
    wait_for(lambda: watch.is_open() or watch.lives)
    assert watch.lives
    lease._ended.set()  # its machine dies
    lease._thread.join()
    wait_for(watch.is_open)
    with pytest.raises(TakenOver):
        lease.check()
    after = Lease.take(place, "the next")
    after.check()
    after.give_back()


def _hold_and_die(place: str) -> None:
    Lease.take(place, "one that dies")
    os._exit(9)


def test_the_lease_of_a_process_that_died_here_is_free_at_once(place: str, forkserver: ForkServerContext) -> None:
    child = forkserver.Process(target=_hold_and_die, args=(place,))
    child.start()
    wait_for_end(child)
    assert child.exitcode == 9
    assert Claims(place).highest().by == "one that dies"
    lease = Lease.take(place, "the next")
    lease.give_back()


def test_claims_that_make_no_sense_are_taken_as_held(s3, place: str) -> None:
    for text in (b"", b"x", b"\xff\xfe nonsense", b"a b", b"t-1 m-99999999999999999999-1 somebody\n", b"\0" * 5000):
        s3.put("runs/a/.lock/00000001", text)
        assert not Watch(place).is_open()
    s3.put("runs/a/.lock/hello", b"")
    assert Claims(place).numbers() == [1]


@pytest.fixture
def memory() -> Iterator[str]:
    """Return a URL in this process's memory, of an object store that can create without replacing."""
    system = fsspec.filesystem("memory")
    yield "memory://lease/run"
    with contextlib.suppress(FileNotFoundError):  # the test may have removed it
        system.rm("/lease", recursive=True)


def test_a_claim_that_others_have_passed_by_is_no_lease(memory: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """While one looked at claim 1, given back, a second came and went, and a third took the place and cleaned up."""
    claims = Claims(memory)
    assert claims.create(1, leases._text("gone", 0, "free"))
    create = Claims.create

    def late(self: Claims, number: int, text: str) -> bool:
        monkeypatch.setattr(Claims, "create", create)
        Lease.take(memory, "the second").give_back()
        Lease.take(memory, "the third")._ended.set()
        assert claims.numbers() == [3]
        return create(self, number, text)

    monkeypatch.setattr(Claims, "create", late)
    with pytest.raises(TakenAlready, match="the third"):
        Lease.take(memory, "the first")
    assert claims.numbers() == [3]


def test_a_driver_that_tries_again_finds_what_it_made(memory: str, monkeypatch: pytest.MonkeyPatch) -> None:
    system = type(fsspec.filesystem("memory"))
    pipe = system.pipe_file

    def twice(self: object, path: str, value: bytes, mode: str = "overwrite", **more: object) -> None:
        pipe(self, path, value, mode=mode, **more)
        if mode == "create":
            pipe(self, path, value, mode=mode, **more)

    monkeypatch.setattr(system, "pipe_file", twice)
    lease = Lease.take(memory, "the first")
    lease.check()
    lease.give_back()


def test_what_another_has_written_or_removed_stays_so(memory: str) -> None:
    lease, claims = Lease.take(memory, "the first"), Claims(memory)
    claims.write(1, leases._text("other", 0, "a store that creates twice gave it to both"))
    lease._write("the first")
    with pytest.raises(TakenOver, match="gave it to both"):
        lease.check()
    lease.give_back()
    assert claims.highest().by == "a store that creates twice gave it to both"
    claims.remove(1)
    lease._write("the first")
    assert claims.numbers() == []


@pytest.mark.parametrize("who", ["x" * 5000, "caf\udce9", ""])
def test_whoever_it_is_gets_a_lease(memory: str, who: str) -> None:
    lease = Lease.take(memory, who)
    lease.check()
    lease.give_back()
    assert Watch(memory).is_open()


def test_a_store_that_falls_silent_after_the_claim_costs_no_lease(memory: str, monkeypatch: pytest.MonkeyPatch) -> None:
    numbers, calls = Claims.numbers, []

    def silent(self: Claims) -> list[int]:
        calls.append(self)
        if len(calls) == 2:  # the first look is before the claim
            raise GanbenchError("the store does not answer")
        return numbers(self)

    monkeypatch.setattr(Claims, "numbers", silent)
    lease = Lease.take(memory, "the first")
    lease.check()
    lease.give_back()
