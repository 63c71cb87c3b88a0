"""Scoring a sheet shows the geometry that was found."""

from __future__ import annotations

from pathlib import Path

import torch
from torchvision.utils import save_image
from typer.testing import CliRunner

from ganbench.cli.app import app
from ganbench.toyfaces import toyfaces


def test_a_guessed_grid_is_shown(tmp_path: Path) -> None:
    tiles = torch.stack([torch.from_numpy(image).permute(2, 0, 1) for _, image in toyfaces(12, seed=1)]) / 255
    save_image(tiles, tmp_path / "sheet.png", nrow=4)
    command = ["score", str(tmp_path / "sheet.png"), "--grid", "guess", "--metric", "fd", "--detector", "none"]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    assert "sheet: 3x4 tiles of 64x64 pixels, pad 2, bordered" in result.output
    assert "12 images, 64x64" in " ".join(result.output.split())
