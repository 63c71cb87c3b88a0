"""A lease on a place in an object store: one process at a time has it, on whatever machine, and it finds out when not.

Object stores know no locks. What they know is to create an object only where there is none, whole and for one of those
who try. So the lease is a row of numbered claims below the place, ``.lock/00000007``: whoever created the highest has
the lease, and writes into its own claim every few seconds that it is alive. A claim that has not changed for ``LEASE``
seconds, by the clock of the one who looks, is put out by creating the next number: clocks are never compared, and of
several who try one succeeds. Its former holder finds a higher number than its own before it writes again, and stops.
"""

from __future__ import annotations

import logging
import secrets
import threading
import time
from dataclasses import dataclass
from typing import Any

from ganbench.errors import GanbenchError
from ganbench.system.leftovers import is_gone, this_process
from ganbench.system.urls import masked
from ganbench.system.wall import reason, wall

LEASE = 60.0  # seconds without a sign of life after which a holder counts as dead
BEAT = LEASE / 4  # seconds between signs of life
FOLDER = ".lock"

_LOG = logging.getLogger(__name__)
_DIGITS = 8
_LONGEST = 1000  # bytes of a claim that are looked at; it has about 150
_FREE = "free"  # in place of who holds it: it was given back


class TakenAlready(GanbenchError):
    """Another process has the lease.

    Attributes:
        by: which, in words.
    """

    def __init__(self, url: str, by: str) -> None:
        super().__init__(f"{masked(url)}: another process works here ({by})")
        self.by = by


class TakenOver(GanbenchError):
    """Another process has taken the lease over, because this one gave no sign of life."""


@dataclass(frozen=True)
class Claim:
    """One claim as it was last read.

    Attributes:
        number: of the claim.
        text: what stands in it.
    """

    number: int
    text: str

    @property
    def process(self) -> str:
        """The process that made it, for machines."""
        return self.text.split(" ", 2)[1] if self.text.count(" ") > 1 else ""

    @property
    def by(self) -> str:
        """The process that made it, in words."""
        by = self.text.split(" ", 2)[2].strip() if self.text.count(" ") > 1 else self.text[:80]
        return by or "an unknown process"

    def is_open(self) -> bool:
        """Tell whether the next claim may be made at once: it was given back, or its process here is gone."""
        return self.by == _FREE or is_gone(self.process)


class Claims:
    """The claims on one place."""

    def __init__(self, url: str) -> None:
        """Open the store.

        Raises:
            GanbenchError: no driver for such a URL.
        """
        self.url = url
        with wall(lambda why: GanbenchError(f"{masked(url)} cannot be opened: {why}")):
            from fsspec.core import url_to_fs

            self._system, path = url_to_fs(url.rstrip("/"), use_listings_cache=False)
            self._folder = f"{path}/{FOLDER}"

    def highest(self) -> Claim | None:
        """Return the claim that counts; None where nobody ever claimed.

        Raises:
            GanbenchError: the store does not answer.
        """
        numbers = self.numbers()
        return Claim(numbers[-1], self._read(numbers[-1])) if numbers else None

    def numbers(self) -> list[int]:
        """Return the numbers of all claims, in order.

        Raises:
            GanbenchError: the store does not answer.
        """
        with self._reached():
            self._system.invalidate_cache(self._folder)
            try:
                names = self._system.ls(self._folder, detail=False)
            except FileNotFoundError:
                return []
            found = (str(name).rsplit("/", 1)[-1] for name in names)
            return sorted(int(name) for name in found if len(name) == _DIGITS and name.isdecimal())
        raise AssertionError

    def create(self, number: int, text: str) -> bool:
        """Make a claim where there is none; tells whether it was made.

        Raises:
            GanbenchError: the store does not answer, or cannot create without replacing.
        """
        with self._reached():
            try:
                self._system.pipe_file(self._path(number), text.encode("utf-8", "replace"), mode="create")
            except Exception as e:
                # What says that it is there differs from driver to driver; whether it is there does not. It may be
                # ours: a driver that heard no answer has tried again, and found what it had made.
                if not self._read(number):
                    raise
                _LOG.debug("%s: claim %d is there already (%s)", masked(self.url), number, reason(e))
        return self.is_of(number, text.partition(" ")[0])

    def is_of(self, number: int, token: str) -> bool:
        """Tell whether a claim is there and begins with a token.

        Raises:
            GanbenchError: the store does not answer.
        """
        return self._read(number).startswith(token)

    def write(self, number: int, text: str) -> None:
        """Write into one's own claim.

        Raises:
            GanbenchError: the store does not answer.
        """
        with self._reached():
            self._system.pipe_file(self._path(number), text.encode("utf-8", "replace"))

    def remove(self, number: int) -> None:
        """Remove a claim that no longer counts, if the store lets one."""
        try:
            self._system.rm_file(self._path(number))
        except Exception as e:
            _LOG.debug("%s: claim %d stays (%s)", masked(self.url), number, reason(e))

    def _read(self, number: int) -> str:
        with self._reached():
            try:
                size = self._system.info(self._path(number))["size"]
                data: bytes = self._system.cat_file(self._path(number), end=min(size, _LONGEST)) if size else b""
            except FileNotFoundError:
                return ""
            return data.decode("utf-8", "replace")
        raise AssertionError

    def _path(self, number: int) -> str:
        return f"{self._folder}/{number:0{_DIGITS}d}"

    def _reached(self) -> Any:
        return wall(lambda why: GanbenchError(f"{masked(self.url)}: the store does not answer: {why}"))


