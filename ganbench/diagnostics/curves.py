"""Curves of gradient norms: short trainings of recipes, or of what a run has reached, with the probe attached."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from ganbench.diagnostics.findings import WINDOW, troubles
from ganbench.diagnostics.gradnorm import GradNormProbe
from ganbench.errors import GanbenchError
from ganbench.system.frames import column_of
from ganbench.system.progress import track
from ganbench.training.checkpoint import load_checkpoint
from ganbench.training.recipe import Recipe, load_recipe, recipe_names
from ganbench.training.run_folder import RunFolder
from ganbench.training.trainer import Trainer

if TYPE_CHECKING:
    import pandas as pd

    from ganbench.training.data import TrainingImages

REPORT_CLIPS = (0.01, 0.1)  # the bounds of the course report's figure ...
REPORT_AGAINST = "wgan-gp"  # ... and what it compares them with
_SLOPE_EVERY = 10  # steps between measurements of the input gradient, which cost a pass of their own
_SLOPE_IMAGES = 16


@dataclass(frozen=True)
class Curve:
    """One curve of the figure: its name, what to train, and the run to go on from, if any."""

    name: str
    recipe: Recipe
    run: Path | None = None


def of_recipe(recipe: Recipe) -> Curve:
    """Name a curve after its variant and, for a clipped critic, the bound."""
    clip = getattr(recipe.objective, "clip", None)
    return Curve(recipe.variant + (f", clip {clip:g}" if clip is not None else ""), recipe)


def of_run(path: Path) -> Curve:
    """Return the curve that goes on where a run stands; the run itself is not touched.

    Raises:
        GanbenchError: not a run, or no checkpoint in it.
    """
    run = RunFolder.open(path)
    if not run.checkpoint.is_file():
        raise GanbenchError(
            f"{path}: the run has no checkpoint. Train it first: ganbench train --run {path} --resume ..."
        )
    return Curve(path.name, run.recipe(), path)


def plan(
    variants: list[str],
    clips: list[float],
    against: list[str],
    runs: list[Path],
    *,
    preset: str = "probe",
    overrides: list[str] | None = None,
    seeds: list[int] | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> list[Curve]:
    """Return the curves of one figure: the runs, then per seed each variant, and what they are compared with.

    One variant that clips its weights, and nothing else, becomes the report's figure: two clipping bounds, and the
    gradient penalty to compare with.

    Args:
        variants: variants to probe.
        clips: a curve of each of them per clipping bound; none: the recipe's own.
        against: variants to compare with, as they are.
        runs: run folders to go on from.
        preset: of the variants; ``probe`` is made for this figure.
        overrides: ``--set`` texts for the variants.
        seeds: of the variants; none: 0.
        say: is told in one line what was added to the figure, or what could be.

    Raises:
        GanbenchError: no curve, the same one twice, or something asked for that no curve would show.
    """
    if not (variants or against or runs):
        raise GanbenchError("nothing to probe: give --variant wgan, or --run RUN")
    if clips and not variants:
        raise GanbenchError("--clip makes curves of --variant; give one, such as --variant wgan")
    if (overrides or seeds) and not (variants or against):
        raise GanbenchError("--set, --precision and --seed are for --variant and --against; a run keeps its recipe")
    if _is_bare(variants, clips, against, runs, overrides or []):
        clips, against = list(REPORT_CLIPS), [REPORT_AGAINST]
        bounds_said = " and ".join(f"{clip:g}" for clip in clips)
        say(
            f"{variants[0]} alone: the course report's figure, with the clipping bounds {bounds_said} and with "
            f"{REPORT_AGAINST}; --clip and --against choose others"
        )
    # A run is called as its folder and the one around it: runs/wgan is not the variant wgan.
    curves = [replace(of_run(path), name="/".join(path.resolve().parts[-2:])) for path in runs]
    bounds = [[f"objective.clip={c}"] for c in clips] or [[]]
    for seed in seeds or [0]:
        settings = [*(overrides or []), f"training.seed={seed}"]
        if clips:
            _check_that_they_clip([load_recipe(name, preset, settings) for name in variants])
        recipes = [load_recipe(name, preset, [*settings, *bound]) for name in variants for bound in bounds]
        recipes += [load_recipe(name, preset, settings) for name in against]
        curves += map(of_recipe, recipes)
    _refuse_twins(curves)
    if len({curve.name for curve in curves}) == 1:
        other = REPORT_AGAINST if curves[0].recipe.variant != REPORT_AGAINST else "wgan"
        say(f"one curve, {curves[0].name}; to compare it, add another: --against {other}")
    return curves


def _is_bare(
    variants: list[str], clips: list[float], against: list[str], runs: list[Path], overrides: list[str]
) -> bool:
    """Tell whether one clipped variant is all that is asked for; an objective of one's own is left as it is."""
    if len(variants) != 1 or clips or against or runs or any(text.startswith("objective.") for text in overrides):
        return False
    return _clips(load_recipe(variants[0]))


