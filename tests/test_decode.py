"""The decode rules of docs/images.md, one by one."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageFile

from ganbench.errors import DecodeError, SourceError
from ganbench.images.decode import decode


def encode(image: Image.Image, form: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


@pytest.fixture
def colours(rng: np.random.Generator) -> np.ndarray:
    return rng.integers(0, 256, (6, 5, 3), dtype=np.uint8)


@pytest.mark.parametrize("form", ["PNG", "BMP", "TIFF", "WEBP"])
def test_rgb_is_exact(colours: np.ndarray, form: str) -> None:
    options = {"lossless": True} if form == "WEBP" else {}
    found = decode(encode(Image.fromarray(colours), form, **options), "x")
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, colours)


def test_exif_orientation_is_applied(colours: np.ndarray) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: rotate by 90 degrees clockwise to show upright
    found = decode(encode(Image.fromarray(colours), "PNG", exif=exif), "x")
    np.testing.assert_array_equal(found, np.rot90(colours, -1))


def test_grayscale_is_replicated(colours: np.ndarray) -> None:
    grey = colours[:, :, 0]
    np.testing.assert_array_equal(decode(encode(Image.fromarray(grey)), "x"), np.repeat(grey[:, :, None], 3, 2))


def test_one_bit_becomes_black_and_white() -> None:
    bits = np.array([[True, False], [False, True]])
    np.testing.assert_array_equal(decode(encode(Image.fromarray(bits)), "x")[:, :, 0], bits * 255)


def test_sixteen_bit_gray_is_scaled_by_257() -> None:
    deep = np.array([[0, 257, 128 * 257, 65535, 385]], np.uint16)
    np.testing.assert_array_equal(decode(encode(Image.fromarray(deep)), "x")[0, :, 0], [0, 1, 128, 255, 1])


def test_palette_is_looked_up() -> None:
    image = Image.fromarray(np.array([[0, 1]], np.uint8)).convert("P")
    image.putpalette([10, 20, 30, 200, 100, 50])
    np.testing.assert_array_equal(decode(encode(image), "x"), [[[10, 20, 30], [200, 100, 50]]])


def test_palette_transparency_shows_the_background() -> None:
    image = Image.fromarray(np.array([[0, 1]], np.uint8)).convert("P")
    image.putpalette([10, 20, 30, 200, 100, 50])
    np.testing.assert_array_equal(decode(encode(image, transparency=0), "x", (1, 2, 3)), [[[1, 2, 3], [200, 100, 50]]])


def test_alpha_is_composited_on_the_stated_background() -> None:
    pixels = np.array([[[200, 100, 0, 255], [200, 100, 0, 0], [200, 100, 0, 128]]], np.uint8)
    found = decode(encode(Image.fromarray(pixels)), "x", (0, 0, 255))
    np.testing.assert_array_equal(found[0, :2], [[200, 100, 0], [0, 0, 255]])
    # c = a F + (1 - a) B with a = 128/255, rounded by Pillow: within one level.
    np.testing.assert_allclose(found[0, 2], [200 * 128 / 255, 100 * 128 / 255, 255 * 127 / 255], atol=1)


def test_gray_with_alpha_is_composited_on_white() -> None:
    pixels = np.array([[[40, 0], [40, 255]]], np.uint8)
    np.testing.assert_array_equal(decode(encode(Image.fromarray(pixels, "LA")), "x")[0, :, 0], [255, 40])


def test_cmyk_is_converted() -> None:
    # No ink is white, full cyan has no red, full black is black.
    pixels = np.array([[[0, 0, 0, 0], [255, 0, 0, 0], [0, 0, 0, 255]]], np.uint8)
    found = decode(encode(Image.fromarray(pixels, "CMYK"), "TIFF"), "x")
    np.testing.assert_array_equal(found, [[[255, 255, 255], [0, 255, 255], [0, 0, 0]]])


def test_an_animation_gives_its_first_frame() -> None:
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "blue")]
    data = encode(frames[0], "GIF", save_all=True, append_images=frames[1:])
    np.testing.assert_array_equal(decode(data, "x")[0, 0], [255, 0, 0])


def test_float_pixels_have_no_agreed_meaning() -> None:
    with pytest.raises(DecodeError, match="pixel mode F has no agreed 8-bit meaning"):
        decode(encode(Image.fromarray(np.ones((2, 2), np.float32)), "TIFF"), "x")


@pytest.mark.parametrize("form", ["JPEG", "PNG", "BMP"])
def test_truncated_files_are_refused(form: str, rng: np.random.Generator) -> None:
    data = encode(Image.fromarray(rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)), form)
    with pytest.raises(DecodeError, match="pic: cannot be decoded"):
        decode(data[: len(data) * 2 // 3], "pic")


def test_empty_and_foreign_files_are_refused() -> None:
    with pytest.raises(DecodeError, match=r"a\.jpg: the file is empty"):
        decode(b"", "a.jpg")
    with pytest.raises(DecodeError, match=r"a\.jpg: not an image"):
        decode(b"this is a text", "a.jpg")


def test_pictures_of_absurd_size_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ganbench.images.decode.MAX_PIXELS", 100)
    with pytest.raises(DecodeError, match="11x10 pixels are more than 100"):
        decode(encode(Image.new("RGB", (11, 10))), "x")


def png16(values: np.ndarray, colour_type: int, transparent: bytes = b"") -> bytes:
    """Write a 16-bit PNG by the book: Pillow reads such files, but cannot write those in colour."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    height, width = values.shape[:2]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    header = struct.pack(">IIBBBBB", width, height, 16, colour_type, 0, 0, 0)
    parts = chunk(b"IHDR", header) + (chunk(b"tRNS", transparent) if transparent else b"")
    return b"\x89PNG\r\n\x1a\n" + parts + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def test_sixteen_bit_pngs_over_their_whole_range() -> None:
    """Gray is rounded; of colour Pillow hands out the high byte, at most one level away from that."""
    values = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    rounded = np.rint(values / 257).astype(np.uint8)
    np.testing.assert_array_equal(decode(png16(values, 0), "x")[:, :, 0], rounded)
    colour = decode(png16(np.repeat(values[:, :, None], 3, 2), 2), "x")[:, :, 1]
    np.testing.assert_array_equal(colour, values >> 8)
    assert np.abs(colour.astype(int) - rounded).max() == 1