class Lease:
    """The lease, held: a thread keeps it alive until it is given back."""

    def __init__(self, claims: Claims, number: int, token: str, who: str) -> None:
        """Wrap a claim that was made; see ``take``."""
        self._claims, self._number, self._token, self._who = claims, number, token, who
        self._beats = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._live, daemon=True, name="ganbench lease")
        self._thread.start()

    @classmethod
    def take(cls, url: str, who: str) -> Lease:
        """Take the lease on a place.

        Args:
            url: of the place.
            who: this process in words, for people who find the place taken.

        Raises:
            TakenAlready: another process has it.
            GanbenchError: the store does not answer.
        """
        claims = Claims(url)
        top = claims.highest()
        if top is not None and not top.is_open():
            raise TakenAlready(url, top.by)
        number, token = (top.number if top else 0) + 1, secrets.token_hex(16)
        if not claims.create(number, _text(token, 0, who)):
            now = claims.highest()
            raise TakenAlready(url, now.by if now else "")
        try:
            numbers = claims.numbers()
        except GanbenchError as e:  # the claim is made, and ``check`` looks again before anything is written
            _LOG.info("%s", e)
            numbers = [number]
        if numbers[-1:] != [number]:
            # Others came and went while we looked, and removed the claim that ours was to follow.
            claims.remove(number)
            now = claims.highest()
            raise TakenAlready(url, now.by if now else "")
        for old in numbers[:-1]:
            claims.remove(old)
        return cls(claims, number, token, who)

    def check(self) -> None:
        """Make sure that the lease is still ours.

        Raises:
            TakenOver: another process has it.
            GanbenchError: the store does not answer.
        """
        top = self._claims.highest()
        # The token too: a store that creates where there is one already has given two of us the same number.
        if top is None or top.number != self._number or not top.text.startswith(self._token):
            by = f" by {top.by}" if top is not None and top.by != _FREE else ""
            raise TakenOver(f"{masked(self._claims.url)} was taken over{by}; this process leaves it to that one")

    def give_back(self) -> None:
        """Let others have it at once; a store that does not answer lets them wait for ``LEASE`` seconds."""
        self._ended.set()
        self._thread.join()
        try:
            self._write(_FREE)
        except GanbenchError as e:
            _LOG.warning("%s", e)

    def _live(self) -> None:
        while not self._ended.wait(BEAT):
            try:
                self._write(self._who)
            except GanbenchError as e:  # the next beat may get through; whoever saves hears of it before
                _LOG.info("%s", e)

    def _write(self, who: str) -> None:
        """Write into our claim, unless it is another's by now or was removed: what is there then is not ours to change.

        Raises:
            GanbenchError: the store does not answer.
        """
        self._beats += 1
        if self._claims.is_of(self._number, self._token):
            self._claims.write(self._number, _text(self._token, self._beats, who))


class Watch:
    """Looks at a place that another process holds, to see whether that one lives."""

    def __init__(self, url: str) -> None:
        """Look at it for the first time.

        Raises:
            GanbenchError: the store does not answer.
        """
        self._claims = Claims(url)
        self.seen = self._claims.highest()
        self._since = time.monotonic()
        self.lives = False

    def is_open(self) -> bool:
        """Look again; tells whether the place can be taken.

        It can be once it was given back; and after ``LEASE`` seconds without a sign of life it is opened.

        Raises:
            GanbenchError: the store does not answer.
        """
        now = self._claims.highest()
        if now is None or now.is_open():
            return True
        if now != self.seen:
            self.lives, self.seen, self._since = True, now, time.monotonic()
        if time.monotonic() - self._since <= LEASE:
            return False
        # The next claim, given back at once: whoever comes may take the place, and its former holder is out.
        self._claims.create(now.number + 1, _text(secrets.token_hex(16), 0, _FREE))
        return True


def _text(token: str, beats: int, who: str) -> str:
    return f"{token}-{beats} {this_process()} {who}\n"
