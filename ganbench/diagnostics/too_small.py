"""Whether a curve can tell anything: below a measured width and length, clipping and penalty look alike.

The rule rests on the measurements in docs/gradnorm.md ("How small may it be?").
"""

from __future__ import annotations

from ganbench.training.recipe import Recipe

WIDTH = {
    "dcgan": 32,  # the narrowest whose curves had their shape on toy and on real faces
    "stylegan2": 16,  # the narrowest that was measured: the study's
}
DISTANCE = 0.05  # learning rate x steps: how far a weight can have moved, about; less shows the initial weights


def too_small(recipe: Recipe, trained: int) -> str | None:
    """Return why a curve is of too small a network, or too early, for a verdict; None if it is not.

    Args:
        recipe: of the curve.
        trained: discriminator steps done at the curve's end, from the initial weights on.
    """
    least = WIDTH.get(recipe.model.name, 0)  # nothing was measured of networks of one's own
    width = getattr(recipe.model, "width", least)
    reasons = []
    if width < least:
        reasons.append(f"width {width}, where the shape shows from {least} on")
    needed = round(DISTANCE / recipe.optimizer.lr)
    if trained < needed:
        reasons.append(f"{trained:,} steps, where it shows from {needed:,} on at this learning rate")
    return "; ".join(reasons) or None
