"""Image files: what a decoder could drop is honoured or refused."""

from __future__ import annotations

import struct
import zlib
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps
from tests.data.hub import encoded, pixels

from gibbsweep.data.formats.images import Colour, decode_image, encode_png, middle_square, recoloured
from gibbsweep.errors import UserError

RGB = pixels(0, 6, 4, 3)
GREY = pixels(1, 6, 4)
PALETTE = Image.fromarray(RGB).quantize(16)
ORIENTATION = 0x0112


def png(depth: int, colour_type: int, channels: int) -> bytes:
    """A PNG file of 4x6 random pixels that Pillow itself cannot write."""
    row = pixels(2, 4 * channels * depth // 8).tobytes()

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = struct.pack(">IIBBBBB", 4, 6, depth, colour_type, 0, 0, 0)
    rows = zlib.compress((b"\0" + row) * 6)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_an_image_is_upright(orientation: int, kind: str) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    content = encoded(RGB, kind, exif=exif)
    upright = decode_image(content, where="here")
    plain = decode_image(encoded(RGB, kind), where="here")
    turned = {
        1: plain,
        2: plain[:, :, ::-1],
        3: plain[:, ::-1, ::-1],
        4: plain[:, ::-1],
        5: plain.transpose(0, 2, 1),
        6: plain.transpose(0, 2, 1)[:, :, ::-1],
        7: plain.transpose(0, 2, 1)[:, ::-1, ::-1],
        8: plain.transpose(0, 2, 1)[:, ::-1],
    }
    assert np.array_equal(upright, turned[orientation])


@pytest.mark.parametrize("exif", [b"Exif\0\0garbage", b"Exif\0\0II*\0\x08\0\0\0\x05\0", b"Exif\0\0"])
@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_exif_that_cannot_be_read_states_no_orientation(kind: str, exif: bytes) -> None:
    plain = decode_image(encoded(RGB, kind), where="here")
    assert np.array_equal(decode_image(encoded(RGB, kind, exif=exif), where="here"), plain)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (png(16, 0, 1), "image of 16 bits a channel: expected 8"),
        (png(16, 2, 3), "image of 16 bits a channel: expected 8"),
        (png(16, 4, 2), "image of 16 bits a channel: expected 8"),
        (png(16, 6, 4), "image of 16 bits a channel: expected 8"),
        (encoded(Image.new("RGBA", (3, 3), (9, 9, 9, 254))), r"transparency \(mode RGBA\).*flatten"),
        (encoded(Image.new("LA", (3, 3), (9, 0))), r"transparency \(mode LA\).*flatten"),
        (encoded(GREY, transparency=int(GREY[0, 0])), r"transparency \(mode L\).*flatten"),
        (encoded(RGB, transparency=tuple(int(v) for v in RGB[0, 0])), r"transparency \(mode RGB\).*flatten"),
        (encoded(PALETTE, transparency=int(np.asarray(PALETTE)[0, 0])), r"transparency \(mode P\).*flatten"),
        (encoded(Image.new("1", (2, 2), 1), transparency=1), r"transparency \(mode 1\).*flatten"),
        (encoded(Image.fromarray(RGB).convert("CMYK"), "JPEG"), "mode CMYK: expected 8-bit grey"),
        (encoded(GREY, save_all=True, append_images=[Image.fromarray(GREY.T.copy())]), "animation of 2 frames"),
        (encoded(RGB, "WEBP"), "is WEBP: expected PNG or JPEG; convert it"),
        (encoded(RGB, "TIFF"), "is TIFF: expected PNG or JPEG; convert it"),
        (encoded(RGB, "BMP"), "is BMP: expected PNG or JPEG; convert it"),
        (encoded(Image.fromarray(GREY), "GIF"), "is GIF: expected PNG or JPEG; convert it"),
        (encoded(Image.new("F", (3, 3), 0.5), "TIFF"), "is TIFF: expected PNG or JPEG; convert it"),
        (b"not an image", "cannot be decoded as PNG or JPEG .*no known image format"),
    ],
    ids=[
        "16-bit-grey",
        "16-bit-rgb",
        "16-bit-la",
        "16-bit-rgba",
        "rgba",
        "la",
        "grey-key",
        "rgb-key",
        "palette-key",
        "two-level-key",
        "cmyk",
        "animation",
        "webp",
        "tiff",
        "bmp",
        "gif",
        "float",
        "nothing",
    ],
)
def test_what_8_bit_grey_or_rgb_cannot_hold_is_refused(content: bytes, message: str) -> None:
    with pytest.raises(UserError, match=f"^here.*{message}") as error:
        decode_image(content, where="here")
    assert "0x" not in str(error.value)  # no address of an object


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (Image.fromarray(RGB).convert("RGBA"), RGB.transpose(2, 0, 1)),
        (Image.fromarray(GREY).convert("LA"), GREY[None]),
        (PALETTE, np.asarray(PALETTE.convert("RGB")).transpose(2, 0, 1)),
    ],
)
def test_an_opaque_alpha_channel_and_a_palette_lose_nothing(image: Image.Image, expected: np.ndarray[Any, Any]) -> None:
    assert np.array_equal(decode_image(encoded(image), where="here"), expected)


def test_a_transparent_colour_that_no_pixel_has_loses_nothing() -> None:
    content = encoded(Image.new("L", (3, 3), 7), transparency=9)
    assert np.array_equal(decode_image(content, where="here"), np.full((1, 3, 3), 7))


def test_grey_is_pillow_s() -> None:
    image = pixels(3, 300, 300, 3)
    expected = np.asarray(ImageOps.grayscale(Image.fromarray(image)))[None]
    assert np.array_equal(recoloured(image.transpose(2, 0, 1), "grey"), expected)


@pytest.mark.parametrize("colour", ["grey", "rgb"])
def test_grey_to_rgb_and_back_is_the_same(colour: Colour) -> None:
    image = GREY[None]
    assert np.array_equal(recoloured(recoloured(image, "rgb"), "grey"), image)
    assert recoloured(np.stack([image] * 5), colour).shape == (5, {"grey": 1, "rgb": 3}[colour], 6, 4)


@pytest.mark.parametrize(
    ("shape", "part"), [((1, 6, 4), np.s_[:, 1:5]), ((3, 4, 7), np.s_[:, :, 1:5]), ((1, 3, 3), np.s_[:])]
)
def test_the_middle_square(shape: tuple[int, ...], part: Any) -> None:
    image = pixels(4, *shape)
    assert np.array_equal(middle_square(image), image[part])


def test_a_png_file_round_trips() -> None:
    for shape in ((1, 5, 3), (3, 5, 3)):
        image = pixels(5, *shape)
        assert np.array_equal(decode_image(encode_png(image), where="here"), image)
