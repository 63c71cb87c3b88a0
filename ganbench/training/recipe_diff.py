"""What differs between two recipes, with a line of explanation for each difference."""

from __future__ import annotations

from dataclasses import dataclass

from ganbench.training.objectives import build_objective
from ganbench.training.recipe import Recipe

# Why a setting matters, by key. The rows that are formulas come from the objectives themselves.
EXPLANATIONS = {
    "answer of the discriminator": "A Sigmoid squeezes the score into 0..1 and its gradient vanishes once it is sure; "
    "a critic's score is unbounded, so it keeps a gradient however good the critic is.",
    "discriminator minimises": "BCE asks 'real or fake?'; the Wasserstein loss, without log, estimates how far apart "
    "the two distributions are.",
    "generator minimises": "It climbs the discriminator's score; without the log, equally steeply everywhere.",
    "objective.clip": "The Wasserstein estimate needs a critic of bounded slope; clipped weights are the crude way.",
    "objective.penalty_weight": "How strongly the slope of the critic is held at 1; replaces clipping.",
    "objective.penalty_norm": "The norm of the input gradient that is held at 1; the theory is about the 2-norm.",
    "objective.r1_weight": "Penalty on the discriminator's gradient at real images.",
    "objective.r1_every": "R1 is expensive: computed every so many steps and scaled up.",
    "objective.path_weight": "Equal steps in style space shall make equal changes of the image.",
    "objective.path_every": "Path lengths are expensive: computed every so many steps and scaled up.",
    "model.name": "Another architecture.",
    "model.norm": "Batch norm ties a batch's images together; a penalty on each image's own gradient rules it out.",
    "model.latent": "Length of the random vector that an image is made from.",
    "model.width": "Feature maps at the full resolution: capacity and cost.",
    "model.size": "Pixels of an image's side.",
    "model.max_width": "No resolution has more feature maps than this.",
    "model.mapping_layers": "Layers between the latent and the styles.",
    "optimizer.name": "Momentum carries over from gradients that clipping has made stale; "
    "the WGAN paper found RMSprop steadier.",
    "optimizer.lr": "Step size.",
    "optimizer.betas": "Momentum, and the memory of squared gradients.",
    "training.epochs": "How often the images are seen.",
    "training.steps": "Length in discriminator steps.",
    "training.n_critic": "Discriminator steps for each step of the generator: the critic must be near its optimum.",
    "training.clip_grad_norm": "Gradients longer than this are shortened: no step is wild. Weights are not touched.",
    "training.batch": "Images of a step.",
    "training.average": "Samples come from a running mean of the generator's weights, which is steadier than any step.",
    "training.precision": "Arithmetic of the networks.",
    "training.seed": "Random choices.",
    "data.flip": "Each image is mirrored half of the time.",
}
_LABELS = ("variant", "preset", "title", "source", "objective.name")


@dataclass(frozen=True)
class Difference:
    """One row: what differs, both values (``-`` where a recipe has no such setting), and why it matters."""

    what: str
    first: str
    second: str
    why: str


def diff_recipes(first: Recipe, second: Recipe) -> list[Difference]:
    """Return the differences of two recipes; the losses, read from the objectives, come first."""
    a, b = _describe(first), _describe(second)
    return [
        Difference(key, a.get(key, "-"), b.get(key, "-"), EXPLANATIONS[key])
        for key in sorted(dict.fromkeys([*a, *b]), key=_settings_last)
        if a.get(key) != b.get(key)
    ]


def _describe(recipe: Recipe) -> dict[str, str]:
    objective = build_objective(recipe)
    values = {
        "answer of the discriminator": objective.output,
        "discriminator minimises": objective.discriminator_formula,
        "generator minimises": objective.generator_formula,
    }
    return values | {key: str(value) for key, value in recipe.flat().items() if key not in _LABELS}


def _settings_last(key: str) -> bool:
    return "." in key and not key.startswith("objective.")