def test_sixteen_bit_gray_with_a_transparent_level() -> None:
    data = png16(np.array([[0, 65535, 1000]], np.uint16), 0, struct.pack(">H", 1000))
    np.testing.assert_array_equal(decode(data, "x", (9, 8, 7)), [[[0, 0, 0], [255, 255, 255], [9, 8, 7]]])


def tiff(bits: int, photometric: int, data: bytes, side: int = 4) -> bytes:
    """Write a gray little-endian TIFF of one strip."""
    tags = [(256, side), (257, side), (258, bits), (259, 1), (262, photometric), (273, 8), (277, 1), (278, side)]
    tags.append((279, len(data)))
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    return b"II*\0" + struct.pack("<I", 8 + len(data)) + data + struct.pack("<H", len(tags)) + entries + bytes(4)


def test_tiffs_of_odd_depth_or_with_inverted_gray_are_refused() -> None:
    np.testing.assert_array_equal(decode(tiff(16, 1, b"\xff" * 32), "x"), 255)
    with pytest.raises(DecodeError, match="9 to 15 bits"):
        decode(tiff(12, 1, b"\xff" * 24), "x")  # white, which would come out as level 16
    with pytest.raises(DecodeError, match="white as zero"):
        decode(tiff(16, 0, bytes(32)), "x")


@pytest.mark.parametrize(
    ("form", "options"),
    [
        ("JPEG", {}),
        ("JPEG", {"progressive": True}),
        ("PNG", {}),
        ("WEBP", {"lossless": True}),
        ("GIF", {}),
        ("TIFF", {"compression": "tiff_lzw"}),
    ],
)
@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's remarks on damaged TIFF tags
def test_no_cut_goes_unnoticed(form: str, options: dict, rng: np.random.Generator) -> None:
    """Wherever a file is cut, decoding fails, or not a pixel was lost."""
    image = Image.fromarray(rng.integers(0, 256, (4, 4, 3), dtype=np.uint8)).resize((24, 24))
    data = encode(image, form, **options)
    whole, refused = decode(data, "x"), 0
    for length in range(0, len(data), 3):
        try:
            np.testing.assert_array_equal(decode(data[:length], "x"), whole)
        except DecodeError:
            refused += 1
    assert refused > 0.9 * len(data) / 3


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's remarks on damaged TIFF tags
def test_damaged_files_raise_nothing_but_decode_errors(rng: np.random.Generator) -> None:
    forms = [encode(Image.new("RGB", (16, 16), "red"), form) for form in ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")]
    refused = 0
    for turn in range(600):
        data = bytearray(forms[turn % len(forms)])
        for position in rng.integers(0, len(data), 4):
            data[position] = rng.integers(256)
        try:
            assert decode(bytes(data), "x").dtype == np.uint8
        except DecodeError:
            refused += 1
    assert refused > 100


def test_a_process_that_accepts_truncated_files_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    with pytest.raises(SourceError, match="LOAD_TRUNCATED_IMAGES is switched on"):
        decode(encode(Image.new("RGB", (4, 4))), "x")
