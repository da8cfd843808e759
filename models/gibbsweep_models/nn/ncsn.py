"""The two networks of NCSN and NCSNv2 as denoisers: one that is told the noise level, and one that divides by it."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gibbsweep_models.nn.blocks import zero_
from gibbsweep_models.nn.embedding import NoiseEmbedding
from gibbsweep_models.nn.precondition import Coefficients, EDMPrecondition
from gibbsweep_models.noise.shape import expand_like

_EMBEDDING = 32


class LevelGain(nn.Module):
    """exp(g(noise)) F(x, noise): what NCSN's conditional normalisation before the last convolution does, a scale of its own for
    each level. A score is as large as 1 / sigma, and a network whose features are normalised could not follow it. The gain is
    learned as its logarithm, so that a factor of a hundred is within reach of hundreds of updates. A new gain is 1."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.embed_noise = NoiseEmbedding(_EMBEDDING)
        self.log_gain = zero_(nn.Linear(_EMBEDDING, 1))

    def forward(self, x: Tensor, noise: Tensor, cond: Tensor | None = None) -> Tensor:
        """``x`` (B, *D), the noise label (B,) -> (B, *D)."""
        gain = self.log_gain(self.embed_noise(noise))[:, 0].exp()
        out: Tensor = self.network(x, noise, cond)
        return expand_like(gain, x) * out


class NCSNDenoiser(EDMPrecondition):
    """D(x; sigma) = x + sigma² s(x; sigma), with the data as it is for F's input.

    ``told``: s = F(x; ln(sigma) / 4), a network that knows the level (Song & Ermon 2019). Otherwise s = F(x) / sigma, technique 3 of
    NCSNv2 (2020): one network for all levels, which has to see in x how noisy it is. ``network``: (B, *D), (B,), condition or None ->
    (B, *D); where it is not told, its label is always 0.
    """

    def __init__(self, network: nn.Module, *, told: bool) -> None:
        super().__init__(LevelGain(network) if told else network)
        self.tells = told

    def coefficients(self, sigma: Tensor) -> Coefficients:
        one = torch.ones_like(sigma)
        if self.tells:
            return Coefficients(c_skip=one, c_out=sigma.square(), c_in=one, c_noise=sigma.log() / 4)
        return Coefficients(c_skip=one, c_out=sigma, c_in=one, c_noise=torch.zeros_like(sigma))
