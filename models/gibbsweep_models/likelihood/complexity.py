"""The length of a lossless code of a picture: its complexity, without any model."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

if TYPE_CHECKING:
    from PIL.Image import Image


def compressed_bits(x: Tensor) -> Tensor:
    """Bits of the shorter one of a PNG and a lossless JPEG 2000 file of each image: (B, C, H, W) in [-1, 1] on 256 even
    values, C = 1 or 3 -> (B,).

    The more codes, the closer to the complexity that Serrà et al. (2020) mean; a file's header costs the same for all
    images of one shape.
    """
    from PIL import Image

    if x.ndim != 4 or x.shape[1] not in (1, 3):
        raise ValueError(
            f"a picture is compressed as a file: got {tuple(x.shape)}, expected (B, 1 or 3, H, W); choose images"
        )
    pixels = ((x.detach() + 1.0) * 127.5).round().clamp(0, 255).byte().permute(0, 2, 3, 1).cpu().numpy()
    sizes = []
    for image in pixels:
        picture = Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image)
        sizes.append(min(_size(picture, "PNG", compress_level=9), _size(picture, "JPEG2000", irreversible=False)))
    return 8.0 * torch.tensor(sizes, dtype=torch.float32, device=x.device)


def _size(picture: Image, format: str, **options: Any) -> int:
    file = io.BytesIO()
    picture.save(file, format, **options)
    return len(file.getvalue())
