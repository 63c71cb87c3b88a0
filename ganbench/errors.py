"""Errors that a user can act on.

Every message says what went wrong, where, and what to do next. The CLI prints it as one line and exits with
``exit_code``; the Python API raises it.
"""

from __future__ import annotations


class GanbenchError(Exception):
    """Base of all errors that ganbench raises on purpose."""

    exit_code = 2


class SourceError(GanbenchError):
    """The images to read are missing, unreadable or of an unsupported form."""


class DecodeError(SourceError):
    """One image could not be decoded. ``name`` is the image's name inside its source."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(f"{name}: {why}")
        self.name = name
        self.why = why

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.name, self.why)  # pickle would call it with its whole message


class AssetError(GanbenchError):
    """Weights, cascades or references are absent, corrupt or not the pinned file."""


class AssetMissing(AssetError):
    """An asset that can be supplied is not there yet; the message holds the command that supplies it."""


class ReferenceError(GanbenchError):
    """A reference cannot be read, or does not fit what is being scored."""


class MetricError(GanbenchError):
    """A metric cannot be computed from these numbers (NaN, too few images, wrong shapes)."""


class RemoteError(GanbenchError):
    """What is at a URL cannot be read: absent, forbidden, out of reach, changing, or no driver is there for it."""


class ClusterError(GanbenchError):
    """A cluster cannot be used, or is lost: no fault of what was to be done there, which is left to be done."""


class CannotWrite(GanbenchError):
    """A file cannot be written: no room, no permission, no such place."""


class UnknownName(GanbenchError):
    """A name that no registry entry carries; the message lists near matches."""


class GateFailed(GanbenchError):
    """A check ran to its end and the answer is no (an invalid submission, a reference that does not verify)."""

    exit_code = 1
