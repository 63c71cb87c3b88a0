"""An ordered list of stored images: what they are called, what is stored of them, and the digest of that."""

from __future__ import annotations

import hashlib
import logging
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import suppress

import numpy as np

from ganbench.errors import DecodeError
from ganbench.images.decode import DECODE_RULES
from ganbench.images.hashes import Hashes
from ganbench.images.resize import Resize

_LOG = logging.getLogger(__name__)


class Stored(ABC):
    """An ordered list of stored images.

    Attributes:
        label: what the user gave, for messages.
        names: the images, in natural order (2.jpg before 10.jpg), or in that in which they are stored.
        stored_order: whether it is that in which they are stored.
        resize: rule that brings every image to one size, or None.
        shaping: what else shapes the pixels of an image, by name, plain data for scorecards.
    """

    stored_order = False

    def __init__(self, label: str, names: Sequence[str], *, resize: Resize | None, salt: str) -> None:
        self.label = label
        self.names = names
        self.resize = resize
        self._salt = salt
        self.shaping: dict[str, object] = {}
        self._hashes = Hashes(len(names))  # of what is stored, filled by whoever reads it first
        _LOG.info("%s: %s of %d images, resize %s", label, type(self).__name__, len(names), resize or "none")

    def __len__(self) -> int:
        return len(self.names)

    @abstractmethod
    def content(self, index: int) -> bytes | memoryview:
        """Return the stored form of image ``index``, which the content digest is of. Safe to call from threads.

        Raises:
            DecodeError: what is stored is damaged.
        """

    @abstractmethod
    def decode(self, index: int, content: bytes | memoryview) -> np.ndarray:
        """Return image ``index`` from its stored form, before any resize: uint8 (H, W, 3). Safe to call from threads.

        Raises:
            DecodeError: it cannot be decoded.
        """

    def load(self, index: int) -> np.ndarray:
        """Return image ``index`` as decoded, before any resize: uint8 (H, W, 3). Safe to call from threads.

        Raises:
            DecodeError: it cannot be decoded.
        """
        return self.decode(index, self._read(index))

    def _read(self, index: int) -> bytes | memoryview:
        """Read what is stored, and remember its hash: whoever streams the images has read all that the digest needs."""
        try:
            content = self.content(index)
        except DecodeError as e:
            reason = f"unreadable: {e.why}".encode(errors="backslashreplace")
            self._hashes.learn(index, hashlib.sha256(reason).digest())
            raise
        if not self._hashes.knows(index):
            self._hashes.learn(index, hashlib.sha256(content).digest())
        return content

    def hashes(self) -> memoryview:
        """Return the SHA-256 of each image as it is stored, in order, 32 bytes each; decodes nothing.

        Images that were streamed before are not read again.
        """
        for index in range(len(self)):
            if not self._hashes.knows(index):
                with suppress(DecodeError):  # its reason stands in for its content
                    self._read(index)
        return self._hashes.joined()

    def learn(self, start: int, hashes: bytes) -> None:
        """Take over the ``hashes`` of a piece, from wherever it was read: ``digest`` need not read those images."""
        self._hashes.learn(start, hashes)

    def digest(self) -> str:
        """Return SHA-256 over all stored images in order and all rules that shape their pixels; decodes nothing."""
        total = hashlib.sha256(f"{DECODE_RULES} {self.resize} {self._salt}\n".encode())
        total.update(self.hashes())
        return total.hexdigest()
