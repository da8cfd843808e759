"""The error of an autoencoder as an energy."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gibbsweep_models.nn.encoders.mlp_autoencoder import SphericalAutoencoder
from gibbsweep_models.nn.gradients import refuse_condition
from gibbsweep_models.nn.layers.activations import Activation


class ReconstructionEnergy(nn.Module):
    """E(x) = λ · the mean over components of (x - decode(encode(x)))²: (B, *D) -> (B,), with λ > 0 learned (Yoon, Noh &
    Park, "Autoencoding Under Normalization Constraints", 2021, equation 6, whose temperature it is).

    >>> energy = ReconstructionEnergy((1, 4, 4), latent_dim=3, hidden=(8,))
    >>> energy(torch.zeros(5, 1, 4, 4)).shape
    torch.Size([5])
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        latent_dim: int = 16,
        hidden: tuple[int, ...] = (128,),
        activation: Activation = "silu",
    ) -> None:
        super().__init__()
        self.autoencoder = SphericalAutoencoder(shape, latent_dim, hidden, activation)
        self.log_gain = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor, cond: Tensor | None = None) -> Tensor:
        """(B, *D) -> (B,)."""
        refuse_condition(cond, self)
        error = (x - self.autoencoder.decode(self.autoencoder.encode(x)).to(x.dtype)).flatten(1)
        return self.log_gain.exp() * error.square().mean(dim=1)
