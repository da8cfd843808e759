"""A multilayer perceptron as an energy, for vectors and 2-D toy densities."""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor, nn

from gibbsweep_models.nn.gradients import check_shape, refuse_condition
from gibbsweep_models.nn.layers.activations import Activation, activation_of
from gibbsweep_models.nn.layers.spectral_norm import with_spectral_norm


class MLPEnergy(nn.Module):
    """E(x): (B, *shape) -> (B,), flattened, through ``hidden`` layers and a linear read-out without bias.

    ``confinement``: E gains |x|² / (2 confinement²), a Gaussian reference that makes exp(-E) integrable on all of R^D
    (Xie et al., "A Theory of Generative ConvNet", 2016); ``None`` where the domain is bounded. ``spectral_norm`` bounds
    every layer's Lipschitz constant but the read-out's.

    >>> energy = MLPEnergy((2,), hidden=(16, 16))
    >>> energy(torch.zeros(5, 2)).shape
    torch.Size([5])
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        hidden: tuple[int, ...] = (128, 128),
        activation: Activation = "silu",
        confinement: float | None = None,
        spectral_norm: bool = False,
    ) -> None:
        super().__init__()
        if not hidden or min(hidden) < 1:
            raise ValueError(
                f"got hidden layers {hidden}, expected at least one positive width; pass hidden=(128, 128)"
            )
        if confinement is not None and confinement <= 0:
            raise ValueError(f"got confinement {confinement}, expected a positive standard deviation or None; raise it")
        self.shape = tuple(shape)
        self.confinement = confinement
        widths = (math.prod(shape), *hidden)
        layers: list[nn.Module] = []
        for width_in, width_out in pairwise(widths):
            layers += [
                with_spectral_norm(nn.Linear(width_in, width_out), spectral_norm),
                activation_of(activation),
            ]
        self.features = nn.Sequential(*layers)
        # A bias would shift E by a constant, which no density sees.
        self.readout = nn.Linear(hidden[-1], 1, bias=False)

    def forward(self, x: Tensor, cond: Tensor | None = None) -> Tensor:
        """(B, *shape) -> (B,)."""
        refuse_condition(cond, self)
        check_shape(x, self.shape)
        h = self.features(x.flatten(1))
        # Under autocast a bfloat16 sum would round energies to 3 significant digits; this layer costs next to nothing.
        with torch.autocast(x.device.type, enabled=False):
            energy: Tensor = self.readout(h.to(self.readout.weight.dtype)).squeeze(1)
        if self.confinement is not None:
            energy = energy + x.flatten(1).square().sum(dim=1) / (2.0 * self.confinement**2)
        return energy
