"""Extractors ``vgg16``, ``clip-vit-b-32``, ``dinov2-vit-*``: torch-fidelity's arithmetic on weights that the user has.

Each takes its weights from ``--weights PATH``: they are too large, or under licences too narrow, to come with anything.
Preprocessing is torch-fidelity's: resize as TensorFlow 1 does to 224x224, then the normalisation of the training set.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ganbench.errors import AssetError, AssetMissing, UnknownName
from ganbench.features.entry import ExtractorEntry
from ganbench.features.spec import BuildOptions, ExtractorSpec
from ganbench.features.weights import is_program, load_state, named_weights, read_state, refuse_foreign
from ganbench.system.wall import wall

if TYPE_CHECKING:
    import torch
    from torch import nn

VERSION = 1
SIZE = 224
RESIZE = "tf1"
IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
CLIP = ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711))


@dataclass(frozen=True)
class _Network:
    """One network.

    Attributes:
        feature_size: length of its features.
        sha256: first digits of the published file's hash.
        file: the published file's name.
        normalisation: mean and deviation per channel, on the scale 0..1.
        hub: its name in DINOv2's torch hub repository, if it is from there.
    """

    feature_size: int
    sha256: str
    file: str
    normalisation: tuple[tuple[float, ...], tuple[float, ...]] = IMAGENET
    hub: str = ""


# The first digits: VGG16's as in its file name; CLIP's as in its published address. DINOv2's files carry none.
NETWORKS = {
    "vgg16": _Network(4096, "397923af", "vgg16-397923af.pth"),
    "clip-vit-b-32": _Network(
        512, "40d365715913c9da98579312b702a82c18be219cc2a73407c4526f58eba950af", "ViT-B-32.pt", CLIP
    ),
    "dinov2-vit-s-14": _Network(384, "", "dinov2_vits14_pretrain.pth", hub="dinov2_vits14"),
    "dinov2-vit-b-14": _Network(768, "", "dinov2_vitb14_pretrain.pth", hub="dinov2_vitb14"),
    "dinov2-vit-l-14": _Network(1024, "", "dinov2_vitl14_pretrain.pth", hub="dinov2_vitl14"),
    "dinov2-vit-g-14": _Network(1536, "", "dinov2_vitg14_pretrain.pth", hub="dinov2_vitg14"),
}


def specify(options: BuildOptions) -> ExtractorSpec:
    """Return the specification of ``options.name``; reads the weights file for its hash only.

    Raises:
        AssetMissing: no ``--weights``.
        AssetError: that file is not there, or is no weights file.
        UnknownName: a resize protocol was asked for; these have one only.
    """
    name, network = options.name, NETWORKS[options.name]
    if options.resize not in (None, RESIZE):
        raise UnknownName(f"{name} has one resize protocol, {RESIZE!r}; {options.resize!r} is not defined for it")
    if options.weights is None:
        raise AssetMissing(f"{name} needs its weights file, published as {network.file}: --weights PATH/{network.file}")
    weights = named_weights(name, Path(options.weights), network.sha256)
    if not _is_published_program(weights.path, name, weights.sha256):
        refuse_foreign(weights.path, name)
    # A published hash is known for some of them only; of the others the protocol shows the hash and claims nothing.
    note = weights.note if network.sha256 else ""
    return ExtractorSpec(name, VERSION, network.feature_size, SIZE, RESIZE, weights.sha256, 0, options.precision, note)


def build(spec: ExtractorSpec, options: BuildOptions) -> nn.Module:
    """Return the network in inference mode, normalisation included.

    Raises:
        AssetError: the file is damaged, or is of another network.
        AssetMissing: DINOv2's code is not on this machine; the message has the command that gets it.
    """
    import torch
    from torch import nn

    entry = NETWORKS[spec.name]
    assert options.weights is not None  # specify has seen to it
    network = _BUILDERS[spec.name.split("-")[0]](spec, Path(options.weights))

    class Normalised(nn.Module):
        """Puts the normalisation in front of a network."""

        def __init__(self) -> None:
            super().__init__()
            self.network = network
            self.mean: torch.Tensor
            self.deviation: torch.Tensor
            mean, deviation = (255 * torch.tensor(part).view(1, 3, 1, 1) for part in entry.normalisation)
            self.register_buffer("mean", mean)
            self.register_buffer("deviation", deviation)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.network((x - self.mean) / self.deviation)

    return Normalised().eval().requires_grad_(False)


def _vgg16(spec: ExtractorSpec, path: Path) -> nn.Module:
    """torch-fidelity's ``fc2_relu``: the second fully connected layer after its ReLU."""
    import torch
    import torchvision

    state = read_state(path, spec.name)
    with torch.device("meta"):
        network = torchvision.models.vgg16()
    load_state(network.to_empty(device="cpu"), state, path, spec.name)
    network.classifier = network.classifier[:5].eval()
    return network


def _clip(spec: ExtractorSpec, path: Path) -> nn.Module:
    """CLIP's image tower, its weights rounded to float16 as they were published."""
    import torch
    from torch_fidelity.feature_extractor_clip import build_model

    state = _clip_state(spec, path)
    with wall(lambda why: AssetError(f"{path}: weights of another network, not {spec.name} ({why}).")):
        tower = build_model(state, torch.float32).visual
        shape = (*tower.conv1.weight.shape, len(tower.transformer.resblocks), tower.output_dim)
    if shape != (768, 3, 32, 32, 12, spec.feature_size):
        raise AssetError(f"{path}: weights of another CLIP network, not {spec.name}.")
    return tower


def _clip_state(spec: ExtractorSpec, path: Path) -> dict[str, torch.Tensor]:
    import torch

    # OpenAI publishes a TorchScript program. A program is opened only if it is that very file.
    if _is_published_program(path, spec.name, spec.weights_sha256):
        return dict(torch.jit.load(path, map_location="cpu").state_dict())
    return read_state(path, spec.name)


def _is_published_program(path: Path, name: str, sha256: str) -> bool:
    return sha256 == NETWORKS[name].sha256 and is_program(path)


def _dinov2(spec: ExtractorSpec, path: Path) -> nn.Module:
    """DINOv2's class token; the network's code is taken from torch hub's folder, as torch-fidelity does."""
    import torch

    state = read_state(path, spec.name)
    hub = NETWORKS[spec.name].hub
    code = Path(torch.hub.get_dir()) / "facebookresearch_dinov2_main"
    if not (code / "hubconf.py").is_file():
        raise AssetMissing(
            f"{spec.name}: DINOv2's code is not in {code}. Run: "
            f"python -c \"import torch; torch.hub.load('facebookresearch/dinov2', '{hub}', pretrained=False)\""
        )
    network = torch.hub.load(str(code), hub, source="local", pretrained=False)
    load_state(network, state, path, spec.name)
    return network


_BUILDERS = {"vgg16": _vgg16, "clip": _clip, "dinov2": _dinov2}

_LAYERS = {"vgg16": "second fully connected layer after its ReLU", "clip": "image embedding", "dinov2": "class token"}


def arithmetic(spec: ExtractorSpec) -> dict[str, str]:
    """Return the layer and the scaling in words."""
    mean, deviation = (", ".join(f"{x:g}" for x in part) for part in NETWORKS[spec.name].normalisation)
    return {"layer": _LAYERS[spec.name.split("-")[0]], "scaling": f"(x / 255 - ({mean})) / ({deviation})"}


ENTRY = ExtractorEntry(specify, build, exportable=False, arithmetic=arithmetic)  # for each of the names in NETWORKS
