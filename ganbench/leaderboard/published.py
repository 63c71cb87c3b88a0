"""What others published: shown for orientation, never ranked with ours."""

from __future__ import annotations

# The assignment's tiers: (name, least AFD, the judge's FID as published; its scale cannot be reproduced).
TIERS = (
    ("simple", 0.0, "<= 30000"),
    ("medium", 0.4, "<= 12000"),
    ("strong", 0.5, "<= 10000"),
    ("boss", 0.6, "<= 9000"),
)
# A course report's results.
PUBLISHED = (
    ("DCGAN (simple)", 396.80337487215184, 0.085),
    ("DCGAN, clipped gradients (medium)", 184.41336801146772, 0.573),
    ("WGAN (strong)", 166.73857250731453, 0.65),
    ("WGAN-GP (strong)", 169.90538676508262, 0.68),
)
PUBLISHED_PROTOCOL = (
    "published by a course report: pytorch-fid, 1,000 generated against all real images; AFD by yolov8x6_animeface, "
    "conf 0.8, iou 0.8, imgsz 64. Another protocol than ours: not comparable, shown for orientation alone"
)
GATED = "afd"  # the metric that the gates are of
TIER_NOTE = (
    "AFD tier: the assignment's AFD gates "
    + ", ".join(f"{name} {gate:g}" for name, gate, _ in TIERS)
    + ", under the detector named here. The judge also asked for an FID of "
    + ", ".join(f"{fid} ({name})" for name, _, fid in TIERS)
    + " on a scale of its own, which cannot be reproduced and compares with nothing here."
)


def tier_of(afd: float | None) -> str:
    """Return the highest tier whose AFD gate is reached; empty without an AFD."""
    return "" if afd is None else [name for name, gate, _ in TIERS if afd >= gate][-1]
