"""What the probe costs: training steps with and without it, alternating in one run, for all baselines.

    python benchmarks/gradnorm.py                                   # all baselines, on both networks, everything on
    python benchmarks/gradnorm.py --variant wgan --plain            # gradient and weight norms alone
    python benchmarks/gradnorm.py --width 8 --batch 16 --pairs 5    # to see that it runs
    python benchmarks/gradnorm.py --errors faces.zip --resize 64 --preset probe --width 16 --batch 8 --pairs 40

With and without take turns, block by block, so that whatever else the machine does hits both; the overhead is the
median over these pairs of blocks, with its 95 % interval. A block is as many steps as all lazy terms of a loss need to
come round, and at least four, for what it takes to install and remove the hooks counts too; the probe's first steps, in
which spectral norms take more rounds, are over by then. The same is printed of the processor's time, which on a machine
that others use is the steadier of the two; OMP_NUM_THREADS=1 makes it mean what it says, for threads that wait for each
other take time as well.

The target is below 3 % for every baseline with everything on: norms, spectral norms, updates and activations of every
layer, of the generator as well as the discriminator, at every step of each.

--errors trains on images instead, and holds the spectral norms of so many steps against singular values.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import time
from pathlib import Path

import numpy as np
import torch

from ganbench import GradNormProbe
from ganbench.diagnostics.gradnorm import ALSO
from ganbench.diagnostics.spectrum import EARLY
from ganbench.images.sources import open_source
from ganbench.models.draw import Draw
from ganbench.training.data import to_training_range
from ganbench.training.recipe import Recipe, load_recipe
from ganbench.training.trainer import Trainer

VARIANTS = ("dcgan", "dcgan-clipnorm", "wgan", "wgan-gp", "stylegan2")
WARM_UP = 1  # blocks of each kind
LEAST = 4  # steps of a block
FEW = 4  # images, of which the probe's own first steps are made
TARGET = 3.0  # percent


def block_of(recipe: Recipe) -> int:
    """Return how many discriminator steps a block has, in which every term of the loss comes round."""
    critic = recipe.training.n_critic
    lazy = [getattr(recipe.objective, "r1_every", 1), critic * getattr(recipe.objective, "path_every", 1)]
    round_ = math.lcm(critic, *lazy)
    return round_ * math.ceil(LEAST / round_)


def begin(probe: GradNormProbe, network: torch.nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
    """Take a probe past its first steps, at the cost of a few images each, and change nothing of the network."""
    buffers = {name: buffer.clone() for name, buffer in network.named_buffers()}
    with probe:
        for step in range(-EARLY, 0):
            network(*inputs).float().mean().backward()
            probe.record(step)
    network.zero_grad(set_to_none=True)
    with torch.no_grad():
        for name, buffer in network.named_buffers():
            buffer.copy_(buffers[name])


def measure(recipe: Recipe, pairs: int, also: tuple[str, ...], device: torch.device) -> dict[str, float]:
    trainer = Trainer(recipe, device)
    batch, size, critic = recipe.training.batch, recipe.model.size, recipe.training.n_critic
    pixels = torch.randint(0, 256, (batch, size, size, 3), dtype=torch.uint8)
    discriminator = GradNormProbe(trainer.discriminator, clip=getattr(recipe.objective, "clip", None), also=also)
    generator = GradNormProbe(trainer.generator, also=also)
    steps = block_of(recipe)
    taken: dict[bool, list[tuple[float, float]]] = {True: [], False: []}

    def train(steps: int, *, watching: bool) -> None:
        with contextlib.ExitStack() as probes:
            if watching:
                probes.enter_context(discriminator)
                probes.enter_context(generator)
            for _ in range(steps):
                trainer.train_step(pixels)
                if watching:
                    discriminator.record(trainer.step)
                    if trainer.step % critic == 0:
                        generator.record(trainer.step)

    draw = Draw(torch.Generator(device).manual_seed(0), FEW)
    begin(discriminator, trainer.discriminator, (to_training_range(pixels[:FEW], device),))
    begin(generator, trainer.generator, trainer.generator.inputs(draw))
    for pair in range(-WARM_UP, pairs):
        for watching in (True, False) if pair % 2 else (False, True):
            start = time.perf_counter(), time.process_time()
            train(steps, watching=watching)
            if device.type == "cuda":
                torch.cuda.synchronize()
            if pair >= 0:
                taken[watching].append((time.perf_counter() - start[0], time.process_time() - start[1]))
    # Neighbouring blocks share whatever else the machine does: the median of their ratios is steadier than two means.
    ratios = np.array(taken[True]) / np.array(taken[False])
    medians = np.median(np.random.default_rng(0).choice(ratios, (2000, pairs)), axis=1)
    low, high = np.quantile(medians, (0.025, 0.975), axis=0)
    percent = {"overhead": np.median(ratios, axis=0), "low": low, "high": high}
    return {
        "step_ms": float(np.median(taken[False], axis=0)[0] / steps * 1000),
        **{f"{name}_percent": float((value[0] - 1) * 100) for name, value in percent.items()},
        **{f"{name}_percent_processor": float((value[1] - 1) * 100) for name, value in percent.items()},
        "pairs": pairs,
        "steps_per_block": steps,
    }


def errors(recipe: Recipe, images: np.ndarray, steps: int) -> np.ndarray:
    """Return by how much spectral norms differ from singular values: shares (steps, layers), NaN where none is due."""
    trainer = Trainer(recipe, torch.device("cpu"))
    networks = (trainer.discriminator, trainer.generator)
    probes = [GradNormProbe(network, also=("spectral_norm",)) for network in networks]
    rng = np.random.default_rng(0)
    true = []
    with probes[0], probes[1]:
        for _ in range(steps):
            before = [_singular(probe) for probe in probes]
            trainer.train_step(torch.from_numpy(images[rng.integers(0, len(images), recipe.training.batch)]))
            for probe, norms in zip(probes, before, strict=True):
                if probe.measured:
                    probe.record(trainer.step)
                else:
                    norms[:] = math.nan
            true.append(np.concatenate(before))
    found = np.full((steps, len(true[0])), math.nan)
    columns = np.cumsum([0] + [len(probe.layers) for probe in probes])
    for probe, first, end in zip(probes, columns, columns[1:], strict=False):
        frame = probe.to_frame().sort_values(["step", "layer"])
        names = [layer.name for layer in probe.layers]
        table = frame.pivot(index="step", columns="name", values="spectral_norm")[names]
        found[table.index.to_numpy() - 1, first:end] = table
    return np.abs(found / np.stack(true) - 1)


def _singular(probe: GradNormProbe) -> np.ndarray:
    """Return the largest singular value of every layer's weight, as a matrix (outputs, rest)."""
    weights = [layer.weight().transpose(0, 1) if layer.outputs_second else layer.weight() for layer in probe.layers]
    return np.array([torch.linalg.matrix_norm(weight.flatten(1), 2).item() for weight in weights])


