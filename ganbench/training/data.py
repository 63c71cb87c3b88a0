"""Training images: decoded once into a memory-mapped file, read in an order that is a function of seed and step."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from ganbench.errors import GanbenchError
from ganbench.images.source import Source
from ganbench.system.progress import track
from ganbench.system.storage import atomic_write, cache_dir, evict

CACHE_LIMIT_BYTES = 16 << 30


class TrainingImages:
    """uint8 images (N, H, W, 3) and the batches made of them.

    The order is a new permutation in every epoch, seeded by (seed, epoch); images that do not fill a last batch wait
    for the next epoch. So the position in the data is the step alone, and a resumed run needs nothing else.
    """

    def __init__(self, pixels: np.ndarray, digest: str, *, batch: int, seed: int) -> None:
        """Wrap decoded images.

        Args:
            pixels: uint8 (N, H, W, 3).
            digest: content digest of the source.
            batch: images of one step, over all processes.
            seed: seed of the order.

        Raises:
            GanbenchError: fewer images than a batch.
        """
        if len(pixels) < batch:
            fits = 1 << (len(pixels).bit_length() - 1) if len(pixels) else 0  # the largest power of two
            smaller = f", or a smaller batch: --set training.batch={fits}" if fits >= 2 else ""
            raise GanbenchError(
                f"{len(pixels)} training images do not fill a batch of {batch}. Give more images{smaller}"
            )
        self.pixels = pixels
        self.digest = digest
        self.batch = batch
        self.seed = seed
        self._epoch: tuple[int, np.ndarray] | None = None

    def __len__(self) -> int:
        return len(self.pixels)

    @property
    def steps_per_epoch(self) -> int:
        """Number of whole batches."""
        return len(self.pixels) // self.batch

    def indices(self, step: int) -> np.ndarray:
        """Return the images of a step, int64 (batch,)."""
        epoch, position = divmod(step, self.steps_per_epoch)
        if self._epoch is None or self._epoch[0] != epoch:
            self._epoch = epoch, np.random.default_rng([self.seed, epoch]).permutation(len(self.pixels))
        return self._epoch[1][position * self.batch : (position + 1) * self.batch]

    def load(self, step: int, *, rank: int = 0, processes: int = 1) -> torch.Tensor:
        """Return this process's share of a step's images, uint8 (batch / processes, H, W, 3)."""
        share = self.batch // processes
        mine = self.indices(step)[rank * share : (rank + 1) * share]
        return torch.from_numpy(self.pixels[mine])


def to_training_range(pixels: torch.Tensor, device: torch.device) -> torch.Tensor:
    """Return float32 images (N, 3, H, W) in [-1, 1], channels last in memory, from uint8 (N, H, W, 3)."""
    if device.type == "cuda":
        pixels = pixels.pin_memory().to(device, non_blocking=True)
    return pixels.permute(0, 3, 1, 2).float().div_(127.5).sub_(1)


def to_pixels(images: torch.Tensor) -> np.ndarray:
    """Return uint8 (N, H, W, 3) from images (N, 3, H, W) in [-1, 1]; values outside are clipped."""
    scaled = images.detach().float().add(1).mul(127.5).round_().clamp_(0, 255)
    return scaled.to(torch.uint8).permute(0, 2, 3, 1).contiguous().cpu().numpy()


def decode_source(source: Source) -> np.ndarray:
    """Decode a source once and keep the pixels in the cache; later runs map the file into memory.

    Args:
        source: images of one size.

    Returns:
        uint8 (N, H, W, 3), memory-mapped, without the unreadable images that the source may skip.

    Raises:
        SourceError: more unreadable images than may be skipped, or mixed sizes.
        GanbenchError: the cache folder cannot be written.
    """
    path = cache_dir() / "pixels" / f"{source.digest()}.npy"
    if not path.is_file():
        height, width = source.image_size()
        if len(source) * height * width * 3 > CACHE_LIMIT_BYTES:
            raise GanbenchError(
                f"{source.label}: {len(source):,} images of {height}x{width} take more than {CACHE_LIMIT_BYTES >> 30} "
                "GiB as pixels, which is what is kept of them. Make them smaller (--resize), or take fewer (--limit)"
            )
        with atomic_write(path) as f, track("decoding", len(source), unit="images") as advance:
            header = {"descr": "|u1", "fortran_order": False, "shape": (len(source), height, width, 3)}
            np.lib.format.write_array_header_1_0(f, header)
            count = 0
            for batch in source.batches(256):
                f.write(batch.pixels.tobytes())
                count += len(batch.names)
                advance(len(batch.names))
            f.seek(0)  # NumPy pads its header, so that the length may change: unreadable images were left out
            np.lib.format.write_array_header_1_0(f, header | {"shape": (count, height, width, 3)})
        evict(path.parent, CACHE_LIMIT_BYTES, keep=path)
    path.touch()
    return _map(path)


def _map(path: Path) -> np.ndarray:
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as e:
        path.unlink(missing_ok=True)
        raise GanbenchError(f"the cached images {path} were damaged and have been removed; run again") from e
