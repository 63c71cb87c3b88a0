"""What a source may hold before it is taken for hostile."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ganbench.errors import DecodeError, SourceError


@dataclass(frozen=True)
class ArchiveLimits:
    """Limits on what is unpacked; they are enforced on what is really read, not only on what headers claim.

    Attributes:
        members: number of members.
        member_bytes: unpacked size of one image file.
        total_bytes: unpacked size of everything.
        ratio: unpacked size of everything over the archive's own size; images hardly compress.
        ratio_floor: unpacked size up to which the ratio is not looked at.
    """

    members: int = 250_000
    member_bytes: int = 64 << 20
    total_bytes: int = 64 << 30
    ratio: int = 100
    ratio_floor: int = 128 << 20

    def check_total(self, path: Path, unpacked: int) -> None:
        """Refuse an archive that has unpacked, or claims to unpack, to too many bytes.

        Raises:
            SourceError: over the total or the ratio.
        """
        packed = path.stat().st_size
        allowed = min(self.total_bytes, max(self.ratio_floor, self.ratio * packed))
        if unpacked > allowed:
            raise SourceError(
                f"{path}: refused as a decompression bomb: its {packed:,} bytes unpack to more than {allowed:,}. "
                "If the images are genuine, unpack it yourself and give what comes out"
            )

    def check_members(self, path: Path, count: int) -> None:
        """Refuse an archive of too many members.

        Raises:
            SourceError: over ``members``.
        """
        if count > self.members:
            raise SourceError(f"{path}: refused, it has more than {self.members:,} members")

    def check_member(self, name: str, size: int) -> None:
        """Refuse a single image file that is too large; the others may still be read.

        Raises:
            DecodeError: over ``member_bytes``.
        """
        if size > self.member_bytes:
            raise DecodeError(name, f"refused, it is of more than {self.member_bytes:,} bytes")


DEFAULT = ArchiveLimits()
