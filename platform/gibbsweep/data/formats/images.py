"""Image files in memory to arrays and back."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from gibbsweep.errors import UserError

_MALFORMED = (OSError, ValueError, SyntaxError, EOFError, struct.error, zlib.error, Image.DecompressionBombError)
"""Errors that Pillow raises for a file that is no image, is cut short, or claims an absurd size."""


def decode_image(encoded: bytes | None, *, where: str) -> NDArray[np.uint8]:
    """Decodes a PNG or JPEG file to (C, H, W): 1 channel for grey and two-level images, 3 for colour and palettes.

    ``where`` names the file and the row in errors.
    """
    if not encoded:
        raise UserError(
            f"{where} has no image bytes: embed the PNG or JPEG file itself in image.bytes, not only its path"
        )
    try:
        image: Image.Image = Image.open(io.BytesIO(encoded), formats=("PNG", "JPEG"))
        image.load()
    except _MALFORMED as error:
        raise UserError(f"{where} cannot be decoded as PNG or JPEG ({error}): replace or remove that row") from error
    if image.mode == "1":
        image = image.convert("L")
    elif image.mode == "P" and "transparency" not in image.info:
        image = image.convert("RGB")
    if image.mode not in ("L", "RGB"):
        raise UserError(
            f"{where} is an image of mode {image.mode}: expected 8-bit grey (L) or RGB; flatten transparency and "
            "convert it"
        )
    pixels: NDArray[np.uint8] = np.frombuffer(image.tobytes(), np.uint8)
    if image.mode == "L":
        return pixels.reshape(1, image.height, image.width)
    return pixels.reshape(image.height, image.width, 3).transpose(2, 0, 1)


def encode_png(image: NDArray[np.uint8]) -> bytes:
    """Encodes an image (1 or 3, H, W) as a PNG file."""
    pixels = image[0] if image.shape[0] == 1 else np.ascontiguousarray(image.transpose(1, 2, 0))
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()
