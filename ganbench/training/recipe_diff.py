"""What differs between two recipes, with a line of explanation for each difference."""

from __future__ import annotations

from dataclasses import dataclass

from ganbench.training.objectives.base import Objective
from ganbench.training.objectives.registry import build_objective
from ganbench.training.recipe import Recipe

_LABELS = ("variant", "preset", "title", "source")
_ANSWER = (
    "A Sigmoid squeezes the score into 0..1 and its gradient vanishes once it is sure; "
    "a critic's score is unbounded, so it keeps a gradient however good the critic is."
)


@dataclass(frozen=True)
class Difference:
    """One row: what differs, both values (``-`` where a recipe has no such setting), and why it matters.

    ``why`` is empty for a setting whose author gave it no description.
    """

    what: str
    first: str
    second: str
    why: str


def diff_recipes(first: Recipe, second: Recipe) -> list[Difference]:
    """Return the differences of two recipes; the losses, read from the objectives, come first."""
    losses = _diff_losses(build_objective(first.objective), build_objective(second.objective))
    a, b = _settings(first), _settings(second)
    if losses:  # they say more than the objectives' names
        del a["objective.name"], b["objective.name"]
    settings = [
        Difference(key, a.get(key, "-"), b.get(key, "-"), _description(first, key) or _description(second, key))
        for key in sorted(dict.fromkeys([*a, *b]), key=_objective_first)
        if a.get(key) != b.get(key)
    ]
    return losses + settings


def _diff_losses(first: Objective, second: Objective) -> list[Difference]:
    rows = [
        Difference("answer of the discriminator", first.output, second.output, _ANSWER),
        Difference(
            "discriminator minimises",
            first.discriminator_formula,
            second.discriminator_formula,
            _joined(first.discriminator_idea, second.discriminator_idea),
        ),
        Difference(
            "generator minimises",
            first.generator_formula,
            second.generator_formula,
            _joined(first.generator_idea, second.generator_idea),
        ),
    ]
    return [row for row in rows if row.first != row.second]


def _joined(first: str, second: str) -> str:
    """Return the ideas behind two formulas as one sentence, empty where neither is told."""
    told = "; ".join(dict.fromkeys(idea for idea in (first, second) if idea))
    return f"{told[0].upper()}{told[1:]}." if told else ""


def _settings(recipe: Recipe) -> dict[str, str]:
    return {key: str(value) for key, value in recipe.flat().items() if key not in _LABELS}


def _description(recipe: Recipe, key: str) -> str:
    """Return what the author of a setting says of it; empty without a word of it, or without such a setting."""
    section, _, name = key.partition(".")
    field = type(getattr(recipe, section)).model_fields.get(name)
    return (field.description or "") if field else ""


def _objective_first(key: str) -> bool:
    return not key.startswith("objective.")
