"""Image files in memory to arrays and back: 8 bits, grey or RGB, upright."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from gibbsweep.errors import UserError

Colour = Literal["grey", "rgb"]
CHANNELS: dict[Colour, int] = {"grey": 1, "rgb": 3}

_MALFORMED = (
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    TypeError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
)
"""Errors that Pillow raises for a file that is no image, is cut short, or claims an absurd size."""

_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_DEPTH = 24  # byte of a PNG file that states the bits a channel

_GREY_WEIGHTS = (19595, 38470, 7471)  # of red, green and blue in 65536ths: ITU-R 601, as Pillow's convert("L") has them


def decode_image(encoded: bytes | None, *, where: str) -> NDArray[np.uint8]:
    """Decodes a PNG or JPEG file to (C, H, W): 1 channel for grey and two-level images, 3 for colour and palettes.

    An orientation that the file states (EXIF) is honoured. What 8-bit grey or RGB cannot hold is refused: 16 bits a
    channel, pixels that are not opaque, CMYK, several frames. Colour profiles are not applied. ``where`` names the file
    and the row in errors.
    """
    if not encoded:
        raise UserError(
            f"{where} has no image bytes: embed the PNG or JPEG file itself in image.bytes, not only its path"
        )
    try:
        image: Image.Image = Image.open(io.BytesIO(encoded), formats=("PNG", "JPEG"))
        # Pillow reads 16-bit RGB as 8-bit RGB without a word, so the header is asked.
        deep = encoded.startswith(_PNG) and encoded[_PNG_DEPTH] > 8
        frames = getattr(image, "n_frames", 1) if image.format == "PNG" else 1
        pixels = grey_or_rgb(image, where=where) if not deep and frames == 1 else None
    except UnidentifiedImageError as error:
        raise UserError(f"{where} {_other_format(encoded)}") from error
    except _MALFORMED as error:
        raise UserError(f"{where} cannot be decoded as PNG or JPEG ({error}): replace or remove it") from error
    if deep:
        raise UserError(
            f"{where} is an image of 16 bits a channel: expected 8; convert it, which drops the lower 8 bits"
        )
    if pixels is None:
        raise UserError(f"{where} is an animation of {frames} frames: expected one image a row; split or remove it")
    return pixels


def grey_or_rgb(image: Image.Image, *, where: str) -> NDArray[np.uint8]:
    """Turns a Pillow image upright and to (1 or 3, H, W) bytes; a UserError where that would lose something."""
    image.load()
    try:
        upright = ImageOps.exif_transpose(image)
    except _MALFORMED:  # EXIF that cannot be read states no orientation; of a JPEG file Pillow says so itself
        upright = image
    pixels: NDArray[np.uint8] = np.asarray(_flat(upright, where))
    return pixels[None] if pixels.ndim == 2 else np.ascontiguousarray(pixels.transpose(2, 0, 1))


def _flat(image: Image.Image, where: str) -> Image.Image:
    """``image`` in the mode L or RGB."""
    if image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in image.info:
        rgba = image.convert("RGBA")
        lowest = np.asarray(rgba.getchannel("A")).min()
        if lowest < 255:
            raise UserError(
                f"{where} is an image with transparency (mode {image.mode}): expected 8-bit grey (L) or RGB; flatten "
                "it on a colour of your choice"
            )
        rgb = rgba.convert("RGB")
        return rgb.convert("L") if image.mode in ("1", "L", "LA", "La") else rgb
    if image.mode == "1":
        return image.convert("L")
    if image.mode == "P":
        return image.convert("RGB")
    if image.mode not in ("L", "RGB"):
        raise UserError(
            f"{where} is an image of mode {image.mode}: expected 8-bit grey (L) or RGB; convert it, with its colour "
            "profile where it has one"
        )
    return image


def _other_format(encoded: bytes) -> str:
    """What the bytes are instead of a PNG or JPEG file, and what to do."""
    try:
        with Image.open(io.BytesIO(encoded)) as image:
            return f"is {image.format}: expected PNG or JPEG; convert it"
    except _MALFORMED:
        return "cannot be decoded as PNG or JPEG (it has the header of no known image format): replace or remove it"


def recoloured(image: NDArray[np.uint8], colour: Colour) -> NDArray[np.uint8]:
    """Brings an image (..., 1 or 3, H, W) to one or three channels; as it is where it has them.

    Grey is 0.299 red + 0.587 green + 0.114 blue (ITU-R 601), rounded; RGB of a grey image is three equal channels.
    """
    if image.shape[-3] == CHANNELS[colour]:
        return image
    if colour == "rgb":
        return np.repeat(image, 3, axis=-3)
    red, green, blue = (image[..., [i], :, :].astype(np.uint32) * weight for i, weight in enumerate(_GREY_WEIGHTS))
    return ((red + green + blue + 0x8000) >> 16).astype(np.uint8)


def middle_square(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The largest square in the middle of an image (..., H, W); as it is where it is square."""
    height, width = image.shape[-2:]
    edge = min(height, width)
    top, left = (height - edge) // 2, (width - edge) // 2
    return image[..., top : top + edge, left : left + edge]


def encode_png(image: NDArray[np.uint8]) -> bytes:
    """Encodes an image (1 or 3, H, W) as a PNG file."""
    pixels = image[0] if image.shape[0] == 1 else np.ascontiguousarray(image.transpose(1, 2, 0))
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()
