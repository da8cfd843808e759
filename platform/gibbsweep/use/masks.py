"""Holes that a person names: which values of examples are known."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from gibbsweep.data.formats.images import decode_image, recoloured
from gibbsweep.errors import UserError
from gibbsweep_models.draws import rand, seeded
from gibbsweep_models.noise.masks import check_mask

FORMS = "half, left, right, top, bottom, centre:SIZE, box:TOP,LEFT,HEIGHT,WIDTH, random:SHARE or a PNG file"
"""What a mask may be called."""

_HALVES = {"left": (-1, 0), "right": (-1, 1), "top": (-2, 0), "bottom": (-2, 1), "half": (-2, 1)}
"""The axis across which a half is cut off, and which half of it is the hole."""


def mask_of(text: str, shape: tuple[int, ...], *, n: int = 1, seed: int = 0) -> Tensor:
    """The mask (n, *shape), bool, True where a value is known, of the hole that ``text`` names, one of :data:`FORMS`.

    ``half`` is the lower half; of sounds ``left`` and ``right`` are halves in time. In a PNG file of the examples' size
    the dark half of the greys is the hole. ``seed``: of ``random``, which differs between examples. Raises UserError
    for any other text, and for a hole that leaves nothing, or everything.
    """
    name, colon, number = text.partition(":")
    known = torch.ones(n, *shape, dtype=torch.bool)
    if text in _HALVES:
        axis, which = _HALVES[text]
        if len(shape) < 1 - axis:
            raise UserError(
                f"--mask {text} cuts the axis before the last, and examples are {shape}: use left or right."
            )
        middle = shape[axis] // 2
        hole = slice(0, middle) if which == 0 else slice(middle, None)
        known.movedim(axis, 0)[hole] = False
    elif colon and name in ("centre", "box", "random"):
        numbers = _numbers(text, number)
        if name == "random":
            if len(numbers) != 1:
                raise _unknown(text)
            # All channels of a place are known, or none.
            known &= rand((n, 1, *shape[1:]), generator=seeded(seed)) >= numbers[0]
        else:
            top, left, height, width = _box(text, name, numbers, shape)
            known[..., top : top + height, left : left + width] = False
    elif Path(text).is_file():
        known &= _drawn(Path(text), shape)
    else:
        raise _unknown(text)
    try:
        return check_mask(known)
    except ValueError as error:
        raise UserError(f"--mask {text} on examples of {shape}: {error}.") from error


def _unknown(text: str) -> UserError:
    return UserError(f"--mask {text!r} names no hole, and no file: use {FORMS}.")


def _numbers(text: str, numbers: str) -> list[float]:
    try:
        return [float(number) for number in numbers.split(",")]
    except ValueError as error:
        raise _unknown(text) from error


def _box(text: str, name: str, numbers: list[float], shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """Top, left, height and width of a hole in the last two axes of ``shape``."""
    if len(shape) < 3:
        raise UserError(f"--mask {text} cuts a box, and examples are {shape}: use left, right or random:SHARE.")
    sides = shape[-2:]
    if name == "centre" and len(numbers) == 1 and numbers[0] >= 1:
        size = int(numbers[0])
        return max(0, (sides[0] - size) // 2), max(0, (sides[1] - size) // 2), size, size
    if name == "box" and len(numbers) == 4:
        top, left, height, width = map(int, numbers)
        inside = 0 <= top and 0 <= left and 0 < height <= sides[0] - top and 0 < width <= sides[1] - left
        if inside:
            return top, left, height, width
        raise UserError(f"--mask {text} reaches beyond examples of {sides[0]} x {sides[1]}: make the box smaller.")
    raise _unknown(text)


def _drawn(file: Path, shape: tuple[int, ...]) -> Tensor:
    grey = recoloured(decode_image(file.read_bytes(), where=str(file)), "grey")
    if len(shape) != 3 or grey.shape[1:] != shape[1:]:
        raise UserError(f"the mask {file} is {grey.shape[1]} x {grey.shape[2]}: expected {shape[1:]}, as the model's.")
    return torch.from_numpy(grey >= 128)
