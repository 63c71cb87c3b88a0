"""Where a run is kept: takes hold of a folder of this machine, or of a run in an object store."""

from __future__ import annotations

import contextlib
import hashlib
import socket
import threading
import time
from pathlib import Path

from ganbench.errors import CannotWrite, GanbenchError
from ganbench.system.lease import LEASE, Lease, TakenAlready, TakenOver, Watch
from ganbench.system.notes import Note
from ganbench.system.storage import cache_dir
from ganbench.system.urls import is_url, masked
from ganbench.training.hold import FolderHold, Held, Hold, Lost, is_free, who
from ganbench.training.mirror import Mirror, Snapshot
from ganbench.training.run_folder import RunFolder

_LOOK_EVERY = 2.0  # seconds
_TRIES = 3  # to bring the last state to its place, each with the store's own


def take(place: Path | str, note: Note, *, keep: bool = True, patient: bool = False) -> Hold:
    """Take hold of a run folder.

    Args:
        place: a folder, or a URL.
        note: is told in one line what a person should know.
        keep: whether the copy of what lies at a URL stays on this machine once all has arrived there.
        patient: whether to find out, in up to a minute, if the one who holds it is still alive.

    Raises:
        Held: another process has it.
        GanbenchError: it cannot be made or read.
    """
    if not is_url(place):
        return FolderHold.take(RunFolder(Path(place)))
    return StoreHold.take(str(place), note, keep=keep, patient=patient)


class Sight:
    """What can be seen from outside of a run that another process holds."""

    def __init__(self, place: Path | str) -> None:
        """Look at it for the first time."""
        self._place = place
        self._watch = Watch(str(place)) if is_url(place) else None

    def is_free(self) -> bool:
        """Tell whether it can be taken now.

        Raises:
            GanbenchError: the store does not answer.
        """
        return self._watch.is_open() if self._watch is not None else is_free(RunFolder(Path(self._place)))

    @property
    def lives(self) -> bool:
        """Whether its holder gave a sign of life since the first look; a folder's holder gives none."""
        return self._watch is not None and self._watch.lives


class StoreHold:
    """Holds a run in an object store, and works on a copy of it; see ``Hold``.

    What is saved is brought to the store by a thread, while the training goes on. At most one state waits there: a
    newer one takes its place.
    """

    def __init__(self, mirror: Mirror, lease: Lease, local: FolderHold, note: Note, *, keep: bool) -> None:
        """Wrap what was taken; see ``take``."""
        self.run = mirror.run
        self.label = masked(mirror.url)
        self._mirror, self._lease, self._local, self._note, self._keep = mirror, lease, local, note, keep
        self._waiting: Snapshot | None = None
        self._failure: GanbenchError | None = None
        self._lost: Lost | None = None
        self._busy = self._ended = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._bring, daemon=True, name="ganbench store")
        self._thread.start()

    @classmethod
    def take(cls, url: str, note: Note, *, keep: bool, patient: bool) -> StoreHold:
        """Hold a run, and fetch what is there of it.

        Raises:
            Held: another process has it.
            GanbenchError: the store does not answer, or there is no room for a copy.
        """
        mirror = Mirror(url, copy_of(url))
        local = FolderHold.take(mirror.run)
        try:
            lease = _take_lease(url, note, patient=patient)
        except BaseException:
            local.release()
            raise
        try:
            mirror.pull()
        except BaseException:
            lease.give_back()
            local.release()
            raise
        return cls(mirror, lease, local, note, keep=keep)

    def check(self) -> None:
        """See ``Hold``: what was found when the last state was brought; the training does not wait for the store."""
        if self._lost is not None:
            raise self._lost

    def saved(self) -> None:
        """See ``Hold``."""
        self.check()
        with self._changed:
            snapshot = self._mirror.snapshot()
            if snapshot is None:
                return
            if self._waiting is not None:
                self._waiting.drop()
            self._waiting = snapshot
            self._changed.notify_all()

    def release(self) -> None:
        """See ``Hold``."""
        brought = False
        try:
            self._flush()
            brought = True
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify_all()
            self._thread.join()
            if brought and not self._keep:
                self._mirror.clear()
            self._lease.give_back()
            self._local.release()

    def _flush(self) -> None:
        """Bring all that is left.

        Raises:
            Lost: it is another's now.
            GanbenchError: the store does not take it.
        """
        for _ in range(_TRIES):
            self._failure = None
            self.saved()
            with self._changed:
                self._changed.wait_for(lambda: self._waiting is None and not self._busy)
            self.check()
            if self._failure is None:
                return
        raise CannotWrite(
            f"{self._failure} What could not be brought there is kept in {self.run.path} on {socket.gethostname()}; "
            "the same command on this machine goes on from it"
        )

    def _bring(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting is not None or self._ended)
                snapshot, self._waiting = self._waiting, None
                if snapshot is None:
                    return
                self._busy = True
            try:
                self._mirror.push(snapshot, self._lease.check)
            except TakenOver as e:
                self._lost = Lost(str(e))
            except GanbenchError as e:
                self._failure = e
                self._note(f"{e} It is kept on this machine until the store takes it.")
            except Exception as e:  # a thread that ends without a word would let the training wait for ever
                self._failure = GanbenchError(f"{self.label}: {type(e).__name__}: {e}")
                self._note(str(self._failure))
            finally:
                with self._changed:
                    self._busy = False
                    self._changed.notify_all()


def copy_of(url: str) -> Path:
    """Return the folder of this machine in which a run at a URL is worked on.

    Raises:
        CannotWrite: there is no place for caches.
    """
    return cache_dir() / "runs" / hashlib.sha256(url.rstrip("/").encode()).hexdigest()[:24]


def _take_lease(url: str, note: Note, *, patient: bool) -> Lease:
    try:
        return Lease.take(url, who())
    except TakenAlready as e:
        if not patient:
            raise Held(masked(url), e.by) from e
        note(f"{masked(url)} is held by {e.by}; looking for up to {LEASE:.0f} s whether that one is alive")
    sight = Watch(url)
    while not sight.is_open():
        if sight.lives:
            raise Held(masked(url), sight.seen.by if sight.seen else "")
        time.sleep(_LOOK_EVERY)
    with contextlib.suppress(TakenAlready):
        return Lease.take(url, who())
    raise Held(masked(url), "")
