"""What one choice moves in one number."""

from __future__ import annotations

from dataclasses import dataclass

from ganbench.protocols.difference import Difference
from ganbench.scoring.row import Row


@dataclass(frozen=True)
class Pooled:
    """Differences that can only be switched together.

    Attributes:
        group: what they are; "" for one that nothing here can switch.
        members: the differences, the one that stands for all of them first.
    """

    group: str
    members: tuple[Difference, ...]

    @property
    def title(self) -> str:
        """What it is called: the group, or the one difference."""
        return self.group or self.members[0].choice.title


@dataclass(frozen=True)
class Effect:
    """What one choice moves.

    Attributes:
        pool: the choice.
        value: the number with this choice as the other side has it, all else as the first side has it; None where it
            cannot be switched here.
        why: the reason, or what else had to be switched with it.
    """

    pool: Pooled
    value: float | None
    why: str = ""


@dataclass(frozen=True)
class Measured:
    """What each choice moves in one number.

    Attributes:
        a: id of the first side's result.
        b: id of the second side's.
        base: the number on the images given, by the first side's protocol.
        value_a: what the first card says; None where it is of other images.
        value_b: what the second card says; None where it is of other images, or no card.
        effects: what was switched, in the order of the differences.
        together: the number with all of it switched; None where that was one choice, or is not possible.
        notes: what a reader must know, one sentence each.
    """

    a: str
    b: str
    base: Row
    value_a: float | None
    value_b: float | None
    effects: tuple[Effect, ...]
    together: float | None
    notes: tuple[str, ...]

    @property
    def value(self) -> float:
        """The number by the first side's protocol."""
        assert self.base.value is not None  # a setup without a value is an error
        return self.base.value

    def move(self, value: float | None) -> float | None:
        """Return by how much a value is off the first side's."""
        return None if value is None else value - self.value

    def relative(self, value: float | None) -> float | None:
        """Return by what share of the first side's value it is off; None where that is 0."""
        move = self.move(value)
        return None if move is None or self.value == 0 else move / abs(self.value)

    def ranked(self) -> list[Effect]:
        """Return what was switched, the largest move first; behind it what could not be, in its order."""
        return sorted(self.effects, key=lambda one: (one.value is None, -abs(self.move(one.value) or 0.0)))
