"""Stored values to the numbers that models see: bytes, 16-bit samples and real values in signed or binary units."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from gibbsweep.data.formats.wav import FULL_SCALE
from gibbsweep.errors import UserError
from gibbsweep_models.types import Units


def _signed(x: Tensor) -> Tensor:
    # Subtracting first keeps the sum exact in float32, so that the quotient is rounded once.
    return x.to(torch.float32).sub_(127.5).div_(127.5)


def _binary(x: Tensor) -> Tensor:
    return torch.ge(x, 128, out=torch.empty(x.shape))


def _unchanged(x: Tensor) -> Tensor:
    return x


def _amplitude(x: Tensor) -> Tensor:
    return x.to(torch.float32).div_(FULL_SCALE)


def conversion(dtype: torch.dtype, units: Units) -> Callable[[Tensor], Tensor]:
    """Function that turns raw examples of ``dtype`` into float32 in ``units``; a UserError where data has no such
    units."""
    if dtype == torch.uint8:
        return _signed if units == "signed" else _binary
    if dtype == torch.int16:
        if units == "binary":
            raise UserError(
                "sounds have signed units: got units 'binary'; choose a model of real values, or other data"
            )
        return _amplitude
    return _unchanged
