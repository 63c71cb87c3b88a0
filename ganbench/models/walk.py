"""Walks through the latent space of a generator: the images at two points that lie close to each other on a path."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import torch

from ganbench.errors import GanbenchError
from ganbench.models.draw import Draw
from ganbench.models.generator import Generator
from ganbench.registry import load_object
from ganbench.system.code import plugin_errors

Space = Literal["w", "z"]
SPACES: tuple[Space, ...] = ("w", "z")


@dataclass(frozen=True)
class Walk:
    """A generator, and the space in which paths run through it.

    Attributes:
        space: ``w``: straight lines between what two latents are mapped to; ``z``: great circles between the latents.
        device: where the network is.
        draw: draws both ends of as many paths as a batch has.
        images: images (N, 3, H, W), [-1, 1] where the generator is bounded, at the shares t, (N,), of these paths.
    """

    space: Space
    device: torch.device
    draw: Callable[[Draw], tuple[Any, ...]]
    images: Callable[[tuple[Any, ...], torch.Tensor], torch.Tensor]


def walk_of(generator: Generator, space: str | None = None) -> Walk:
    """Return the walk through a generator of this house: its first input is the latent, the others stay as they are.

    Args:
        generator: in evaluation mode.
        space: ``w`` or ``z``; None: W where the generator has one.

    Raises:
        GanbenchError: no such space.
    """
    device = next(generator.parameters()).device
    styled = type(generator).intermediate is not Generator.intermediate
    chosen = _chosen(space, styled, type(generator).__name__)

    def draw(stream: Draw) -> tuple[Any, ...]:
        one, other = ([part.to(device) for part in generator.inputs(stream)] for _ in range(2))
        if chosen == "w":
            return generator.intermediate(*one), generator.intermediate(*other), one
        return one[0], other[0], one[1:]

    def images(ends: tuple[Any, ...], t: torch.Tensor) -> torch.Tensor:
        start, end, rest = ends
        if chosen == "w":
            return generator.from_intermediate(lerp(start, end, t), *rest)
        return generator(slerp(start, end, t), *rest)

    return Walk(chosen, device, draw, images)


def foreign_walk(name: str, device: str, space: str | None = None) -> Walk:
    """Return the walk through what ``package.module:factory`` makes: a generator of this house, or another module.

    Another ``torch.nn.Module`` maps latents (N, latent) to images (N, 3, H, W) in [-1, 1]; ``latent`` is an attribute.
    With methods ``map`` (latents to w) and ``synthesise`` (w to images) it has a space W.

    Raises:
        UnknownName: no such module or factory.
        GanbenchError: it fails, or makes something else.
    """
    factory = load_object(name, "generator")
    if not callable(factory):
        raise GanbenchError(f"{name} is {type(factory).__name__}, and no function that makes a generator")
    with plugin_errors(f"{name}: the factory", foreign=True):
        made = factory()
    if not isinstance(made, torch.nn.Module):
        raise GanbenchError(f"{name} returned {type(made).__name__}, not a torch.nn.Module")
    module: Any = made.eval().requires_grad_(False).to(device)
    if isinstance(module, Generator):
        return _guarded(name, walk_of(module, space))
    latent = getattr(module, "latent", None)
    if not isinstance(latent, int) or isinstance(latent, bool) or latent < 1:
        raise GanbenchError(f"{name}: the module's latent must be the length of its latents, not {latent!r}")
    styled = callable(getattr(module, "map", None)) and callable(getattr(module, "synthesise", None))
    chosen = _chosen(space, styled, name)

    def draw(stream: Draw) -> tuple[Any, ...]:
        ends = (stream.normal(latent).to(device), stream.normal(latent).to(device))
        return tuple(module.map(end) for end in ends) if chosen == "w" else ends

    def images(ends: tuple[Any, ...], t: torch.Tensor) -> torch.Tensor:
        start, end = ends
        between = lerp(start, end, t) if chosen == "w" else slerp(start, end, t)
        found: torch.Tensor = module.synthesise(between) if chosen == "w" else module(between)
        return found

    return _guarded(name, Walk(chosen, torch.device(device), draw, images))


def lerp(start: torch.Tensor, end: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    """Return the points at the shares t, (N,), of straight lines between points (N, ...)."""
    return torch.lerp(start, end, t.view(-1, *[1] * (start.ndim - 1)))


def slerp(start: torch.Tensor, end: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    """Return the points at the shares t, (N,), of great circles between the directions of (N, D); their length is 1.

    StyleGAN normalises latents first, and what is measured lies on the sphere; here it is brought back to the length
    that normal latents have, the root of D, since not every generator normalises.
    """
    size = start.shape[1] ** 0.5
    start, end = (torch.nn.functional.normalize(side, dim=1) for side in (start, end))
    cosine = (start * end).sum(1, keepdim=True).clamp(-1, 1)
    angle = t[:, None] * torch.acos(cosine)
    across = torch.nn.functional.normalize(end - cosine * start, dim=1)
    return size * (start * angle.cos() + across * angle.sin())


def _chosen(space: str | None, styled: bool, name: str) -> Space:
    if space is not None and space not in SPACES:
        raise GanbenchError(f"unknown space {space!r}. Known: {', '.join(SPACES)}.")
    if space == "w" and not styled:
        raise GanbenchError(f"{name} has no space W: its latents make images directly. Use --space z")
    return "w" if styled and space != "z" else "z"


def _guarded(name: str, walk: Walk) -> Walk:
    """Return a walk whose failures are told in one line: the code is other people's."""

    def draw(stream: Draw) -> tuple[Any, ...]:
        with plugin_errors(f"the generator {name}", foreign=True):
            return walk.draw(stream)

    def images(ends: tuple[Any, ...], t: torch.Tensor) -> torch.Tensor:
        with plugin_errors(f"the generator {name}", foreign=True):
            found = walk.images(ends, t)
        if not isinstance(found, torch.Tensor) or found.ndim != 4 or found.shape[:2] != (len(t), 3):
            shape = tuple(found.shape) if isinstance(found, torch.Tensor) else type(found).__name__
            raise GanbenchError(f"the generator {name} made {shape} of {len(t)} latents, not images (N, 3, H, W)")
        return found

    return Walk(walk.space, walk.device, draw, images)
