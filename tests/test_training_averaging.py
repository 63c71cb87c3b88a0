"""The average of a generator's weights: by its formula, and with batch statistics of its own when it is sampled."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn
from training_steps import smoke_recipe, step_pixels

from ganbench.models.draw import Draw
from ganbench.training.trainer import Trainer

CPU = torch.device("cpu")


@pytest.mark.slow
def test_averaged_generator_follows_the_formula() -> None:
    trainer = Trainer(smoke_recipe("dcgan", "training.average=0.9"), CPU)
    average = [p.detach().clone() for p in trainer.average.parameters()]
    for _ in range(3):
        trainer.train_step(step_pixels())
        average = [0.9 * a + 0.1 * p.detach() for a, p in zip(average, trainer.generator.parameters(), strict=True)]
    for a, p in zip(average, trainer.average.parameters(), strict=True):
        torch.testing.assert_close(p, a, rtol=1e-5, atol=1e-7)
    live = dict(trainer.generator.named_buffers())
    assert len(live) > 0
    for name, statistic in trainer.average.named_buffers():  # batch norm's: a mean already, taken as they are
        assert torch.equal(statistic, live[name])


@pytest.mark.slow
def test_samples_of_an_averaged_generator_use_its_own_batch_statistics() -> None:
    trainer = Trainer(smoke_recipe("dcgan", "training.average=0.9"), CPU)
    for _ in range(3):
        trainer.train_step(step_pixels())
    before = copy.deepcopy(trainer.average.state_dict())
    random_state = torch.get_rng_state()
    sampler = trainer.sampler
    assert torch.equal(torch.get_rng_state(), random_state)
    assert all(torch.equal(before[key], value) for key, value in trainer.average.state_dict().items())
    norms = [module for module in sampler.modules() if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d)]
    assert {type(norm) for norm in norms} == {nn.BatchNorm1d, nn.BatchNorm2d}
    # Independent: the statistics of every norm's inputs over the same latents, collected by hooks.
    sums: dict[nn.Module, list[tuple[torch.Tensor, torch.Tensor]]] = {norm: [] for norm in norms}

    def collect(module: nn.Module, inputs: tuple[torch.Tensor]) -> None:
        channels = inputs[0].transpose(0, 1).flatten(1)
        sums[module].append((channels.mean(1), channels.var(1)))

    hooks = [norm.register_forward_pre_hook(collect) for norm in norms]
    stream = torch.Generator().manual_seed(0)
    sampler.train()
    kept = [(norm.running_mean.clone(), norm.running_var.clone()) for norm in norms]
    with torch.no_grad():
        for _ in range(16):
            sampler(*sampler.inputs(Draw(stream, 64)))
    for hook in hooks:
        hook.remove()
    for norm, (mean, variance) in zip(norms, kept, strict=True):
        means, variances = (torch.stack(parts).mean(0) for parts in zip(*sums[norm], strict=True))
        torch.testing.assert_close(mean, means, rtol=1e-5, atol=1e-6)
        torch.testing.assert_close(variance, variances, rtol=1e-4, atol=1e-6)
        assert norm.momentum == 0.1
    # Not those of the latest step's weights, which the average carries along.
    stale = dict(trainer.average.named_buffers())
    for name, statistic in sampler.named_buffers():
        if name.endswith(("mean", "var")):
            assert not torch.allclose(statistic, stale[name], rtol=0.01)


def test_an_average_of_0_is_none() -> None:
    trainer = Trainer(smoke_recipe("stylegan2", "training.average=0"), CPU)
    assert trainer.average is None
    assert trainer.sampler is trainer.generator


@pytest.mark.slow
def test_a_generator_without_batch_norms_is_sampled_as_it_is() -> None:
    trainer = Trainer(smoke_recipe("stylegan2"), CPU)
    trainer.train_step(step_pixels())
    sampler = trainer.sampler.state_dict()
    assert sampler.keys() == trainer.average.state_dict().keys()
    assert all(torch.equal(sampler[key], value) for key, value in trainer.average.state_dict().items())
