"""Potentials of an image-to-image network, and the fields that go with them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from gibbsweep_models.nn.gradients import check_shape, refuse_condition
from gibbsweep_models.nn.noise_networks.configs import UNetConfig, VectorNetConfig

PotentialForm = Literal["distance", "dot", "norm"]
"""A network F as a potential V, and as a field that is trained as a gradient without being one:

- ``distance``: V = a d (r - softness), r = sqrt(softness² + |x - F|² / d) in d dimensions, with a > 0 learned. F need
  only say which example x is near to, and near examples V is a paraboloid. Field: a (x - F) / r, the gradient at fixed
  F.
- ``dot``: V = x . F (Wang & Du, "Equilibrium Matching", 2025). Field: F.
- ``norm``: V = -|F|² / 2 (the same). Field: F.
"""


@dataclass(frozen=True)
class PotentialConfig:
    """A :class:`Potential`.

    >>> PotentialConfig(VectorNetConfig(8, 1)).build((2,))(torch.zeros(3, 2)).shape
    torch.Size([3])
    """

    network: UNetConfig | VectorNetConfig = field(default_factory=UNetConfig)
    """The network F. It is told no noise level."""
    form: PotentialForm = "distance"
    """What it makes a potential of."""
    softness: float = 0.1
    """Distance (root mean square over components) below which the ``distance`` is a paraboloid."""

    def __post_init__(self) -> None:
        if self.form not in get_args(PotentialForm):
            raise ValueError(f"got form={self.form!r}, expected one of {', '.join(get_args(PotentialForm))}")
        if self.softness <= 0:
            raise ValueError(f"got softness={self.softness}, expected a positive distance; the gradient breaks at 0")

    def build(self, shape: tuple[int, ...]) -> Potential:
        """The potential of examples of ``shape``."""
        return Potential(self, shape)


class Potential(nn.Module):
    """V(x): (B, *D) -> (B,), low = likely, without a noise level, and :meth:`field`, a cheaper vector field.

    >>> potential = Potential(PotentialConfig(VectorNetConfig(8, 1)), (2,))
    >>> potential(torch.zeros(3, 2)).shape, potential.field(torch.zeros(3, 2)).shape
    (torch.Size([3]), torch.Size([3, 2]))
    """

    def __init__(self, config: PotentialConfig, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.form, self.softness = config.form, config.softness
        self.shape = shape
        self.network = config.network.build(shape)
        self.log_gain = nn.Parameter(torch.zeros(())) if config.form == "distance" else None
        if config.form == "norm":
            # The gradient of a square is zero where the network is: it must not start there.
            head = next(weight for name, weight in self.network.named_parameters() if name.endswith("head.weight"))
            nn.init.kaiming_uniform_(head, a=math.sqrt(5))

    def forward(self, x: Tensor, cond: Tensor | None = None) -> Tensor:
        """(B, *D) -> (B,)."""
        refuse_condition(cond, self)
        out = self._network(x)
        match self.form:
            case "distance":
                mean = (x - out).flatten(1).square().mean(dim=1)
                return self._gain() * x[0].numel() * ((self.softness**2 + mean).sqrt() - self.softness)
            case "dot":
                return (x * out).flatten(1).sum(dim=1)
            case _:
                return -0.5 * out.flatten(1).square().sum(dim=1)

    def field(self, x: Tensor) -> Tensor:
        """The field: (B, *D) -> (B, *D)."""
        out = self._network(x)
        if self.form != "distance":
            return out
        residual = x - out
        root = (self.softness**2 + residual.flatten(1).square().mean(dim=1)).sqrt()
        return self._gain() * residual / root.reshape(-1, *(1 for _ in self.shape))

    def _gain(self) -> Tensor:
        assert self.log_gain is not None
        return self.log_gain.exp()

    def _network(self, x: Tensor) -> Tensor:
        check_shape(x, self.shape)
        out: Tensor = self.network(x, x.new_zeros(len(x)), None)
        return out.to(x.dtype)
