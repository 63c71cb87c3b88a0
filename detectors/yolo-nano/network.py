"""The network: a small anchor-free YOLO with two output grids, and its loss."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

STRIDES = (8, 16)
# A face belongs to a grid by the longer side of its box, in pixels; in the overlap both learn it.
RANGES = ((0.0, 40.0), (24.0, float("inf")))
RADIUS = 0.75  # cells whose centre is within so many strides of the box's centre learn the face


class ConvBlock(nn.Sequential):
    """Convolution, batch norm, SiLU."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False), nn.BatchNorm2d(outputs), nn.SiLU()
        )


class Residual(nn.Module):
    """Two convolutions through a narrower middle, around a skip."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(ConvBlock(channels, channels // 2, 1), ConvBlock(channels // 2, channels))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return x plus what the body adds."""
        return x + self.body(x)


class YoloNano(nn.Module):
    """RGB in 0..1 (N, 3, H, W), H and W multiples of 32 -> (N, 5, cells): centre x, y, width, height in pixels, score.

    The output has the layout of YOLOv8 with one class, so that every runtime for those can read it.
    """

    def __init__(self, width: int = 14) -> None:
        super().__init__()
        w = width
        self.stem = nn.Sequential(ConvBlock(3, w, 3, 2), ConvBlock(w, 2 * w, 3, 2), Residual(2 * w))
        self.fine = nn.Sequential(ConvBlock(2 * w, 4 * w, 3, 2), Residual(4 * w), Residual(4 * w))
        self.coarse = nn.Sequential(ConvBlock(4 * w, 6 * w, 3, 2), Residual(6 * w), Residual(6 * w))
        # Half the resolution once more: whether it is a face shows in the whole, not in a part.
        self.context = nn.Sequential(ConvBlock(6 * w, 8 * w, 3, 2), Residual(8 * w), ConvBlock(8 * w, 6 * w, 1))
        self.mix_coarse = ConvBlock(12 * w, 6 * w)
        self.mix_fine = ConvBlock(10 * w, 4 * w)
        self.heads = nn.ModuleList(
            nn.Sequential(ConvBlock(channels, 4 * w), nn.Conv2d(4 * w, 5, 1)) for channels in (4 * w, 6 * w)
        )
        for head in self.heads:
            nn.init.constant_(head[-1].bias[4:], -4.0)  # few cells hold a face

    def raw(self, x: torch.Tensor) -> list[torch.Tensor]:
        """Return, per grid, (N, 5, h, w): log distances to left, top, right, bottom in strides, and the logit."""
        fine = self.fine(self.stem(x))
        coarse = self.coarse(fine)
        context = F.interpolate(self.context(coarse), scale_factor=2.0, mode="nearest")
        coarse = self.mix_coarse(torch.cat([coarse, context], 1))
        fine = self.mix_fine(torch.cat([fine, F.interpolate(coarse, scale_factor=2.0, mode="nearest")], 1))
        return [head(features) for head, features in zip(self.heads, (fine, coarse), strict=True)]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the decoded output."""
        parts = []
        for raw, stride in zip(self.raw(x), STRIDES, strict=True):
            corners = decode(raw, stride)
            centre, size = (corners[:, :2] + corners[:, 2:]) / 2, corners[:, 2:] - corners[:, :2]
            parts.append(torch.cat([centre, size, raw[:, 4:].sigmoid()], 1).flatten(2))
        return torch.cat(parts, 2)


def centres(height: int, width: int, stride: int, device: torch.device) -> torch.Tensor:
    """Return the cells' centres in pixels, (2, height, width): x, y."""
    y, x = torch.meshgrid(torch.arange(height, device=device), torch.arange(width, device=device), indexing="ij")
    return (torch.stack([x, y]) + 0.5) * stride


def decode(raw: torch.Tensor, stride: int) -> torch.Tensor:
    """Return x0, y0, x1, y1 in pixels (N, 4, h, w) of a grid's raw output."""
    centre = centres(raw.shape[2], raw.shape[3], stride, raw.device).to(raw.dtype)
    distances = raw[:, :4].clamp(max=4).exp() * stride
    return torch.cat([centre - distances[:, :2], centre + distances[:, 2:]], 1)


def generalised_iou(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Return the generalised intersection over union (Rezatofighi et al. 2019) of boxes (M, 4) and (M, 4)."""
    low, high = torch.maximum(a[:, :2], b[:, :2]), torch.minimum(a[:, 2:], b[:, 2:])
    shared = (high - low).clamp(min=0).prod(1)
    union = (a[:, 2:] - a[:, :2]).prod(1) + (b[:, 2:] - b[:, :2]).prod(1) - shared
    hull = (torch.maximum(a[:, 2:], b[:, 2:]) - torch.minimum(a[:, :2], b[:, :2])).prod(1)
    return shared / union - (hull - union) / hull


def loss(raws: list[torch.Tensor], boxes: list[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    """Return (objectness loss, box loss), scalars.

    Args:
        raws: what ``YoloNano.raw`` returned.
        boxes: per image, float (M, 4) corners in pixels.
    """
    score_loss = box_loss = raws[0].new_zeros(())
    faces = max(1, sum(len(b) for b in boxes))
    for raw, stride, (least, most) in zip(raws, STRIDES, RANGES, strict=True):
        centre = centres(raw.shape[2], raw.shape[3], stride, raw.device)
        target = torch.zeros_like(raw[:, 4])
        predicted, wanted = [], []
        decoded = decode(raw.float(), stride)
        for i, own in enumerate(boxes):
            for box in own:
                side = (box[2:] - box[:2]).max()
                if not least <= side < most:
                    continue
                middle = ((box[:2] + box[2:]) / 2)[:, None, None]
                near = ((centre - middle).abs() <= RADIUS * stride).all(0)
                target[i][near] = 1
                predicted.append(decoded[i][:, near].t())
                wanted.append(box.expand(int(near.sum()), 4))
        # Easy background is most of what there is: a focal weight keeps the hard cells in charge.
        logits = raw[:, 4].float()
        error = (logits.sigmoid() - target).abs().detach()
        cross_entropy = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
        score_loss = score_loss + (cross_entropy * error.square()).sum() / faces
        if predicted:
            agreement = generalised_iou(torch.cat(predicted), torch.cat(wanted))
            box_loss = box_loss + (1 - agreement).mean()
    return score_loss, box_loss
