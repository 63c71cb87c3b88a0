"""The versions of what the numbers depend on."""

from __future__ import annotations

import platform
from importlib import metadata


def library_versions() -> dict[str, str]:
    """Return the versions of what the numbers depend on, read without importing any of it."""
    versions = {"python": platform.python_version(), "machine": platform.machine()}
    for name in ("ganbench", "numpy", "scipy", "torch", "onnxruntime", "openvino", "pillow", "opencv-python"):
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = "not installed"
    return versions
