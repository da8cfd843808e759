"""Every energy, small, with the shape it is defined on and how to draw an input. Adding an energy is one line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from gibbsweep_models import draws
from gibbsweep_models.nn.conv import ConvEnergy
from gibbsweep_models.nn.mlp import MLPEnergy
from gibbsweep_models.nn.rbm import RBM


@dataclass(frozen=True)
class Case:
    """``score``: -∇E in closed form, where it is known."""

    build: Callable[[], nn.Module]
    shape: tuple[int, ...]
    binary: bool = False
    score: Callable[[Tensor], Tensor] | None = None

    def draw(self, n: int, seed: int = 0) -> Tensor:
        generator = draws.seeded(seed)
        if self.binary:
            return (draws.rand((n, *self.shape), generator=generator) < 0.5).float()
        return draws.rand((n, *self.shape), generator=generator) * 2 - 1


class Quadratic(nn.Module):
    """‖x‖² / 2, the standard normal density's energy."""

    def forward(self, x: Tensor, cond: Tensor | None = None) -> Tensor:
        if cond is not None:
            raise ValueError("a quadratic energy has no condition: got one; leave it out")
        return 0.5 * x.flatten(1).square().sum(1)


def _rbm(centred: bool) -> nn.Module:
    rbm = RBM(12, 5, centred=centred, initial_weight_scale=0.5)
    rbm.initialise((torch.rand(50, 12, generator=draws.seeded(1)) < 0.3).float())
    return rbm


ENERGIES: dict[str, Case] = {
    "quadratic": Case(Quadratic, (3,), score=lambda x: -x),
    "rbm": Case(lambda: _rbm(False), (12,), binary=True),
    "centred_rbm": Case(lambda: _rbm(True), (12,), binary=True),
    "mlp": Case(lambda: MLPEnergy((2,), hidden=(16, 16)), (2,)),
    "confined_mlp": Case(lambda: MLPEnergy((2,), hidden=(16,), confinement=1.0), (2,)),
    "conv": Case(lambda: ConvEnergy((1, 8, 8), channels=(4, 8)), (1, 8, 8)),
    "conv_spectral": Case(lambda: ConvEnergy((3, 9, 8), channels=(4, 8), spectral_norm=True), (3, 9, 8)),
}
