"""The probe against ``param.grad.norm()`` by hand, in every way of training that it claims to work with."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from probing import by_hand, check, discriminator, hooks, parametrized, recorded, resnet, transformer
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.checkpoint import checkpoint

from ganbench import GradNormProbe
from ganbench.diagnostics.layers import find_layers
from ganbench.training.recipe import load_recipe
from ganbench.training.trainer import Trainer


@pytest.mark.slow
@pytest.mark.parametrize("variant", ["dcgan", "dcgan-clipnorm", "wgan", "wgan-gp", "stylegan2"])
def test_all_baselines(variant: str) -> None:
    trainer = Trainer(load_recipe(variant, "smoke", ["training.batch=8"]), torch.device("cpu"))
    pixels = torch.randint(0, 256, (8, 64, 64, 3), dtype=torch.uint8)
    expected = []
    with GradNormProbe(trainer.discriminator) as probe:
        names = [layer.name for layer in probe.layers]

        def observe(step: int, real: torch.Tensor, fake: torch.Tensor) -> None:
            expected.append(by_hand(trainer.discriminator, names))
            probe.record(step)

        trainer.observers.append(observe)
        for _ in range(3):
            trainer.train_step(pixels)
    assert len(names) == (16 if variant == "stylegan2" else 5)
    frame = probe.to_frame().set_index(["step", "name"])["norm"]
    for step in range(3):
        assert frame.loc[step][names].tolist() == pytest.approx(expected[step], rel=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("build", [transformer, resnet, discriminator])
def test_modules_of_all_kinds(build) -> None:
    module, x = build()
    with GradNormProbe(module) as probe:
        module(x).sum().backward()
        probe.record(0)
    check(probe, module)


def test_weights_that_are_computed_from_others() -> None:
    module, x = parametrized()
    with GradNormProbe(module) as probe:
        module(x).sum().backward()
        probe.record(0)
    check(probe, module)
    names, _ = recorded(probe)
    assert names == ["0.weight", "2.weight"]
    given = ["0.parametrizations.weight.original", "2.parametrizations.weight.original1"]
    assert [layer.name for layer in find_layers(module, given)] == names  # PyTorch's own names are understood
    assert [layer.name for layer in find_layers(module, "biases")] == ["0.bias", "2.bias"]


def test_autocast() -> None:
    module, x = discriminator()
    with GradNormProbe(module) as probe:
        with torch.autocast("cpu", torch.bfloat16):
            loss = module(x).float().mean()
        loss.backward()
        probe.record(0)
    check(probe, module)


def test_half_precision_weights_are_measured_in_float32() -> None:
    module = nn.Linear(512, 512).bfloat16()
    with GradNormProbe(module) as probe:
        module(torch.randn(64, 512).bfloat16()).float().sum().backward()
        probe.record(0)
    check(probe, module)


def test_a_grad_scaler_is_divided_out() -> None:
    module, x = discriminator()
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
    with GradNormProbe(module, scaler=scaler) as probe:
        scaler.scale(module(x).mean()).backward()
        probe.record(0)
    check(probe, module, factor=1024.0)


def test_a_step_that_the_scaler_will_skip_is_no_number() -> None:
    module = nn.Linear(3, 1)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**100)
    with GradNormProbe(module, scaler=scaler) as probe:
        scaler.scale(module(torch.full((2, 3), 1e30)).sum()).backward()
        assert not module.weight.grad.isfinite().all()
        probe.record(0)
    assert np.isnan(recorded(probe)[1]).all()


def test_accumulation_measures_the_sum() -> None:
    module, x = discriminator()
    with GradNormProbe(module) as probe:
        for part in x.split(2):
            module(part).sum().backward()
        probe.record(0)
    check(probe, module)


@pytest.mark.slow
def test_torch_compile() -> None:
    module, x = discriminator()
    compiled = torch.compile(module)
    with GradNormProbe(compiled) as probe:
        for step in range(2):
            module.zero_grad()
            compiled(x).mean().backward()
            probe.record(step)
    check(probe, module, step=1)
    assert not hooks(module)


def test_data_parallel_measures_the_averaged_gradient(tmp_path) -> None:
    torch.distributed.init_process_group("gloo", init_method=f"file://{tmp_path}/store", rank=0, world_size=1)
    try:
        module, x = discriminator()
        parallel = DistributedDataParallel(module)
        # A hook that changes what the all-reduce returns: local gradients would be told apart from averaged ones.
        parallel.register_comm_hook(None, _tripled)
        with GradNormProbe(parallel) as probe:
            parallel(x).mean().backward()
            probe.record(0)
        names, norms = recorded(probe)
        assert all(not name.startswith("module.") for name in names)
        assert norms == pytest.approx(by_hand(module, names), rel=1e-6)
        module.zero_grad()
        module(x).mean().backward()
        assert norms == pytest.approx([3 * n for n in by_hand(module, names)], rel=1e-4)
    finally:
        torch.distributed.destroy_process_group()


def test_the_input_gradient_goes_past_data_parallel(tmp_path) -> None:
    torch.distributed.init_process_group("gloo", init_method=f"file://{tmp_path}/store", rank=0, world_size=1)
    try:
        module, x = discriminator()
        parallel = DistributedDataParallel(module)
        calls = []
        parallel.register_forward_hook(lambda *_: calls.append(1))
        with GradNormProbe(parallel, ["module.layers.0.weight"]) as probe:
            for step in range(2):
                parallel(x).mean().backward()
                probe.record(step, inputs=x)
        assert len(calls) == 2  # the probe's own passes would broadcast buffers and wait for other processes
        assert (probe.to_frame()["input_gradient"] > 0).all()
        assert recorded(probe)[0] == ["layers.0.weight"]
    finally:
        torch.distributed.destroy_process_group()


def _tripled(state, bucket):  # DDP inspects annotations, which must not be strings
    future = torch.futures.Future()
    future.set_result(bucket.buffer() * 3)
    return future


def test_gradient_penalty_with_a_second_backward_pass() -> None:
    module, x = discriminator()
    with GradNormProbe(module) as probe:
        module(x).mean().backward()
        between = x.clone().requires_grad_(True)
        (slope,) = torch.autograd.grad(module(between).sum(), between, create_graph=True)
        ((slope.flatten(1).norm(dim=1) - 1) ** 2).mean().backward()
        probe.record(0)
    check(probe, module)


def test_recomputed_activations() -> None:
    module, x = transformer()

    def forward(x: torch.Tensor) -> torch.Tensor:
        for layer in module.encoder.layers:
            x = checkpoint(layer, x, use_reentrant=True)  # backward passes inside the backward pass
        return module.head(x.mean(1))

    with GradNormProbe(module) as probe:
        forward(x.requires_grad_(True)).sum().backward()
        probe.record(0)
    check(probe, module)


def test_shared_weights_are_listed_once() -> None:
    first, second = nn.Linear(8, 8), nn.Linear(8, 8)
    second.weight = first.weight
    module = nn.Sequential(first, nn.ReLU(), second)
    with GradNormProbe(module) as probe:
        module(torch.randn(3, 8)).sum().backward()
        probe.record(0)
    assert recorded(probe)[0] == ["0.weight"]
    check(probe, module)
