"""StyleGAN2 against an independent definition: the paper's per-image weights, zeros-in-between and blur, by hand."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from ganbench.models import stylegan2
from ganbench.models.draw import Draw
from ganbench.training.recipe import load_recipe
from ganbench.training.trainer import Trainer

ROOT2 = math.sqrt(2)


def _resample(x: torch.Tensor, pad: tuple[int, int], *, up: int = 1, down: int = 1, gain: float = 1) -> torch.Tensor:
    """Put zeros between the pixels, pad, filter with [1, 3, 3, 1] along both axes, and keep every so many."""
    n, c, h, w = x.shape
    wide = x.new_zeros(n, c, h * up, w * up)
    wide[:, :, ::up, ::up] = x
    line = torch.tensor([1.0, 3.0, 3.0, 1.0], dtype=x.dtype)
    kernel = torch.outer(line, line) / 64 * gain
    padded = F.pad(wide, (*pad, *pad)).reshape(n * c, 1, h * up + sum(pad), w * up + sum(pad))
    out = F.conv2d(padded, kernel[None, None])[:, :, ::down, ::down]
    return out.reshape(n, c, *out.shape[2:])


def _modulated(x: torch.Tensor, conv: stylegan2.ModulatedConv2d, w: torch.Tensor) -> torch.Tensor:
    images = []
    scale = 1 / math.sqrt(conv.weight[0].numel())
    for image, style in zip(x, w @ conv.style.weight.t() / math.sqrt(w.shape[1]) + conv.style.bias, strict=True):
        weight = conv.weight * scale * style[None, :, None, None]
        if conv.demodulate:
            weight = weight / (weight.square().sum((1, 2, 3), keepdim=True) + 1e-8).sqrt()
        if conv.up:
            # A transposed convolution is an ordinary one with the flipped kernel over zeros in between.
            n, h, w_ = image.shape
            zeros = image.new_zeros(n, 2 * h - 1, 2 * w_ - 1)
            zeros[:, ::2, ::2] = image
            wide = F.conv2d(zeros[None], weight.flip(2, 3), padding=2)
            images.append(_resample(wide, (1, 1), gain=4)[0])
        else:
            images.append(F.conv2d(image[None], weight, padding=weight.shape[2] // 2)[0])
    return torch.stack(images)


def _styled(x: torch.Tensor, layer: stylegan2.StyledConv, w: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
    x = _modulated(x, layer.conv, w) + layer.strength * noise + layer.bias.view(1, -1, 1, 1)
    return F.leaky_relu(x, 0.2) * ROOT2


def _enlarged(image: torch.Tensor) -> torch.Tensor:
    edges = F.pad(image, (1, 1, 1, 1), mode="replicate")
    return _resample(edges, (2, 1), up=2, gain=4)[:, :, 2:-2, 2:-2]


def _generate(g: stylegan2.Generator, z: torch.Tensor, noise: list[torch.Tensor]) -> torch.Tensor:
    w = z / (z.square().mean(1, keepdim=True) + 1e-8).sqrt()
    for layer in g.mapping:
        # 100 times the paper's initial weights, 0.01 times their weight: 1 / sqrt(inputs) in all.
        w = F.leaky_relu(w @ layer.weight.t() * 0.01 / math.sqrt(w.shape[1]) + 0.01 * layer.bias, 0.2) * ROOT2
    x = _styled(g.start.expand(len(z), -1, -1, -1), g.convs[0], w, noise[0])
    image = _modulated(x, g.to_rgb[0].conv, w) + g.to_rgb[0].bias.view(1, 3, 1, 1)
    for level in range(1, len(g.to_rgb)):
        x = _styled(x, g.convs[2 * level - 1], w, noise[2 * level - 1])
        x = _styled(x, g.convs[2 * level], w, noise[2 * level])
        rgb = _modulated(x, g.to_rgb[level].conv, w) + g.to_rgb[level].bias.view(1, 3, 1, 1)
        image = rgb + _enlarged(image)
    return image


def _conv(x: torch.Tensor, layer: stylegan2.EqualConv2d, *, down: bool = False) -> torch.Tensor:
    weight = layer.weight / math.sqrt(layer.weight[0].numel())
    kernel = weight.shape[2]
    if down:
        x = _resample(x, (2, 2) if kernel == 3 else (1, 1))
        return F.conv2d(x, weight, layer.bias, stride=2)
    return F.conv2d(x, weight, layer.bias, padding=kernel // 2)


def _judge(d: stylegan2.Discriminator, x: torch.Tensor) -> torch.Tensor:
    x = F.leaky_relu(_conv(x, d.from_rgb), 0.2) * ROOT2
    for block in d.blocks:
        y = F.leaky_relu(_conv(x, block.conv), 0.2) * ROOT2
        y = F.leaky_relu(_conv(y, block.down, down=True), 0.2) * ROOT2
        x = (y + _conv(x, block.skip, down=True)) / ROOT2
    deviation = torch.cat([
        (x[i : i + 4].var(0, correction=0) + 1e-8).sqrt().mean().expand(4) for i in range(0, len(x), 4)
    ])  # fmt: skip
    x = torch.cat([x, deviation.view(-1, 1, 1, 1).expand(-1, 1, 4, 4)], 1)
    x = (F.leaky_relu(_conv(x, d.conv), 0.2) * ROOT2).flatten(1)
    x = F.leaky_relu(x @ d.hidden.weight.t() / math.sqrt(x.shape[1]) + d.hidden.bias, 0.2) * ROOT2
    return (x @ d.score.weight.t() / math.sqrt(x.shape[1]) + d.score.bias)[:, 0]


def _shaken(network: nn.Module) -> nn.Module:
    """Give biases and noise strengths other values than zero, so that leaving one out shows."""
    with torch.no_grad():
        for name, p in network.named_parameters():
            if name.endswith(("bias", "strength")):
                p += torch.randn_like(p) * 0.3
    return network.double()


def test_generator_is_the_papers() -> None:
    torch.manual_seed(0)
    g = _shaken(stylegan2.Generator(32, 8, 2, 8, 3))
    z, other, crossover, *noise = (t.double() for t in g.eval().inputs(Draw(torch.Generator().manual_seed(0), 4)))
    images = g(z, other, crossover, *noise)
    assert images.shape == (4, 3, 32, 32)
    torch.testing.assert_close(images, _generate(g, z, noise), rtol=1e-5, atol=1e-6)


def test_discriminator_is_the_papers() -> None:
    torch.manual_seed(1)
    d = _shaken(stylegan2.Discriminator(32, 2, 8))
    x = torch.randn(8, 3, 32, 32, dtype=torch.double)
    torch.testing.assert_close(d(x), _judge(d, x), rtol=1e-6, atol=1e-8)


def test_bilinear_doubling_is_zeros_in_between_and_the_blur() -> None:
    x = torch.randn(2, 3, 8, 8, dtype=torch.double)
    ours = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
    papers = _resample(x, (2, 1), up=2, gain=4)
    torch.testing.assert_close(ours[:, :, 1:-1, 1:-1], papers[:, :, 1:-1, 1:-1])


def test_parameter_counts_at_full_size() -> None:
    recipe = load_recipe("stylegan2").model
    c, w = [512, 256, 128, 64, 32], 512
    pairs = list(itertools.pairwise(c))

    def style(channels: int) -> int:
        return w * channels + channels

    def styled(a: int, b: int) -> int:
        return 9 * a * b + style(a) + 1 + b

    g = stylegan2.Generator(recipe.size, recipe.latent, recipe.width, recipe.max_width, recipe.mapping_layers)
    mapping, rgb = 8 * (w * w + w), sum(3 * a + style(a) + 3 for a in c)
    convs = styled(512, 512) + sum(styled(a, b) + styled(b, b) for a, b in pairs)
    assert sum(p.numel() for p in g.parameters()) == mapping + 512 * 16 + convs + rgb
    d = stylegan2.Discriminator(recipe.size, recipe.width, recipe.max_width)
    blocks = sum(9 * b * b + b + 9 * b * a + a + a * b for a, b in pairs)
    end = 513 * 512 * 9 + 512 + 512 * 16 * 512 + 512 + 512 + 1
    assert sum(p.numel() for p in d.parameters()) == 3 * 32 + 32 + blocks + end


@pytest.mark.parametrize("rate", [1.0, 0.01])
def test_a_layer_learns_at_its_rate_and_starts_as_any_other(rate: float) -> None:
    torch.manual_seed(2)
    layer = stylegan2.EqualLinear(64, 256, bias=0.5, rate=rate)
    before = _effective(layer)
    assert before[0].std().item() == pytest.approx(1 / 8, rel=0.02)
    assert before[1].tolist() == pytest.approx([0.5] * 256)
    optimizer = torch.optim.Adam(layer.parameters(), 1e-3)
    layer(torch.ones(1, 64)).sum().backward()
    optimizer.step()  # Adam's first step is lr times the sign of the gradient
    after = _effective(layer)
    assert (before[0] - after[0]).mean().item() == pytest.approx(1e-3 * rate / 8, rel=1e-2)
    assert (before[1] - after[1]).mean().item() == pytest.approx(1e-3 * rate, rel=1e-2)


def _effective(layer: stylegan2.EqualLinear) -> tuple[torch.Tensor, torch.Tensor]:
    """Return weight and bias as they act: answers to unit vectors and to zero."""
    with torch.no_grad():
        bias = layer(torch.zeros(1, 64))[0].double()
        return (layer(torch.eye(64)).double() - bias).t(), bias


@pytest.mark.slow
def test_adam_is_the_recipes_because_lazy_terms_have_no_step_of_their_own() -> None:
    trainer = Trainer(load_recipe("stylegan2", "smoke", ["training.batch=8"]), torch.device("cpu"))
    pixels = torch.zeros(8, 64, 64, 3, dtype=torch.uint8)
    for _ in range(3):
        trainer.train_step(pixels)
    for optimizer in (trainer.generator_optimizer, trainer.discriminator_optimizer):
        assert {(group["lr"], group["betas"]) for group in optimizer.param_groups} == {(2e-3, (0.0, 0.99))}
        assert {float(state["step"]) for state in optimizer.state.values()} == {3.0}


def test_style_mixing_happens_in_nine_of_ten_training_images() -> None:
    g = stylegan2.Generator(64, 4, 1, 4, 1)
    crossover = g.inputs(Draw(torch.Generator().manual_seed(0), 4000))[2]
    assert (crossover < g.layers).float().mean().item() == pytest.approx(0.9, abs=0.02)
    mixed = crossover[crossover < g.layers]
    assert sorted(set(mixed.tolist())) == list(range(1, g.layers))
