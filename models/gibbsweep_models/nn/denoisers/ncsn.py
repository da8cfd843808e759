"""The two networks of NCSN and NCSNv2 as denoisers: one with the noise level as input, and one that is divided by
it."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gibbsweep_models.nn.denoisers.precondition import Coefficients, EDMPrecondition
from gibbsweep_models.nn.layers.blocks import zero_
from gibbsweep_models.nn.layers.embedding import NoiseEmbedding
from gibbsweep_models.noise.shape import expand_like

_EMBEDDING = 32
_LEAST = 1e-12


class ScoreNetwork(nn.Module):
    """F = exp(g) (U(u, label) + h u) with u = x over its own root mean square; (B, *D) -> (B, *D).

    ``told``: the label is that of the noise level, and so are g and h; g, which starts at 0, is what NCSN's conditional
    normalisation before the last convolution does, a scale of its own for each level: a score is as large as 1 / sigma.
    It is learned as a logarithm, so that a factor of a hundred is within reach of hundreds of updates. Otherwise F is a
    function of x alone: the label is ln(root mean square) / 4, and g = 0.

    Scaling by the root mean square of x and the learned share h of the input are not in the papers, whose networks are
    wide enough to pass on noise of any size; a small network does it better with them, told or not.
    """

    def __init__(self, network: nn.Module, *, told: bool) -> None:
        super().__init__()
        self.network = network
        self.told = told
        self.embed = NoiseEmbedding(_EMBEDDING)
        self.scales = zero_(nn.Linear(_EMBEDDING, 2 if told else 1))

    def forward(self, x: Tensor, noise: Tensor, cond: Tensor | None = None) -> Tensor:
        """F of ``x`` (B, *D); the noise label (B,) enters only where ``told`` -> (B, *D)."""
        size = (x.flatten(1).square().mean(dim=1) + _LEAST).sqrt()
        label = noise if self.told else size.log() / 4
        unit = x / expand_like(size, x)
        scales = self.scales(self.embed(label))
        out: Tensor = self.network(unit, label, cond) + expand_like(scales[:, 0], x) * unit
        return expand_like(scales[:, 1].exp(), x) * out if self.told else out


class NCSNDenoiser(EDMPrecondition):
    """D(x; sigma) = x + sigma² s(x; sigma). ``told``: s = F(x; sigma), a network with the level as input (Song & Ermon
    2019). Otherwise s = F(x) / sigma, technique 3 of NCSNv2 (2020): one network for all levels, which has to see in x
    how noisy it is.

    ``network``: (B, *D), (B,), condition or None -> (B, *D), the U of a :class:`ScoreNetwork`.

    >>> from gibbsweep_models.nn.noise_networks import UNet
    >>> denoiser = NCSNDenoiser(UNet((1, 8, 8), (8, 8)), told=False)
    >>> denoiser(torch.rand(2, 1, 8, 8), torch.ones(2)).shape
    torch.Size([2, 1, 8, 8])
    """

    def __init__(self, network: nn.Module, *, told: bool) -> None:
        super().__init__(ScoreNetwork(network, told=told))
        self.tells = told

    def coefficients(self, sigma: Tensor) -> Coefficients:
        one = torch.ones_like(sigma)
        return Coefficients(
            c_skip=one, c_out=sigma.square() if self.tells else sigma, c_in=one, c_noise=sigma.log() / 4
        )
