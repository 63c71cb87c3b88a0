"""What lies in the bucket of a test, as files."""

from __future__ import annotations

from pathlib import Path

from s3_server import S3


def names_in(s3: S3) -> list[str]:
    """Return the names of all objects."""
    return s3.keys()


def download(s3: S3, prefix: str, folder: Path) -> Path:
    """Write what lies below a prefix into a folder, without locks; returns the folder."""
    for name in names_in(s3):
        if name.startswith(f"{prefix}/") and "/." not in name:
            target = folder / name[len(prefix) + 1 :]
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(s3.get(name))
    return folder
