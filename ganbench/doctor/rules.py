"""All rules, and their application to a run's records."""

from __future__ import annotations

from collections.abc import Callable

from ganbench.doctor import (
    rules_balance,
    rules_course,
    rules_finite,
    rules_layers,
    rules_memory,
    rules_samples,
    rules_scores,
    rules_strength,
)
from ganbench.doctor.finding import Finding, ranked
from ganbench.doctor.records import Records

Rule = Callable[[Records], list[Finding]]

# Each is a function of the records alone: of the same records it always says the same.
RULES: tuple[Rule, ...] = (
    rules_finite.not_finite,
    rules_layers.layer_signs,
    rules_layers.dead_units,
    rules_layers.long_steps,
    rules_layers.no_steps,
    rules_balance.generator_backwards,
    rules_balance.discriminator_backwards,
    rules_balance.label_leak,
    rules_strength.too_strong,
    rules_balance.too_weak,
    rules_memory.overfits,
    rules_memory.too_few_images,
    rules_samples.collapse,
    rules_samples.partial_collapse,
    rules_course.oscillation,
    rules_course.exploding_losses,
    rules_course.wild_scores,
    rules_course.no_normalisation,
    rules_course.stalled,
    rules_scores.scores,
)


def examine(records: Records) -> list[Finding]:
    """Return what the rules find, the strongest first; nothing for a healthy run."""
    return ranked(finding for rule in RULES for finding in rule(records))
