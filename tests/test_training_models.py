"""The networks against independent definitions: shapes, parameter counts, outputs, variances."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from assignment import AssignmentGenerator
from torch import nn
from torch.nn import functional as F

from ganbench.models import dcgan, stylegan2
from ganbench.models.draw import Draw


def _draw(batch: int, seed: int = 0) -> Draw:
    return Draw(torch.Generator().manual_seed(seed), batch)


def test_dcgan_generator_is_the_assignments() -> None:
    ours, theirs = dcgan.Generator(64, 100, 8), AssignmentGenerator(100, 8)
    pairs = list(zip(ours.state_dict().items(), theirs.state_dict().items(), strict=True))
    assert all(a.shape == b.shape for (_, a), (_, b) in pairs)
    theirs.load_state_dict({name: value for (_, value), (name, _) in pairs})
    z = torch.randn(6, 100)
    torch.testing.assert_close(ours(z), theirs(z), rtol=1e-5, atol=1e-6)
    assert ours(z).shape == (6, 3, 64, 64)


def test_dcgan_parameter_counts_at_full_width() -> None:
    f, z = 64, 100
    top = 8 * f * 16
    convs = 25 * (8 * f * 4 * f + 4 * f * 2 * f + 2 * f * f + f * 3)
    norms = 2 * (top + 4 * f + 2 * f + f)
    assert sum(p.numel() for p in dcgan.Generator(64, z, f).parameters()) == z * top + convs + norms
    channels = [3, f, 2 * f, 4 * f, 8 * f, 1]
    convs = sum(16 * a * b + b for a, b in itertools.pairwise(channels))
    counts = {"batch": convs + 2 * (2 * f + 4 * f + 8 * f), "instance": convs, "none": convs}
    for norm, count in counts.items():
        assert sum(p.numel() for p in dcgan.Discriminator(64, f, norm).parameters()) == count


def test_dcgan_discriminator_has_the_five_convolutions_of_the_plot() -> None:
    convs = [m for m in dcgan.Discriminator(64, 64).modules() if isinstance(m, nn.Conv2d)]
    geometry = [(c.in_channels, c.out_channels, c.kernel_size[0], c.stride[0], c.padding[0]) for c in convs]
    assert geometry == [
        (3, 64, 4, 2, 1),
        (64, 128, 4, 2, 1),
        (128, 256, 4, 2, 1),
        (256, 512, 4, 2, 1),
        (512, 1, 4, 1, 0),
    ]
    assert all(c.bias is not None for c in convs)


@pytest.mark.parametrize("norm", ["batch", "instance", "none"])
def test_dcgan_discriminator_against_functional_form(norm: str) -> None:
    d = dcgan.Discriminator(64, 4, norm)
    x = torch.randn(5, 3, 64, 64)
    convs = [m for m in d.modules() if isinstance(m, nn.Conv2d)]
    norms = [m for m in d.modules() if isinstance(m, nn.BatchNorm2d)]
    y = F.leaky_relu(F.conv2d(x, convs[0].weight, convs[0].bias, 2, 1), 0.2)
    for i, conv in enumerate(convs[1:4]):
        y = F.conv2d(y, conv.weight, conv.bias, 2, 1)
        if norm != "none":
            axes = (0, 2, 3) if norm == "batch" else (2, 3)
            y = (y - y.mean(axes, keepdim=True)) / (y.var(axes, keepdim=True, correction=0) + 1e-5).sqrt()
        if norm == "batch":
            y = y * norms[i].weight.view(1, -1, 1, 1) + norms[i].bias.view(1, -1, 1, 1)
        y = F.leaky_relu(y, 0.2)
    expected = F.conv2d(y, convs[4].weight, convs[4].bias).view(-1)
    torch.testing.assert_close(d(x), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("size", [32, 64, 128])
def test_all_sizes(size: int) -> None:
    for generator, discriminator in (
        (dcgan.Generator(size, 10, 4), dcgan.Discriminator(size, 4)),
        (stylegan2.Generator(size, 8, 2, 8, 2), stylegan2.Discriminator(size, 2, 8)),
    ):
        images = generator(*generator.inputs(_draw(4)))
        assert images.shape == (4, 3, size, size)
        assert discriminator(images).shape == (4,)


def test_dcgan_initial_weights() -> None:
    torch.manual_seed(0)
    g, d = dcgan.Generator(64, 100, 64), dcgan.Discriminator(64, 64)
    for module in [*g.modules(), *d.modules()]:
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            assert abs(module.weight.mean().item()) < 0.001
            assert module.weight.std().item() == pytest.approx(0.02, rel=0.03)
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            assert module.weight.mean().item() == pytest.approx(1, abs=0.01)
            assert module.weight.std().item() == pytest.approx(0.02, rel=0.3)
            assert not module.bias.any()


def _modulated_weights(conv: stylegan2.ModulatedConv2d, w: torch.Tensor) -> torch.Tensor:
    """The paper's form: one weight tensor per image, modulated, then demodulated: (N, out, in, k, k)."""
    scale = 1 / math.sqrt(conv.weight.shape[1] * conv.kernel**2)
    weight = conv.weight[None] * scale * conv.style(w)[:, None, :, None, None]
    return weight / (weight.square().sum((2, 3, 4), keepdim=True) + 1e-8).sqrt()


