"""What others published: shown for orientation, never ranked with ours."""

from __future__ import annotations

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
