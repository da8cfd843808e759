"""Activations by name."""

from __future__ import annotations

from typing import Literal

from torch import nn

Activation = Literal["silu", "softplus", "gelu", "leaky_relu"]
"""Names of activations."""

_ACTIVATIONS: dict[Activation, type[nn.Module]] = {
    "silu": nn.SiLU,
    "softplus": nn.Softplus,
    "gelu": nn.GELU,
    "leaky_relu": nn.LeakyReLU,
}


def activation_of(name: Activation) -> nn.Module:
    """The activation module of that name. The smooth ones have a continuous score; leaky ReLU's is piecewise
    constant."""
    if name not in _ACTIVATIONS:
        raise ValueError(f"got activation {name!r}, expected one of {sorted(_ACTIVATIONS)}; choose one of these")
    return _ACTIVATIONS[name]()