@pytest.mark.parametrize("up", [False, True])
def test_modulated_convolution_equals_the_papers_form(up: bool) -> None:
    torch.manual_seed(1)
    conv = stylegan2.ModulatedConv2d(6, 5, 3, 7, up=up).double()
    x, w = torch.randn(3, 6, 8, 8, dtype=torch.double), torch.randn(3, 7, dtype=torch.double)
    rows = []
    for image, weight in zip(x[:, None], _modulated_weights(conv, w), strict=True):
        if not up:
            rows.append(F.conv2d(image, weight, padding=1))
            continue
        line = torch.tensor([1.0, 3.0, 3.0, 1.0], dtype=torch.double)
        kernel = (line[:, None] * line / 16).expand(5, 1, 4, 4)  # sums to 4: zeros came between the pixels
        rows.append(F.conv2d(F.conv_transpose2d(image, weight.transpose(0, 1), stride=2), kernel, padding=1, groups=5))
    expected = torch.cat(rows)
    assert expected.shape[2] == (16 if up else 8)
    torch.testing.assert_close(conv(x, w), expected, rtol=1e-6, atol=1e-7)


def test_demodulation_gives_unit_variance() -> None:
    torch.manual_seed(2)
    conv = stylegan2.ModulatedConv2d(64, 32, 3, 16)
    styles = torch.randn(8, 16) * 3  # strong styles: without demodulation the variance would be theirs
    x = torch.randn(8, 64, 32, 32)
    inner = conv(x, styles)[:, :, 1:-1, 1:-1]  # the zero padding has no variance
    deviations = inner.std((2, 3))
    assert deviations.mean().item() == pytest.approx(1, abs=0.02)
    conv.demodulate = False
    assert conv(x, styles).std() > 1.5


def test_equalised_layers_keep_unit_variance() -> None:
    torch.manual_seed(3)
    assert stylegan2.EqualLinear(512, 256)(torch.randn(400, 512)).std().item() == pytest.approx(1, abs=0.02)
    inner = stylegan2.EqualConv2d(64, 64, 3)(torch.randn(8, 64, 16, 16))[:, :, 1:-1, 1:-1]
    assert inner.std().item() == pytest.approx(1, abs=0.02)


def test_minibatch_deviation_against_loops() -> None:
    x = torch.randn(8, 3, 4, 4, dtype=torch.double)
    out = stylegan2.minibatch_deviation(x)
    assert out.shape == (8, 4, 4, 4)
    for group in range(2):
        images = x[4 * group : 4 * group + 4]
        expected = ((images - images.mean(0)).square().mean(0) + 1e-8).sqrt().mean()
        assert torch.allclose(out[4 * group : 4 * group + 4, 3], expected, rtol=1e-5)
    assert torch.equal(out[:, :3], x)


def test_style_mixing_takes_the_second_latent_from_the_crossover_on() -> None:
    g = stylegan2.Generator(32, 8, 2, 8, 2)
    z, other, crossover, *noise = g.inputs(_draw(3))
    crossover[:] = torch.tensor([0.0, 3.0, float(g.layers)])
    _, styles = g(z, other, crossover, *noise, styled=True)
    first, second = g.map(z), g.map(other)
    for image, start in enumerate([0, 3, g.layers]):
        for layer in range(g.layers):
            expected = second if layer >= start else first
            torch.testing.assert_close(styles[image, layer], expected[image])
    g.eval()
    assert (g.inputs(_draw(64))[2] == g.layers).all()


def test_truncation_pulls_towards_the_mean() -> None:
    torch.manual_seed(4)
    for generator in (dcgan.Generator(32, 16, 4), stylegan2.Generator(32, 16, 2, 8, 2)):
        generator.eval()
        inputs = generator.inputs(_draw(16))
        spread = generator(*inputs).std(0).mean()
        generator.set_truncation(0.0)
        images = generator(*inputs[:1], *(torch.zeros_like(t) if t.ndim == 4 else t for t in inputs[1:]))
        assert images.std(0).mean() < 1e-5 < spread
        generator.set_truncation(1.0)
        assert generator(*inputs).std(0).mean() == spread


def test_draws_do_not_depend_on_the_number_of_processes() -> None:
    whole = _draw(8, seed=5)
    streams = [Draw(torch.Generator().manual_seed(5), 4, rank=rank, processes=2) for rank in range(2)]
    for shape in ((3,), (1, 4, 4)):
        expected = whole.normal(*shape)
        assert torch.equal(torch.cat([s.normal(*shape) for s in streams]), expected)
    assert torch.equal(torch.cat([s.uniform() for s in streams]), whole.uniform())
