"""Random weights for the extractors that take a file of the user's: the published ones cannot come with the code."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torchvision

from ganbench.features.fidelity import NETWORKS


def pseudo_random(shape: torch.Size, generator: torch.Generator) -> torch.Tensor:
    """Return He-scaled numbers that repeat, which are drawn in no time."""
    if len(shape) < 2:
        return torch.randn(shape, generator=generator) * 0.05
    columns = int(np.prod(shape[1:]))
    bank = torch.randn(columns + 7 * shape[0], generator=generator) * (2 / columns) ** 0.5
    inner = [int(np.prod(shape[i + 1 :])) for i in range(1, len(shape))]
    return bank.as_strided(shape, (7, *inner)).contiguous()


def write_vgg16(folder: Path) -> Path:
    """Write random weights of VGG16 and return the file."""
    with torch.device("meta"):
        shapes = {name: value.shape for name, value in torchvision.models.vgg16().state_dict().items()}
    generator = torch.Generator().manual_seed(0)
    torch.save({name: pseudo_random(shape, generator) for name, shape in shapes.items()}, folder / "vgg16.pth")
    return folder / "vgg16.pth"


def clip_state() -> dict[str, torch.Tensor]:
    """Return random weights under the names and shapes of CLIP ViT-B/32, the text side reduced to what is read."""
    from torch_fidelity.feature_extractor_clip import CLIPVisual

    with torch.device("meta"):
        shapes = {n: v.shape for n, v in CLIPVisual(512, 224, 12, 768, 32).state_dict().items()}
    generator = torch.Generator().manual_seed(1)
    state = {name: pseudo_random(shape, generator) for name, shape in shapes.items()}
    for name, value in state.items():
        if ".ln_" in name and name.endswith("weight"):
            state[name] = value + 1
    return {**state, "text_projection": torch.zeros(512, 512), "ln_final.weight": torch.ones(512)}


def dinov2_state(name: str) -> dict[str, torch.Tensor]:
    """Return random weights of the network that ``write_dinov2_code`` writes in the place of DINOv2's."""
    size = NETWORKS[name].feature_size
    generator = torch.Generator().manual_seed(2)
    return {"linear.weight": torch.randn(size, 3, generator=generator), "linear.bias": torch.zeros(size)}


def write_dinov2_code(hub: Path) -> None:
    """Put a small network with DINOv2's names and feature sizes where torch hub keeps the code."""
    lines = [
        "import torch",
        "class Net(torch.nn.Module):",
        "    def __init__(self, size):",
        "        super().__init__()",
        "        self.linear = torch.nn.Linear(3, size)",
        "    def forward(self, x):",
        "        return self.linear(x.mean((2, 3)))",
    ]
    for network in NETWORKS.values():
        if network.hub:
            lines += [f"def {network.hub}(pretrained=True):", "    assert not pretrained"]
            lines += [f"    return Net({network.feature_size})"]
    code = hub / "facebookresearch_dinov2_main"
    code.mkdir()
    (code / "hubconf.py").write_text("\n".join(lines) + "\n")


def weights_for(name: str, folder: Path) -> Path | None:
    """Write what the extractor of this name takes as ``--weights``; None if it takes none.

    DINOv2's code is written too; torch hub has to look for it in the folder. For Inception: ``inception_weights``.
    """
    if name == "vgg16":
        return write_vgg16(folder)
    if name in NETWORKS:
        if NETWORKS[name].hub:
            write_dinov2_code(folder)
        torch.save(dinov2_state(name) if NETWORKS[name].hub else clip_state(), folder / f"{name}.pth")
        return folder / f"{name}.pth"
    return None
