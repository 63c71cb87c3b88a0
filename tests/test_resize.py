"""Resize matrices against the tools whose resize they stand for: the same pixels, up- and downscaled."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from cleanfid.resize import build_resizer, make_resizer
from PIL import Image
from torch.nn import functional as F
from torch_fidelity.interpolate_compat_tensorflow import interpolate_bilinear_2d_like_tensorflow1x

from ganbench.errors import UnknownName
from ganbench.features.resize import RESIZES, resize_matrix

SIZES = [(64, 64), (32, 48), (299, 299), (96, 500), (640, 333), (1, 3)]
TARGETS = (299, 224)


def _resized(protocol: str, image: np.ndarray, target: int) -> np.ndarray:
    """Resize a float image (H, W, 3) by the two matrices, in float64 so that only the matrices are judged."""
    rows = resize_matrix(protocol, image.shape[0], target).astype(np.float64)
    columns = resize_matrix(protocol, image.shape[1], target).astype(np.float64)
    return np.einsum("ah,hwc,bw->abc", rows, image.astype(np.float64), columns, optimize=True)


def _image(size: tuple[int, int]) -> np.ndarray:
    return np.random.default_rng(size[0] * 1000 + size[1]).integers(0, 256, (*size, 3), dtype=np.uint8)


def _torch(image: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(image).permute(2, 0, 1)[None].float()


def _back(x: torch.Tensor) -> np.ndarray:
    return x[0].permute(1, 2, 0).numpy()


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("size", SIZES)
def test_tf1_is_torch_fidelitys(size: tuple[int, int], target: int) -> None:
    image = _image(size)
    theirs = interpolate_bilinear_2d_like_tensorflow1x(_torch(image), (target, target), align_corners=False)
    # A float32 unit in the last place of 255 is 1.5e-5; positions must match to the bit for this to hold.
    np.testing.assert_allclose(_resized("tf1", image, target), _back(theirs), rtol=0, atol=6e-5)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("size", SIZES)
def test_pytorch_fid_is_torchs_interpolate(size: tuple[int, int], target: int) -> None:
    image = _image(size)
    theirs = F.interpolate(_torch(image), (target, target), mode="bilinear", align_corners=False)
    # A fused multiply-add may round a position once less: a unit in the last place of 640 pixels times a step of 255.
    np.testing.assert_allclose(_resized("pytorch-fid", image, target), _back(theirs), rtol=0, atol=0.016)


@pytest.mark.parametrize("size", SIZES)
def test_clean_is_clean_fids(size: tuple[int, int]) -> None:
    image = _image(size)
    theirs = build_resizer("clean")(image)
    np.testing.assert_allclose(np.clip(_resized("clean", image, 299), 0, 255), theirs, rtol=0, atol=1e-4)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("size", SIZES)
def test_clean_and_bicubic_aa_are_pillows_bicubic_on_floats(size: tuple[int, int], target: int) -> None:
    image = _image(size)[:, :, 0].astype(np.float32)
    theirs = np.asarray(Image.fromarray(image).resize((target, target), Image.Resampling.BICUBIC))
    for protocol in ("clean", "bicubic-aa"):
        ours = _resized(protocol, image[:, :, None], target)[:, :, 0]
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-4)


def test_the_protocols_differ_where_the_tools_do() -> None:
    """A check on the checks: on one image the three Inception protocols are far apart."""
    image = _image((64, 64))
    tf1, pytorch_fid, clean = (_resized(p, image, 299) for p in ("tf1", "pytorch-fid", "clean"))
    assert np.abs(tf1 - pytorch_fid).mean() > 5
    assert np.abs(tf1 - clean).mean() > 5
    assert np.abs(pytorch_fid - clean).mean() > 1
    legacy = make_resizer("PyTorch", False, "bilinear", (299, 299))(image)
    np.testing.assert_allclose(pytorch_fid, legacy, rtol=0, atol=1e-2)


@pytest.mark.parametrize("protocol", list(RESIZES))
def test_rows_sum_to_one_and_matrices_are_shared(protocol: str) -> None:
    for source in (1, 2, 64, 299, 1000):
        matrix = resize_matrix(protocol, source, 299)
        assert matrix.shape == (299, source)
        np.testing.assert_allclose(matrix.sum(1), 1, atol=1e-6)
    assert resize_matrix(protocol, 64, 299) is resize_matrix(protocol, 64, 299)
    with pytest.raises(ValueError, match="read-only"):
        resize_matrix(protocol, 64, 299)[0, 0] = 2


def test_an_image_of_the_networks_size_is_left_alone() -> None:
    for protocol in RESIZES:
        np.testing.assert_array_equal(resize_matrix(protocol, 299, 299), np.eye(299, dtype=np.float32))


def test_unknown_protocol() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'clean'"):
        resize_matrix("cleen", 64, 299)
