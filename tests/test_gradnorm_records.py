"""What the probe records, what it leaves behind, and what it says to mistakes."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
import torch
from probing import by_hand, check, discriminator, hooks, recorded, resnet
from torch import nn

from ganbench import GradNormProbe
from ganbench.diagnostics import norms
from ganbench.diagnostics.gradnorm import ProbeError
from ganbench.errors import GanbenchError, UnknownName


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["norms", "biases", "parameters"])
def test_other_parameters(kind: str) -> None:
    module, x = resnet()
    with GradNormProbe(module, kind) as probe:
        module(x).sum().backward()
        probe.record(0)
    check(probe, module)
    names, _ = recorded(probe)
    if kind == "parameters":
        assert len(names) == len(list(module.parameters()))
    else:
        assert all(("bn" in n or "downsample.1" in n) and n.endswith("weight") for n in names) == (kind == "norms")


def test_a_child_called_module_keeps_its_name() -> None:
    class Wrapper(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.module = nn.Linear(2, 2)
            self.weight = nn.Parameter(torch.ones(2, 2))

    names = [layer.name for layer in GradNormProbe(Wrapper()).layers]
    assert names == ["weight", "module.weight"]


def test_a_backward_pass_that_failed_does_not_end_the_measuring() -> None:
    first, second = nn.Linear(3, 3), nn.Linear(3, 1)
    module = nn.Sequential(first, second)

    def fail(gradient: torch.Tensor) -> None:
        raise RuntimeError("out of memory")

    with GradNormProbe(module) as probe:
        hidden = first(torch.randn(2, 3))
        hidden.register_hook(fail)
        with pytest.raises(RuntimeError, match="out of memory"):
            second(hidden).sum().backward()
        assert second.weight.grad is not None
        module.zero_grad()
        module(torch.randn(2, 3)).sum().backward()
        probe.record(0)
    check(probe, module)


def test_layers_are_in_forward_order() -> None:
    class Reversed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.last = nn.Linear(4, 1)
            self.first = nn.Linear(6, 4)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.last(self.first(x))

    module = Reversed()
    with GradNormProbe(module) as probe:
        module(torch.randn(3, 6)).sum().backward()
        probe.record(0)
    frame = probe.to_frame()
    assert frame["name"].tolist() == ["first.weight", "last.weight"]
    assert frame["layer"].tolist() == [1, 2]
    check(probe, module)


def test_norms_are_those_before_clipping_and_stepping() -> None:
    module, x = discriminator()
    optimizer = torch.optim.SGD(module.parameters(), 1.0)
    with GradNormProbe(module) as probe:
        module(x).mean().backward()
        expected = by_hand(module, [layer.name for layer in probe.layers])
        nn.utils.clip_grad_norm_(module.parameters(), 1e-6)
        optimizer.step()
        optimizer.zero_grad()
        probe.record(0)
    assert recorded(probe)[1] == pytest.approx(expected, rel=1e-6)


def test_activation_gradients() -> None:
    module = nn.Sequential(nn.Linear(5, 4), nn.Tanh(), nn.Linear(4, 1))
    x = torch.randn(6, 5)
    with GradNormProbe(module, "activations") as probe:
        (module(x[:3]).sum() + module(x[3:]).sum()).backward()
        probe.record(0)
    hidden = module[0](x).detach().requires_grad_(True)
    out = module[2](module[1](hidden))
    out.retain_grad()
    out.sum().backward()
    frame = probe.to_frame().set_index("name")["norm"]
    assert frame["0.weight"] == pytest.approx(hidden.grad.norm().item(), rel=1e-6)
    assert frame["2.weight"] == pytest.approx(math.sqrt(6), rel=1e-6)


def test_the_input_gradient_does_not_count_as_a_gradient_of_activations() -> None:
    module, x = discriminator()
    with GradNormProbe(module, "activations") as probe:
        for step in range(2):
            module(x).mean().backward()
            probe.record(step, inputs=x)
    _, first = recorded(probe, 0)
    _, second = recorded(probe, 1)
    assert second == pytest.approx(first, rel=1e-5)


def test_weight_norm_ratio_and_share_at_the_bound() -> None:
    module = nn.Linear(4, 2, bias=False)
    with torch.no_grad():
        module.weight.copy_(torch.tensor([[0.1, -0.1, 0.05, 0.0], [0.1, 0.02, -0.03, 0.04]]))
    with GradNormProbe(module, clip=0.1) as probe:
        module(torch.ones(1, 4)).sum().backward()
        probe.record(0)
    row = probe.to_frame().iloc[0]
    assert row["at_bound"] == pytest.approx(3 / 8)
    assert row["weight_norm"] == pytest.approx(module.weight.norm().item(), rel=1e-6)
    assert row["ratio"] == pytest.approx(math.sqrt(8) / module.weight.norm().item(), rel=1e-6)
    assert row["log_norm"] == pytest.approx(math.log(8) / 2, rel=1e-6)


def test_the_input_gradient_is_measured_and_leaves_no_trace() -> None:
    module, x = discriminator()
    with GradNormProbe(module) as probe:
        module(x).mean().backward()
        grads = [p.grad.clone() for p in module.parameters()]
        after_forward = {name: value.clone() for name, value in module.state_dict().items()}
        probe.record(0, inputs=x)
    for name, value in module.state_dict().items():
        assert torch.equal(value, after_forward[name]), name
    images = x.clone().requires_grad_(True)
    (slope,) = torch.autograd.grad(module(images).sum(), images)
    assert probe.to_frame()["input_gradient"].iloc[0] == pytest.approx(
        slope.flatten(1).norm(dim=1).mean().item(), rel=1e-5
    )
    assert all(torch.equal(p.grad, g) for p, g in zip(module.parameters(), grads, strict=True))
    linear = nn.Linear(4, 1)
    with GradNormProbe(linear) as probe:
        linear(torch.randn(2, 4)).sum().backward()
        probe.record(0, inputs=torch.randn(3, 4))
    assert probe.to_frame()["input_gradient"].iloc[0] == pytest.approx(linear.weight.norm().item(), rel=1e-6)


def test_the_input_gradient_takes_nothing_from_the_random_stream() -> None:
    module = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.5), nn.Linear(8, 1))
    with GradNormProbe(module) as probe:
        module(torch.randn(2, 4)).sum().backward()
        before = torch.get_rng_state()
        probe.record(0, inputs=torch.ones(2, 4))
    assert torch.equal(torch.get_rng_state(), before)


def test_no_hook_stays_behind() -> None:
    module, x = discriminator()
    with pytest.raises(RuntimeError, match="on purpose"), GradNormProbe(module, "activations"):
        assert hooks(module) > 0
        raise RuntimeError("on purpose")
    assert hooks(module) == 0
    module(x).sum().backward()


def test_long_series_are_moved_off_the_device_in_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(norms, "KEPT_ON_DEVICE", 3)
    module = nn.Linear(3, 1)
    expected = []
    with GradNormProbe(module) as probe:
        for step in range(8):
            module.zero_grad()
            module(torch.randn(2, 3)).sum().backward()
            expected.append(module.weight.grad.norm().item())
            probe.record(step)
    assert probe.to_frame()["norm"].tolist() == pytest.approx(expected, rel=1e-6)
    assert probe.to_frame()["step"].tolist() == list(range(8))


def test_a_layer_without_a_gradient_is_nan() -> None:
    module = nn.ModuleList([nn.Linear(2, 1), nn.Linear(2, 1)])
    with GradNormProbe(module) as probe:
        module[0](torch.ones(1, 2)).sum().backward()
        probe.record(0)
    norms = probe.to_frame()["norm"]
    assert norms[0] == pytest.approx(math.sqrt(2))
    assert np.isnan(norms[1])


def test_a_gradient_that_is_not_finite_is_infinite() -> None:
    module = nn.ModuleList([nn.Linear(2, 1), nn.Linear(2, 1)])
    with GradNormProbe(module) as probe:
        (module[0](torch.ones(1, 2)) * torch.nan).sum().backward()
        probe.record(0)
    norms = probe.to_frame()["norm"]
    assert np.isinf(norms[0])
    assert np.isnan(norms[1])  # no gradient at all is something else


def test_mistakes_get_an_answer() -> None:
    module, x = discriminator()
    with pytest.raises(UnknownName, match=r"Did you mean 'layers\.0\.weight'"):
        GradNormProbe(module, ["layer.0.weight"])
    with pytest.raises(GanbenchError, match="has no norms to watch"):
        GradNormProbe(nn.Linear(2, 2), "norms")
    with pytest.raises(ProbeError, match="requires_grad is False"):
        GradNormProbe(nn.Linear(2, 2).requires_grad_(False))
    probe = GradNormProbe(module)
    with pytest.raises(ProbeError, match="not attached"):
        probe.record(0)
    with probe:
        with pytest.raises(ProbeError, match="attached already"):
            probe.attach()
        with pytest.raises(ProbeError, match="no backward pass"):
            probe.record(0)
        module(x).sum().backward()
        probe.record(0)
        module(x).sum().backward()
        for step in (0, -1):
            with pytest.raises(ProbeError, match=f"step {step} does not follow step 0, which is recorded already"):
                probe.record(step)
    with probe:  # after its block it may be used again, and goes on
        module(x).sum().backward()
        probe.record(1)
    assert probe.to_frame()["step"].nunique() == 2


def test_an_empty_probe_gives_an_empty_table() -> None:
    frame = GradNormProbe(nn.Linear(2, 2)).to_frame()
    assert isinstance(frame, pd.DataFrame)
    assert len(frame) == 0
    assert "log_norm" in frame
