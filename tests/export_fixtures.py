"""A class and what somebody handed in, for exported judges, and the surroundings in which they run."""

from __future__ import annotations

import os
import tarfile
from pathlib import Path

import pytest
from PIL import Image

from ganbench.toyfaces import toyfaces

COUNT = 40
CLASS = f"""
roster = "roster.csv"
title = "Faces: \\"B\\" & more"
[rules]
count = {COUNT}
[late]
deadline = 2099-01-01T00:00:00+08:00
[public]
metrics = ["fd", "near_duplicates", "afd"]
[private]
features = ["lite0"]
"""


@pytest.fixture
def class_config(tmp_path: Path) -> Path:
    folder = tmp_path / "class"
    folder.mkdir()
    (folder / "roster.csv").write_text("id,name\nb12345678,Somebody Secret\n", "utf-8")
    (folder / "class.toml").write_text(CLASS, "utf-8")
    return folder / "class.toml"


@pytest.fixture
def class_tgz(tmp_path: Path) -> Path:
    path = tmp_path / "hw6.tgz"
    with tarfile.open(path, "w:gz") as archive:
        for number, (_, pixels) in enumerate(toyfaces(COUNT, seed=5), 1):
            image = tmp_path / f"{number}.jpg"
            Image.fromarray(pixels).save(image, quality=95)
            archive.add(image, image.name)
    return path


def without_network(folder: Path, **more: str) -> dict[str, str]:
    """Return an environment in which Python can neither connect nor import torch, nor knows of this checkout."""
    hook = folder / "no-network"
    hook.mkdir(exist_ok=True)
    (hook / "sitecustomize.py").write_text(
        "import socket, sys\n"
        "class NoTorch:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.partition('.')[0] == 'torch': raise ModuleNotFoundError('no torch here', name=name)\n"
        "sys.meta_path.insert(0, NoTorch())\n"
        "def refuse(*args, **kwargs): raise OSError('no network here')\n"
        "socket.socket.connect = refuse\nsocket.getaddrinfo = refuse\n",
        "utf-8",
    )
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("GANBENCH", "PYTHON"))}
    return {**kept, "HOME": str(folder), "NO_NETWORK": str(hook), **more}
