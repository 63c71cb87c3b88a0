"""What columns of foreign logs mean: by what the user says, or by well-known names, and every choice is said."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from ganbench.errors import GanbenchError
from ganbench.registry import did_you_mean

STEP = "step"
# Names as PyTorch's DCGAN example, StyleGAN2-ADA and StyleGAN3, lightweight-gan, torchgan, Lightning-bolts, and those
# of many a notebook have them; letters' case, and what joins words, do not matter.
WELL_KNOWN: dict[str, tuple[str, ...]] = {
    STEP: ("step", "steps", "global_step", "trainer/global_step", "iter", "iters", "iteration", "iterations", "it"),
    "discriminator_loss": (
        "discriminator_loss", "loss_discriminator", "loss/discriminator", "disc_loss", "loss_disc", "d_loss", "loss_d",
        "loss/d", "loss/d/loss", "lossd", "errd", "critic_loss", "loss_critic", "loss/critic", "train/d_loss",
        "train/loss_d", "train_d_loss", "train_loss_d", "losses/d_loss", "d_loss_total",
    ),
    "generator_loss": (
        "generator_loss", "loss_generator", "loss/generator", "gen_loss", "loss_gen", "g_loss", "loss_g", "loss/g",
        "loss/g/loss", "lossg", "errg", "train/g_loss", "train/loss_g", "train_g_loss", "train_loss_g", "losses/g_loss",
        "g_loss_total",
    ),
    "real_score": (
        "real_score", "score_real", "scores/real", "loss/scores/real", "d_real", "real_logits", "d(x)", "d_x",
    ),
    "fake_score": (
        "fake_score", "score_fake", "scores/fake", "loss/scores/fake", "d_fake", "fake_logits", "d(g(z))", "d_g_z",
        "d_g_z1",
    ),
    "told_apart": ("told_apart",),
    "seen_score": ("seen_score", "train_score", "score_train"),
    "held_out_score": ("held_out_score", "val_score", "score_val", "valid_score"),
    "fd": ("fid", "fd", "fid50k", "fid50k_full", "metrics/fid50k_full", "metrics/fid", "val/fid", "val_fid"),
}  # fmt: skip


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


_BY_PLAIN = {_plain(theirs): ours for ours, names in WELL_KNOWN.items() for theirs in names}


def parse_columns(given: Iterable[str]) -> dict[str, str]:
    """Return ``--column OURS=THEIRS`` as a dict.

    Raises:
        GanbenchError: no ``=``, or ours is no name that the rules know.
    """
    chosen = {}
    for text in given:
        ours, equals, theirs = text.partition("=")
        if not equals or not theirs:
            raise GanbenchError(f"--column {text}: expected OURS=THEIRS, such as discriminator_loss=lossD")
        if ours not in WELL_KNOWN:
            raise GanbenchError(f"--column {text}: no rule looks at {ours!r}.{did_you_mean(ours, list(WELL_KNOWN))}")
        chosen[ours] = theirs
    return chosen


def mapped(columns: Iterable[str], chosen: Mapping[str, str], label: str) -> tuple[dict[str, str], list[str]]:
    """Find which column is what.

    Args:
        columns: names in the log.
        chosen: theirs by ours, as the user says.
        label: of the log, for messages.

    Returns:
        Theirs by ours; and what was taken for what by its name alone, a sentence for each.

    Raises:
        GanbenchError: a chosen column is not there, or two columns may be the same thing.
    """
    present = list(dict.fromkeys(columns))
    for theirs in chosen.values():
        if theirs not in present:
            raise GanbenchError(f"{label}: no column {theirs!r}.{did_you_mean(theirs, present)}")
    found = dict(chosen)
    notes = []
    for name in present:
        ours = _BY_PLAIN.get(_plain(name))
        if ours is None or ours in chosen or name in chosen.values():
            continue
        if ours in found:
            raise GanbenchError(
                f"{label}: {found[ours]!r} and {name!r} may both be {ours}. Say which: --column {ours}={name}"
            )
        found[ours] = name
        if name != ours:
            notes.append(f"{name!r} is taken for {ours}; --column {ours}=NAME says otherwise")
    return found, notes
