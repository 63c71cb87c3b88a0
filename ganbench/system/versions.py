"""The versions of what the numbers depend on."""

from __future__ import annotations

import platform
from functools import cache
from importlib import metadata


def library_versions() -> dict[str, str]:
    """Return the versions of what the numbers depend on, read without importing any of it."""
    versions = {"python": platform.python_version(), "machine": platform.machine()}
    for name in ("ganbench", "numpy", "scipy", "torch", "onnxruntime", "openvino", "pillow", "opencv-python"):
        versions[name] = _version(name)
    return versions


@cache  # a class asks for every submission, and the files of a process do not change under it
def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"