def _clips(recipe: Recipe) -> bool:
    return "clip" in type(recipe.objective).model_fields


def _refuse_twins(curves: list[Curve]) -> None:
    seen = set()
    for curve in curves:
        key = curve.name, curve.recipe.training.seed
        if key in seen:
            raise GanbenchError(f"the curve {curve.name!r} with seed {key[1]} is asked for twice; leave one out")
        seen.add(key)


def _check_that_they_clip(recipes: list[Recipe]) -> None:
    for recipe in recipes:
        if not _clips(recipe):
            clipping = [name for name in recipe_names() if _clips(load_recipe(name))]
            raise GanbenchError(
                f"--clip: {recipe.variant} does not clip its weights. Variants that do: {', '.join(clipping)}; "
                "to compare with another, name it with --against"
            )


@dataclass(frozen=True, eq=False)
class Measured:
    """What a curve's training showed of its two networks.

    Attributes:
        discriminator: columns ``curve``, ``variant``, ``seed`` and those of ``GradNormProbe.to_frame``.
        generator: the same; ``step`` is that of the discriminator in which the generator's step was done.
    """

    discriminator: pd.DataFrame
    generator: pd.DataFrame


def measure(
    curve: Curve,
    images: TrainingImages,
    steps: int,
    *,
    device: torch.device,
    warn: Callable[[str], None] = lambda text: None,
) -> Measured:
    """Train for some steps and record the gradient norms of every step of both networks.

    Args:
        curve: what to train.
        images: training images of the recipe's size; their seed is the recipe's.
        steps: discriminator steps.
        device: where.
        warn: is told every sign of trouble of the discriminator in one line, as soon as the rules see it.

    Returns:
        The records.
    """
    trainer = Trainer(curve.recipe, device)
    if curve.run is not None:
        trainer.load_state_dict(load_checkpoint(RunFolder(curve.run).checkpoint, device))
    probe = GradNormProbe(trainer.discriminator, clip=getattr(curve.recipe.objective, "clip", None))
    of_generator = GradNormProbe(trainer.generator)

    def observe(step: int, real: torch.Tensor, fake: torch.Tensor) -> None:
        del fake
        probe.record(step, inputs=real[:_SLOPE_IMAGES] if step % _SLOPE_EVERY == 0 else None)

    trainer.observers.append(observe)
    seed = curve.recipe.training.seed
    told: set[tuple[str, str]] = set()
    with probe, of_generator, track(f"{curve.name}, seed {seed}", steps, unit="steps") as advance:
        for done in range(1, steps + 1):
            trainer.train_step(images.load(trainer.step))
            if trainer.step % curve.recipe.training.n_critic == 0:
                of_generator.record(trainer.step - 1)
            advance(1)
            if done % WINDOW == 0 or done == steps:
                for trouble in troubles(probe.to_frame()):
                    if (trouble.kind, trouble.layer) not in told:
                        told.add((trouble.kind, trouble.layer))
                        warn(f"{curve.name}: {trouble.text}")
    return Measured(_named(curve, probe.to_frame()), _named(curve, of_generator.to_frame()))


def _named(curve: Curve, frame: pd.DataFrame) -> pd.DataFrame:
    """Return records with the columns that tell curves and seeds apart in front."""
    frame.insert(0, "seed", curve.recipe.training.seed)
    frame.insert(0, "variant", column_of([curve.recipe.variant] * len(frame)))
    frame.insert(0, "curve", column_of([curve.name] * len(frame)))
    return frame