def _told(result: dict[str, float], clock: str = "") -> str:
    overhead, low, high = (result[f"{name}_percent{clock}"] for name in ("overhead", "low", "high"))
    return f"{overhead:+.2f} % ({low:+.2f} to {high:+.2f})"


def _images(source: str, resize: str | None) -> np.ndarray:
    """Return the first images, uint8 (N, H, W, 3)."""
    opened = open_source(source, resize=resize).first(2000)
    return np.concatenate([batch.pixels for batch in opened.batches(256)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--variant", nargs="*", default=list(VARIANTS))
    parser.add_argument("--preset", default="paper")
    parser.add_argument("--width", type=int, help="feature maps, in place of the preset's")
    parser.add_argument("--batch", type=int, help="images of a step, in place of the preset's")
    parser.add_argument("--pairs", type=int, default=40)
    parser.add_argument("--plain", action="store_true", help="gradient and weight norms alone")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--errors", metavar="DATA", help="hold spectral norms against singular values; --pairs: steps")
    parser.add_argument("--resize", help="of --errors")
    arguments = parser.parse_args()
    given = {"model.width": arguments.width, "training.batch": arguments.batch}
    overrides = [f"{key}={value}" for key, value in given.items() if value is not None]
    images = None if arguments.errors is None else _images(arguments.errors, arguments.resize)
    results = {}
    for variant in arguments.variant:
        recipe = load_recipe(variant, arguments.preset, overrides)
        if images is not None:
            wrong = errors(recipe, images, arguments.pairs)
            step, layer = np.unravel_index(np.nanargmax(wrong), wrong.shape)
            print(
                f"{variant}: median {np.nanmedian(wrong):.1e}, 95 % below {np.nanquantile(wrong, 0.95):.1e}, largest "
                f"{wrong[step, layer]:.1e} at step {step + 1} of {arguments.pairs}",
                flush=True,
            )
            continue
        also = () if arguments.plain else ALSO
        results[variant] = r = measure(recipe, arguments.pairs, also, torch.device(arguments.device))
        print(
            f"{variant}: {r['step_ms']:.0f} ms per step; probe {_told(r)}, of the processor's time "
            f"{_told(r, '_processor')}; 95 %, {r['pairs']} pairs of {r['steps_per_block']} steps; "
            f"target: below {TARGET:g} %",
            flush=True,
        )
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
