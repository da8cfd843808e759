"""Whether values are in the units that a model was trained in."""

from __future__ import annotations

from torch import Tensor

from gibbsweep_models.types import DataSpec

_TOLERANCE = 1e-3
"""How far values may lie beyond their range: rounding, not other units."""


def in_units(x: Tensor, spec: DataSpec, *, noise: float = 0.0, where: str = "the array") -> Tensor:
    """``x`` (B, *D), or one example (*D) as a batch of one, as float32. ValueError where its shape is another, or its
    values lie outside the units of ``spec`` by more than ``noise``."""
    if x.is_floating_point():
        x = x.float()
    else:
        raise ValueError(
            f"{where} holds {str(x.dtype).removeprefix('torch.')}: expected real values in {range_of(spec)}; "
            f"{advice_on(spec)}."
        )
    if tuple(x.shape) == spec.shape:
        x = x[None]
    if tuple(x.shape[1:]) != spec.shape or not len(x):
        raise ValueError(
            f"{where} has the shape {tuple(x.shape)}: expected examples (N, {', '.join(map(str, spec.shape))}), as the "
            "model was trained on."
        )
    if not bool(x.isfinite().all()):
        raise ValueError(f"{where} holds values that are not finite: replace them.")
    if len(spec.shape) == 1:  # vectors have no range of their own
        return x
    low, high = float(x.min()), float(x.max())
    least = 0.0 if spec.units == "binary" else -1.0
    if low < least - noise - _TOLERANCE or high > 1.0 + noise + _TOLERANCE:
        raise ValueError(
            f"{where} has values from {low:.4g} to {high:.4g}: expected {range_of(spec)}"
            f"{f' and noise of up to {noise:g}' if noise else ''}, the units that the model knows; {advice_on(spec)}."
        )
    return x


def range_of(spec: DataSpec) -> str:
    """The range of values in the units of ``spec``, as text."""
    return "[0, 1]" if spec.units == "binary" else "[-1, 1]"


def advice_on(spec: DataSpec) -> str:
    """What to do with values in other units."""
    if len(spec.shape) == 2:
        return "divide 16-bit samples by 32768"
    if spec.units == "binary":
        return "of pixels in 0..255 pass (x >= 128).float()"
    return "of pixels in 0..255 pass x / 127.5 - 1, of pixels in 0..1 pass 2 * x - 1"
