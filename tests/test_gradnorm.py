"""The probe against ``param.grad.norm()`` by hand, in every way of training that it claims to work with."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
import torch
import torchvision
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.checkpoint import checkpoint

from ganbench import GradNormProbe
from ganbench.diagnostics import gradnorm
from ganbench.diagnostics.gradnorm import ProbeError
from ganbench.errors import GanbenchError, UnknownName
from ganbench.models.dcgan import Discriminator
from ganbench.training.recipe import load_recipe
from ganbench.training.trainer import Trainer


def _by_hand(module: nn.Module, names: list[str]) -> list[float]:
    parameters = dict(module.named_parameters())
    return [parameters[name].grad.float().norm().item() for name in names]


def _recorded(probe: GradNormProbe, step: int = 0) -> tuple[list[str], list[float]]:
    frame = probe.to_frame().query("step == @step")
    return frame["name"].tolist(), frame["norm"].tolist()


def _check(probe: GradNormProbe, module: nn.Module, step: int = 0, factor: float = 1.0) -> None:
    names, norms = _recorded(probe, step)
    assert len(names) > 0
    assert [n * factor for n in norms] == pytest.approx(_by_hand(module, names), rel=1e-6)


class Transformer(nn.Module):
    """A small encoder with a classification head."""

    def __init__(self) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(16, 2, 32, dropout=0, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(16, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.encoder(x).mean(1)).flatten()


def _transformer() -> tuple[nn.Module, torch.Tensor]:
    return Transformer(), torch.randn(4, 6, 16)


def _resnet() -> tuple[nn.Module, torch.Tensor]:
    return torchvision.models.resnet18(num_classes=2), torch.randn(2, 3, 64, 64)


def _discriminator() -> tuple[nn.Module, torch.Tensor]:
    return Discriminator(32, 4), torch.randn(4, 3, 32, 32)


@pytest.mark.parametrize("variant", ["dcgan", "dcgan-clipnorm", "wgan", "wgan-gp", "stylegan2"])
def test_all_baselines(variant: str) -> None:
    trainer = Trainer(load_recipe(variant, "smoke", ["training.batch=8"]), torch.device("cpu"))
    pixels = torch.randint(0, 256, (8, 64, 64, 3), dtype=torch.uint8)
    by_hand = []
    with GradNormProbe(trainer.discriminator) as probe:
        names = [layer.name for layer in probe.layers]

        def observe(step: int, real: torch.Tensor, fake: torch.Tensor) -> None:
            by_hand.append(_by_hand(trainer.discriminator, names))
            probe.record(step)

        trainer.observers.append(observe)
        for _ in range(3):
            trainer.train_step(pixels)
    assert len(names) == (16 if variant == "stylegan2" else 5)
    frame = probe.to_frame().set_index(["step", "name"])["norm"]
    for step in range(3):
        assert frame.loc[step][names].tolist() == pytest.approx(by_hand[step], rel=1e-6)


@pytest.mark.parametrize("build", [_transformer, _resnet, _discriminator])
def test_modules_of_all_kinds(build) -> None:
    module, x = build()
    with GradNormProbe(module) as probe:
        module(x).sum().backward()
        probe.record(0)
    _check(probe, module)


@pytest.mark.parametrize("kind", ["norms", "biases", "parameters"])
def test_other_parameters(kind: str) -> None:
    module, x = _resnet()
    with GradNormProbe(module, kind) as probe:
        module(x).sum().backward()
        probe.record(0)
    _check(probe, module)
    names, _ = _recorded(probe)
    if kind == "parameters":
        assert len(names) == len(list(module.parameters()))
    else:
        assert all(("bn" in n or "downsample.1" in n) and n.endswith("weight") for n in names) == (kind == "norms")


def test_autocast() -> None:
    module, x = _discriminator()
    with GradNormProbe(module) as probe:
        with torch.autocast("cpu", torch.bfloat16):
            loss = module(x).float().mean()
        loss.backward()
        probe.record(0)
    _check(probe, module)


def test_half_precision_weights_are_measured_in_float32() -> None:
    module = nn.Linear(512, 512).bfloat16()
    with GradNormProbe(module) as probe:
        module(torch.randn(64, 512).bfloat16()).float().sum().backward()
        probe.record(0)
    _check(probe, module)


def test_a_grad_scaler_is_divided_out() -> None:
    module, x = _discriminator()
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
    with GradNormProbe(module, scaler=scaler) as probe:
        scaler.scale(module(x).mean()).backward()
        probe.record(0)
    _check(probe, module, factor=1024.0)


def test_a_step_that_the_scaler_will_skip_is_no_number() -> None:
    module = nn.Linear(3, 1)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**100)
    with GradNormProbe(module, scaler=scaler) as probe:
        scaler.scale(module(torch.full((2, 3), 1e30)).sum()).backward()
        assert not module.weight.grad.isfinite().all()
        probe.record(0)
    assert np.isnan(_recorded(probe)[1]).all()


def test_accumulation_measures_the_sum() -> None:
    module, x = _discriminator()
    with GradNormProbe(module) as probe:
        for part in x.split(2):
            module(part).sum().backward()
        probe.record(0)
    _check(probe, module)


def test_torch_compile() -> None:
    module, x = _discriminator()
    compiled = torch.compile(module)
    with GradNormProbe(compiled) as probe:
        for step in range(2):
            module.zero_grad()
            compiled(x).mean().backward()
            probe.record(step)
    _check(probe, module, step=1)
    assert not _hooks(module)


def test_data_parallel_measures_the_averaged_gradient(tmp_path) -> None:
    torch.distributed.init_process_group("gloo", init_method=f"file://{tmp_path}/store", rank=0, world_size=1)
    try:
        module, x = _discriminator()
        parallel = DistributedDataParallel(module)
        # A hook that changes what the all-reduce returns: local gradients would be told apart from averaged ones.
        parallel.register_comm_hook(None, _tripled)
        with GradNormProbe(parallel) as probe:
            parallel(x).mean().backward()
            probe.record(0)
        names, norms = _recorded(probe)
        assert all(not name.startswith("module.") for name in names)
        assert norms == pytest.approx(_by_hand(module, names), rel=1e-6)
        module.zero_grad()
        module(x).mean().backward()
        assert norms == pytest.approx([3 * n for n in _by_hand(module, names)], rel=1e-4)
    finally:
        torch.distributed.destroy_process_group()


def test_the_input_gradient_goes_past_data_parallel(tmp_path) -> None:
    torch.distributed.init_process_group("gloo", init_method=f"file://{tmp_path}/store", rank=0, world_size=1)
    try:
        module, x = _discriminator()
        parallel = DistributedDataParallel(module)
        calls = []
        parallel.register_forward_hook(lambda *_: calls.append(1))
        with GradNormProbe(parallel, ["module.layers.0.weight"]) as probe:
            for step in range(2):
                parallel(x).mean().backward()
                probe.record(step, inputs=x)
        assert len(calls) == 2  # the probe's own passes would broadcast buffers and wait for other processes
        assert (probe.to_frame()["input_gradient"] > 0).all()
        assert _recorded(probe)[0] == ["layers.0.weight"]
    finally:
        torch.distributed.destroy_process_group()


def _tripled(state, bucket):  # DDP inspects annotations, which must not be strings
    future = torch.futures.Future()
    future.set_result(bucket.buffer() * 3)
    return future


def test_gradient_penalty_with_a_second_backward_pass() -> None:
    module, x = _discriminator()
    with GradNormProbe(module) as probe:
        module(x).mean().backward()
        between = x.clone().requires_grad_(True)
        (slope,) = torch.autograd.grad(module(between).sum(), between, create_graph=True)
        ((slope.flatten(1).norm(dim=1) - 1) ** 2).mean().backward()
        probe.record(0)
    _check(probe, module)


def test_a_child_called_module_keeps_its_name() -> None:
    class Wrapper(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.module = nn.Linear(2, 2)
            self.weight = nn.Parameter(torch.ones(2, 2))

    names = [layer.name for layer in GradNormProbe(Wrapper()).layers]
    assert names == ["weight", "module.weight"]


def test_recomputed_activations() -> None:
    module, x = _transformer()

    def forward(x: torch.Tensor) -> torch.Tensor:
        for layer in module.encoder.layers:
            x = checkpoint(layer, x, use_reentrant=True)  # backward passes inside the backward pass
        return module.head(x.mean(1))

    with GradNormProbe(module) as probe:
        forward(x.requires_grad_(True)).sum().backward()
        probe.record(0)
    _check(probe, module)


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
    _check(probe, module)


def test_shared_weights_are_listed_once() -> None:
    first, second = nn.Linear(8, 8), nn.Linear(8, 8)
    second.weight = first.weight
    module = nn.Sequential(first, nn.ReLU(), second)
    with GradNormProbe(module) as probe:
        module(torch.randn(3, 8)).sum().backward()
        probe.record(0)
    assert _recorded(probe)[0] == ["0.weight"]
    _check(probe, module)


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
    _check(probe, module)


def test_norms_are_those_before_clipping_and_stepping() -> None:
    module, x = _discriminator()
    optimizer = torch.optim.SGD(module.parameters(), 1.0)
    with GradNormProbe(module) as probe:
        module(x).mean().backward()
        expected = _by_hand(module, [layer.name for layer in probe.layers])
        nn.utils.clip_grad_norm_(module.parameters(), 1e-6)
        optimizer.step()
        optimizer.zero_grad()
        probe.record(0)
    assert _recorded(probe)[1] == pytest.approx(expected, rel=1e-6)


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
    module, x = _discriminator()
    with GradNormProbe(module, "activations") as probe:
        for step in range(2):
            module(x).mean().backward()
            probe.record(step, inputs=x)
    _, first = _recorded(probe, 0)
    _, second = _recorded(probe, 1)
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
    module, x = _discriminator()
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


def _hooks(module: nn.Module) -> int:
    return sum(len(m._forward_hooks) for m in module.modules()) + sum(
        len(p._post_accumulate_grad_hooks or ()) for p in module.parameters()
    )


def test_no_hook_stays_behind() -> None:
    module, x = _discriminator()
    with pytest.raises(RuntimeError, match="on purpose"), GradNormProbe(module, "activations"):
        assert _hooks(module) > 0
        raise RuntimeError("on purpose")
    assert _hooks(module) == 0
    module(x).sum().backward()


def test_long_series_are_moved_off_the_device_in_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gradnorm, "_KEPT_ON_DEVICE", 3)
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
    module, x = _discriminator()
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
