"""Training images: decoded once into a memory-mapped file, read in an order that is a function of seed and step."""

from __future__ import annotations

import hashlib
import io
import mmap
import tempfile
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import PIL

from ganbench.errors import CannotWrite, GanbenchError
from ganbench.images.batch import BadImage
from ganbench.images.source import Source
from ganbench.system.cache import Cache
from ganbench.system.container import Content
from ganbench.system.notes import Note, log_note
from ganbench.system.progress import track
from ganbench.system.wall import reason

if TYPE_CHECKING:
    import torch

CACHE_LIMIT_BYTES = 16 << 30
_CACHE = Cache("pixels", "a set of decoded images", CACHE_LIMIT_BYTES)
_IN_MEMORY = 256 << 20  # bytes of pixels that are kept in memory where there is no cache


class TrainingImages:
    """uint8 images (N, H, W, 3) and the batches made of them.

    The order is a new permutation in every epoch, seeded by (seed, epoch); images that do not fill a last batch wait
    for the next epoch. So the position in the data is the step alone, and a resumed run needs nothing else.

    Some images may be held out: no step trains on them, so that a discriminator that knows its training images by
    heart can be told by its scores of the others.
    """

    def __init__(self, pixels: np.ndarray, digest: str, *, batch: int, seed: int, held_out: int = 0) -> None:
        """Wrap decoded images.

        Args:
            pixels: uint8 (N, H, W, 3).
            digest: content digest of the source.
            batch: images of one step, over all processes.
            seed: seed of the order.
            held_out: how many images no step trains on, evenly spread over the source; a batch must be left.

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
        self.held_out = _spread(len(pixels), min(held_out, len(pixels) - batch))
        self.seen = np.setdiff1d(np.arange(len(pixels)), self.held_out)
        self._epoch: tuple[int, np.ndarray] | None = None

    def __len__(self) -> int:
        return len(self.pixels)

    @property
    def steps_per_epoch(self) -> int:
        """Number of whole batches."""
        return len(self.seen) // self.batch

    def indices(self, step: int) -> np.ndarray:
        """Return the images of a step, int64 (batch,)."""
        epoch, position = divmod(step, self.steps_per_epoch)
        if self._epoch is None or self._epoch[0] != epoch:
            self._epoch = epoch, np.random.default_rng([self.seed, epoch]).permutation(self.seen)
        return self._epoch[1][position * self.batch : (position + 1) * self.batch]

    def load(self, step: int, *, rank: int = 0, processes: int = 1) -> torch.Tensor:
        """Return this process's share of a step's images, uint8 (batch / processes, H, W, 3)."""
        import torch

        share = self.batch // processes
        mine = self.indices(step)[rank * share : (rank + 1) * share]
        return torch.from_numpy(self.pixels[mine])


def held_out_of(images: int) -> int:
    """Return how many of so many images are held out where nobody says otherwise: one in eight, at most 64."""
    return min(64, images // 8)


def _spread(count: int, wanted: int) -> np.ndarray:
    """Return so many of ``count`` positions, evenly spread: int64 (wanted,)."""
    return np.arange(wanted) * count // max(wanted, 1)


def to_training_range(pixels: torch.Tensor, device: torch.device) -> torch.Tensor:
    """Return float32 images (N, 3, H, W) in [-1, 1], channels last in memory, from uint8 (N, H, W, 3)."""
    if device.type == "cuda":
        pixels = pixels.pin_memory().to(device, non_blocking=True)
    return pixels.permute(0, 3, 1, 2).float().div_(127.5).sub_(1)


def to_pixels(images: torch.Tensor) -> np.ndarray:
    """Return uint8 (N, H, W, 3) from images (N, 3, H, W) in [-1, 1]; values outside are clipped."""
    import torch

    scaled = images.detach().float().add(1).mul(127.5).round_().clamp_(0, 255)
    return scaled.to(torch.uint8).permute(0, 2, 3, 1).contiguous().cpu().numpy()


def decode_source(source: Source, note: Note = log_note) -> np.ndarray:
    """Decode a source once and keep the pixels in the cache; later runs map the file into memory.

    The cache remembers which images could not be read, so that what the source may skip is decided anew every time.
    Where the cache cannot be written, the pixels are kept for this process alone.

    Args:
        source: images of one size.
        note: told when the cache cannot be used.

    Returns:
        uint8 (N, H, W, 3), read-only, without the unreadable images that the source may skip.

    Raises:
        SourceError: more unreadable images than may be skipped, or mixed sizes.
        CannotWrite: no room for the pixels, neither in the cache nor in the folder for temporary files.
    """
    key = hashlib.sha256(f"{source.digest()} {PIL.__version__}".encode()).hexdigest()
    found = _CACHE.load(key, _parse, note)
    if found is not None:
        pixels, bad = found
        source.settle([BadImage(source.names[index], why) for index, why in bad])
        return pixels
    height, width = source.image_size()
    if len(source) * height * width * 3 > CACHE_LIMIT_BYTES:
        raise GanbenchError(
            f"{source.label}: {len(source):,} images of {height}x{width} take more than {CACHE_LIMIT_BYTES >> 30} "
            "GiB as pixels, which is what is kept of them. Make them smaller (--resize), or take fewer (--limit)"
        )
    try:
        with _CACHE.writer(key) as writer:
            writer.finish(_decode(source, writer.write))
    except CannotWrite as e:
        note(_CACHE.not_kept(e))
        return _decode_apart(source)
    found = _CACHE.load(key, _parse, note)
    return _decode_apart(source) if found is None else found[0]


def _parse(content: Content) -> tuple[np.ndarray, list[tuple[int, str]]]:
    pixels = np.frombuffer(content.payload, np.uint8).reshape(content.facts["shape"])
    return pixels, [(index, why) for index, why in content.facts["bad"]]


def _decode(source: Source, write: Callable[[memoryview], object]) -> dict[str, Any]:
    """Write all pixels in order; returns their shape, and the unreadable images with the reasons."""
    height, width = source.image_size()
    count = 0
    with track("decoding", len(source), unit="images") as advance:
        for batch in source.batches(256):
            write(batch.pixels.data.cast("B"))
            count += len(batch.names)
            advance(len(batch.names))
    bad = [(source.names.index(image.name), image.why) for image in source.bad]
    return {"shape": (count, height, width, 3), "bad": bad}


def _decode_apart(source: Source) -> np.ndarray:
    """Decode for this process alone: into memory or, what is large, into a file without a name."""
    height, width = source.image_size()
    try:
        if len(source) * height * width * 3 <= _IN_MEMORY:
            memory = io.BytesIO()
            shape = _decode(source, memory.write)["shape"]
            return np.frombuffer(memory.getvalue(), np.uint8).reshape(shape)
        with tempfile.TemporaryFile() as file:
            shape = _decode(source, file.write)["shape"]
            file.flush()
            return np.frombuffer(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ), np.uint8).reshape(shape)
    except OSError as e:
        raise CannotWrite(
            f"no room for the decoded images in the folder for temporary files: {reason(e)}. "
            "Free space, or set GANBENCH_HOME or TMPDIR to a folder with more"
        ) from e
