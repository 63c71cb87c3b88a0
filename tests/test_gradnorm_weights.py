"""Spectral norms, updates and activations of the probe, against singular values and copies by hand."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
import torch
from probing import discriminator, parametrized
from torch import nn

from ganbench import GradNormProbe
from ganbench.diagnostics.gradnorm import ProbeError
from ganbench.diagnostics.spectrum import RENEWED, Spectrum
from ganbench.errors import UnknownName
from ganbench.models.dcgan import Generator
from ganbench.models.draw import Draw


def as_matrix(owner: nn.Module) -> torch.Tensor:
    weight = owner.weight.detach()
    return (weight.transpose(0, 1) if isinstance(owner, nn.ConvTranspose2d) else weight).flatten(1)


def train(module: nn.Module, x: torch.Tensor, steps: int, **options: object) -> tuple[pd.DataFrame, list[list[float]]]:
    """Train on nothing in particular; returns the records, and by hand the spectral norms (steps, layers)."""
    optimizer = torch.optim.Adam(module.parameters(), 1e-3)
    by_hand = []
    with GradNormProbe(module, **options) as probe:
        owners = [layer.owner for layer in probe.layers]
        for step in range(steps):
            optimizer.zero_grad()
            module(x).square().mean().backward()
            by_hand.append([torch.linalg.matrix_norm(as_matrix(owner), 2).item() for owner in owners])
            probe.record(step)
            optimizer.step()
    return probe.to_frame(), by_hand


@pytest.mark.parametrize("memory", [torch.contiguous_format, torch.channels_last])
def test_spectral_norms_are_the_largest_singular_values(memory: torch.memory_format) -> None:
    module, x = discriminator()
    frame, by_hand = train(module.to(memory_format=memory), x, 30)
    found = frame["spectral_norm"].to_numpy().reshape(30, -1)
    np.testing.assert_allclose(found, by_hand, rtol=5e-3)
    np.testing.assert_allclose(found[0], by_hand[0], rtol=1e-4)  # the start needs no steps to settle


def test_transposed_convolutions_are_matrices_of_their_outputs() -> None:
    module = Generator(32, 8, 8)
    (z,) = module.inputs(Draw(torch.Generator().manual_seed(0), 4))
    frame, by_hand = train(module, z, 10)
    assert {type(layer.owner) for layer in GradNormProbe(module).layers} == {nn.Linear, nn.ConvTranspose2d}
    np.testing.assert_allclose(frame["spectral_norm"].to_numpy().reshape(10, -1), by_hand, rtol=5e-3)


def test_spectral_norms_of_closed_form() -> None:
    diagonal = torch.diag(torch.arange(1.0, 65))
    rank_one = torch.outer(torch.arange(3.0), torch.ones(5))
    row, nothing = torch.tensor([[3.0, 4.0]]), torch.zeros(3, 4)
    broken = torch.tensor([[1.0, torch.inf], [0.0, 1.0]])
    found = [n.item() for n in Spectrum().norms([diagonal, rank_one, row, nothing, broken])]
    assert found[:4] == pytest.approx([64, 5, 5, 0], rel=1e-4)
    assert not np.isfinite(found[4])


def test_a_direction_that_overtakes_is_seen() -> None:
    spectrum = Spectrum()
    before, after = torch.diag(torch.tensor([2.0, 1.0, 0.5])), torch.diag(torch.tensor([2.0, 3.0, 0.5]))
    for _ in range(RENEWED):
        (found,) = spectrum.norms([before])
    assert found.item() == pytest.approx(2)
    (found,) = spectrum.norms([after])
    assert found.item() == pytest.approx(3)


def test_norms_stay_right_while_weights_move() -> None:
    """Much faster than a training moves them: by 2 % a step, and in directions that were of no account before."""
    stream = torch.Generator().manual_seed(0)
    shapes = [(64, 48), (48, 160), (1, 90), (200, 3)]
    matrices = [torch.randn(shape, generator=stream) for shape in shapes]
    drift = [torch.randn(shape, generator=stream) * 0.02 for shape in shapes]
    spectrum = Spectrum()
    for _ in range(60):
        found = [norm.item() for norm in spectrum.norms(matrices)]
        true = [torch.linalg.matrix_norm(matrix, 2).item() for matrix in matrices]
        assert found == pytest.approx(true, rel=5e-3)
        assert all(f <= t * (1 + 1e-5) for f, t in zip(found, true, strict=True))  # it is approached from below
        for matrix, step in zip(matrices, drift, strict=True):
            matrix += step


def test_a_weight_that_was_broken_for_a_step_costs_that_step_alone() -> None:
    spectrum = Spectrum()
    whole = torch.diag(torch.tensor([2.0, 1.0]))
    values = [spectrum.norms([m])[0].item() for m in (whole, whole * torch.nan, whole)]
    assert values[0] == pytest.approx(2)
    assert not np.isfinite(values[1])
    assert values[2] == pytest.approx(2)


def test_the_update_ratio_is_that_of_the_step_behind_the_gradient() -> None:
    module, x = discriminator()
    optimizer = torch.optim.RMSprop(module.parameters(), 1e-3)
    expected = []
    with GradNormProbe(module) as probe:
        for step in range(4):
            optimizer.zero_grad()
            module(x).mean().backward()
            if step % 2 == 0:
                probe.record(step)
            before = [layer.parameter.detach().clone() for layer in probe.layers]
            optimizer.step()
            with torch.no_grad():
                for p in module.parameters():
                    p.clamp_(-0.03, 0.03)  # counts as well
            pairs = zip(probe.layers, before, strict=True)
            expected.append([((layer.parameter - w).norm() / w.norm()).item() for layer, w in pairs])
        during = probe.to_frame()["update_ratio"].to_numpy().reshape(2, -1)
    found = probe.to_frame()["update_ratio"].to_numpy().reshape(2, -1)
    np.testing.assert_allclose(found, [expected[0], expected[2]], rtol=1e-5)
    np.testing.assert_array_equal(during, found)
    with probe:
        module(x).mean().backward()
        probe.record(4)
        assert probe.to_frame().query("step == 4")["update_ratio"].isna().all()  # that step is not over


def test_the_weight_of_a_layer_is_what_it_multiplies_by() -> None:
    module, x = parametrized()
    first, last = module[0], module[2]
    with GradNormProbe(module) as probe:
        loss = module(x).sum()
        state = {name: value.clone() for name, value in module.state_dict().items()}
        loss.backward()
        probe.record(0)
    assert all(torch.equal(value, state[name]) for name, value in module.state_dict().items())  # it iterated nothing
    module.eval()
    frame = probe.to_frame()
    assert frame["weight_norm"].tolist() == pytest.approx([first.weight.norm().item(), last.weight.norm().item()])
    assert frame["spectral_norm"].tolist() == pytest.approx(
        [torch.linalg.matrix_norm(m.weight.flatten(1), 2).item() for m in (first, last)], rel=1e-4
    )


def test_older_ways_of_spectral_and_weight_norm() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        module = nn.Sequential(
            nn.utils.spectral_norm(nn.Conv2d(3, 4, 3)), nn.Flatten(), nn.utils.weight_norm(nn.Linear(16, 2))
        )
    with GradNormProbe(module) as probe:
        module(torch.randn(2, 3, 4, 4)).sum().backward()
        probe.record(0)
        with torch.no_grad():
            module[2].weight_g.mul_(1.5)
    frame = probe.to_frame()
    assert frame["name"].tolist() == ["0.weight", "2.weight"]
    norms = [module[0].weight_orig.grad.norm().item(), module[2].weight_v.grad.norm().item()]
    assert frame["norm"].tolist() == pytest.approx(norms, rel=1e-6)
    assert frame["weight_norm"].tolist() == pytest.approx([m.weight.norm().item() for m in (module[0], module[2])])
    assert frame["update_ratio"].tolist() == pytest.approx([0, 0.5], abs=1e-5)


def test_activations_are_those_behind_the_nonlinearity() -> None:
    module = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 2), nn.Tanh(), nn.Linear(2, 1))
    with torch.no_grad():
        module[0].bias[:2] = -100  # two dead units of six
    x = torch.randn(50, 4)
    with GradNormProbe(module) as probe:
        module(x[:30]).sum().backward()  # another step, which was not recorded
        (module(x[:20]).sum() + module(x[20:]).sum()).backward()
        probe.record(0)
    frame = probe.to_frame()
    outputs = [module[:2](x), module[:4](x), module(x)]
    for column, by_hand in (
        ("activation_mean", [o.mean().item() for o in outputs]),
        ("activation_std", [o.std(correction=0).item() for o in outputs]),
        ("dead_units", [1 / 3, 0, 0]),
    ):
        assert frame[column].tolist() == pytest.approx(by_hand, rel=1e-5), column


@pytest.mark.parametrize("memory", [torch.contiguous_format, torch.channels_last])
def test_activations_of_convolutions_are_of_whole_images_by_channel(memory: torch.memory_format) -> None:
    module = nn.Sequential(nn.Conv2d(3, 8, 3), nn.LeakyReLU(0.2, inplace=True)).to(memory_format=memory)
    with torch.no_grad():
        module[0].weight[:3] = 0  # three channels that say nothing
    x = torch.randn(40, 3, 22, 22).contiguous(memory_format=memory)  # 3,200 numbers an image: ten are looked at
    with GradNormProbe(module) as probe:
        module(x).sum().backward()
        probe.record(0)
    seen = module(x)[:10].double()
    row = probe.to_frame().iloc[0]
    assert row["activation_mean"] == pytest.approx(seen.mean().item(), rel=1e-5)
    assert row["activation_std"] == pytest.approx(seen.std(correction=0).item(), rel=1e-5)
    assert row["dead_units"] == pytest.approx(3 / 8)


def test_a_frozen_network_that_passes_gradients_on_shows_no_activations() -> None:
    module = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 1))
    x = torch.randn(8, 4)
    with GradNormProbe(module) as probe:
        module.requires_grad_(False)
        module(torch.full((8, 4), 1e6, requires_grad=True)).sum().backward()  # as a generator's step does
        module.requires_grad_(True)
        module(x).sum().backward()
        probe.record(0)
    means = [module[:2](x).mean().item(), module(x).mean().item()]
    assert probe.to_frame()["activation_mean"].tolist() == pytest.approx(means)


def test_what_is_not_asked_for_is_not_recorded() -> None:
    module, x = discriminator()
    extras = ["spectral_norm", "update_ratio", "activation_mean", "activation_std", "dead_units"]
    everything, _ = train(module, x, 3)
    assert everything[extras].notna().all(axis=None)
    plain, _ = train(module, x, 3, also=())
    assert plain[extras].isna().all(axis=None)
    assert plain["weight_norm"].notna().all()
    some, _ = train(module, x, 3, also=["update_ratio"])
    assert some["update_ratio"].notna().all()
    assert some["spectral_norm"].isna().all()
    with pytest.raises(UnknownName, match="Did you mean 'spectral_norm'"):
        GradNormProbe(module, also=["spectral"])


def test_the_random_stream_and_the_training_stay_as_they_are() -> None:
    results = []
    for watched in (True, False):
        torch.manual_seed(0)
        module, x = discriminator()
        optimizer = torch.optim.Adam(module.parameters(), 1e-2)
        probe = GradNormProbe(module)
        if watched:
            probe.attach()
        for step in range(3):
            optimizer.zero_grad()
            module(x + torch.randn(())).mean().backward()
            if watched:
                probe.record(step)
            optimizer.step()
        results.append((torch.get_rng_state(), [p.detach().clone() for p in module.parameters()]))
    assert torch.equal(results[0][0], results[1][0])
    assert all(torch.equal(a, b) for a, b in zip(results[0][1], results[1][1], strict=True))


def test_lazy_layers_and_kinds_without_a_matrix() -> None:
    module = nn.Sequential(nn.LazyConv2d(4, 3), nn.ReLU(), nn.ConvTranspose2d(4, 2, 3), nn.Flatten(), nn.LazyLinear(1))
    x = torch.randn(2, 3, 6, 6)
    with pytest.raises(ProbeError, match=r"0\.weight has no shape yet: send a batch through the module first"):
        GradNormProbe(module)
    module(x)
    with GradNormProbe(module) as probe:
        module(x).sum().backward()
        probe.record(0)
    assert probe.to_frame()["spectral_norm"].notna().all()
    for kind in ("biases", "parameters"):
        with GradNormProbe(module, kind) as probe:
            module(x).sum().backward()
            probe.record(0)
        frame = probe.to_frame()
        flat = frame["name"].str.endswith("bias")
        assert frame["spectral_norm"][flat].tolist() == pytest.approx(frame["weight_norm"][flat].tolist())
        assert (frame["spectral_norm"] <= frame["weight_norm"] * (1 + 1e-5)).all()
