"""Training images: their order, each process's share, and the decoded copy that is kept."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from training_processes import noise_images

from ganbench.errors import GanbenchError
from ganbench.images.sources import open_source
from ganbench.training.data import TrainingImages, decode_source


def test_the_order_of_the_images_is_a_function_of_seed_and_step() -> None:
    images = TrainingImages(noise_images(21, 4), "", batch=4, seed=3)
    epoch = np.concatenate([images.indices(step) for step in range(5)])
    assert len(set(epoch.tolist())) == 20  # one image waits for the next epoch
    again = np.concatenate([images.indices(step) for step in range(5, 10)])
    assert not np.array_equal(epoch, again)
    late = TrainingImages(noise_images(21, 4), "", batch=4, seed=3)
    assert np.array_equal(late.indices(7), again[8:12])  # without having seen the steps before
    assert not np.array_equal(TrainingImages(noise_images(21, 4), "", batch=4, seed=4).indices(0), epoch[:4])
    shares = [images.load(2, rank=rank, processes=2) for rank in range(2)]
    assert torch.equal(torch.cat(shares), images.load(2))


@pytest.mark.parametrize(
    ("count", "hint"),
    [(12, ", or a smaller batch: --set training.batch=8"), (8, "batch=8"), (2, "batch=2"), (1, "Give more images")],
)
def test_a_batch_that_fits_is_suggested(count: int, hint: str) -> None:
    with pytest.raises(GanbenchError, match=f"{count} training images do not fill a batch of 16.*{hint}$"):
        TrainingImages(noise_images(count, 4), "", batch=16, seed=0)


def test_decoded_images_are_kept_and_a_damaged_file_is_replaced(image_folder: Path, ganbench_home: Path) -> None:
    source = open_source(image_folder)
    pixels = np.array(decode_source(source))  # a copy: the file itself will be damaged
    assert np.array_equal(pixels, np.stack([source.load(i) for i in range(len(source))]))
    (kept,) = (ganbench_home / "cache" / "pixels").iterdir()
    assert not decode_source(source).flags.owndata  # it is mapped into memory
    kept.write_bytes(b"broken")
    notes: list[str] = []
    assert np.array_equal(decode_source(source, notes.append), pixels)
    (note,) = notes
    assert note.endswith("cannot be used (it is shorter than a header); a set of decoded images is made again.")
    assert np.array_equal(decode_source(source, notes.append), pixels)
    assert len(notes) == 1
