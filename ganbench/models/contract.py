"""The contract of a model, and what it shares with that of an objective, as checks; each raises AssertionError."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from pydantic import BaseModel
from torch import nn

from ganbench.models.draw import Draw
from ganbench.models.model import Model
from ganbench.system.contract import require

_BATCH = 4


def check_model(model: type[Model], **settings: object) -> None:
    """Check that a model keeps its contract.

    A seed decides the weights; the generator's inputs come from ``draw`` alone and are those of its share of the
    images, however many processes there are; images have the recipe's size and, unless the generator is not bounded,
    the range [-1, 1]; the discriminator gives one number per image; gradients reach both networks; the state
    dictionaries hold everything.

    Args:
        model: a class derived from ``ganbench.models.base.Model``.
        settings: values for settings; those without a default must be given. Small networks are checked sooner.

    Raises:
        AssertionError: what is not kept, in words.
    """
    chosen = check_settings(model, settings)
    with one_thread(), torch.random.fork_rng(devices=[]):
        generator, discriminator = _build_both(model, chosen, seed=0)
        _check_weights(model, chosen, generator, discriminator)
        _check_inputs(generator)
        _check_images(generator, discriminator, chosen.size)
        _check_gradients(generator, discriminator)
        _check_truncation(generator)


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute on one core inside the block: for networks this small, several wait for each other."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def check_settings(owner: type[Any], values: Mapping[str, object]) -> Any:
    """Return an owner's settings, after checking that a recipe can hold them and another process receive them."""
    kind = owner.Settings
    derived = isinstance(kind, type) and issubclass(kind, BaseModel)
    require(derived, "Settings must be a class derived from the base's")
    chosen = kind(**values)
    again = kind.model_validate(chosen.model_dump(mode="json"))
    require(again == chosen, "settings must come back from JSON as they were: a run folder keeps them")
    again = pickle.loads(pickle.dumps(chosen))
    require(again == chosen, "settings must come back from pickle as they were: other processes train with them")
    return chosen


def _build_both(model: type[Model], settings: Any, *, seed: int) -> tuple[Any, nn.Module]:
    """Return new networks, their weights drawn from a seed."""
    torch.manual_seed(seed)
    generator, discriminator = model(settings).build()
    modules = isinstance(generator, nn.Module) and isinstance(discriminator, nn.Module)
    require(modules, "build must return two modules")
    return generator.to(memory_format=torch.channels_last), discriminator.to(memory_format=torch.channels_last)


def _draw(batch: int = _BATCH, *, rank: int = 0, processes: int = 1) -> Draw:
    return Draw(torch.Generator().manual_seed(0), batch, rank=rank, processes=processes)


@torch.no_grad()
def _check_weights(model: type[Model], settings: Any, generator: Any, discriminator: nn.Module) -> None:
    """A seed decides the weights, and ``state_dict`` holds all of both networks; leaves them in evaluation mode."""
    twins, others = _build_both(model, settings, seed=0), _build_both(model, settings, seed=1)
    for network, twin, other in zip((generator, discriminator), twins, others, strict=True):
        state, same, differing = network.state_dict(), twin.state_dict(), other.state_dict()
        require(all(torch.equal(state[name], same[name]) for name in state), "the same seed built other weights")
        changed = any(not torch.equal(state[name], differing[name]) for name in state)
        require(changed, "another seed built the same weights")
        other.load_state_dict(state)
        network.eval()
        other.eval()
    images = generator(*generator.inputs(_draw()))
    require(
        torch.equal(others[0](*generator.inputs(_draw())), images), "a state dictionary does not hold the generator"
    )
    require(torch.equal(others[1](images), discriminator(images)), "a state dictionary does not hold the discriminator")
    require(torch.equal(copy.deepcopy(generator)(*generator.inputs(_draw())), images), "a copy is another generator")


def _check_inputs(generator: Any) -> None:
    """A generator's inputs come from ``draw`` alone, and do not depend on the number of processes."""
    for mode in (True, False):
        generator.train(mode)
        torch.manual_seed(0)
        inputs = generator.inputs(_draw())
        require(isinstance(inputs, tuple), "inputs must return a tuple of tensors")
        require(all(len(t) == _BATCH for t in inputs), "every input must have a row per image")
        torch.manual_seed(1)
        again = generator.inputs(_draw())
        require(all(map(torch.equal, inputs, again)), "inputs must come from draw alone")
        halves = [generator.inputs(_draw(_BATCH // 2, rank=rank, processes=2)) for rank in range(2)]
        joined = [torch.cat(parts) for parts in zip(*halves, strict=True)]
        require(all(map(torch.equal, inputs, joined)), "two processes must draw what one would: see Draw")


@torch.no_grad()
def _check_images(generator: Any, discriminator: nn.Module, size: int) -> None:
    """Images and scores have the right shapes and ranges, in bfloat16 too."""
    generator.eval()
    inputs = generator.inputs(_draw())
    images = generator(*inputs)
    require(images.shape == (_BATCH, 3, size, size), f"images are {tuple(images.shape)}, not of {size} pixels")
    require(bool(images.isfinite().all()), "images are not finite")
    if getattr(generator, "bounded", True):
        within = bool(images.abs().max() <= 1)
        require(within, "pixels are outside [-1, 1]; a generator that may leave it says bounded = False")
    require(torch.equal(generator(*inputs), images), "the same inputs made other images")
    alone = generator(*(t[:1] for t in inputs))
    rounding = 0.01 * float(images.abs().max())
    require(
        torch.allclose(alone, images[:1], atol=rounding), "in evaluation an image must not depend on its neighbours"
    )
    scores = discriminator(images)
    require(scores.shape == (_BATCH,), f"scores are {tuple(scores.shape)}, not one per image: flatten them")
    require(bool(scores.isfinite().all()), "scores are not finite")
    with torch.autocast("cpu", torch.bfloat16):
        scores = discriminator(generator(*inputs))
    require(bool(scores.isfinite().all()), "scores in bfloat16 are not finite")


def _check_gradients(generator: Any, discriminator: nn.Module) -> None:
    """The discriminator's scores have a gradient in both networks."""
    generator.train()
    discriminator.train()
    discriminator(generator(*generator.inputs(_draw()))).sum().backward()
    for network, name in ((generator, "generator"), (discriminator, "discriminator")):
        gradients = [p.grad for p in network.parameters() if p.grad is not None]
        require(any(g.any() for g in gradients), f"no gradient reaches the {name}")
        require(all(g.isfinite().all() for g in gradients), f"a gradient of the {name} is not finite")


@torch.no_grad()
def _check_truncation(generator: Any) -> None:
    """Truncation makes images vary less, and can be undone."""
    generator.eval()
    inputs = generator.inputs(_draw())
    images = generator(*inputs)
    generator.set_truncation(0.0)
    truncated = generator(*inputs)
    generator.set_truncation(1.0)
    require(bool(truncated.std(0).mean() < images.std(0).mean()), "truncation must make images vary less")
    require(torch.equal(generator(*inputs), images), "a truncation of 1 must leave images as they were")
