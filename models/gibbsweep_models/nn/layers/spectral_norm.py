"""Layers whose largest singular value is 1."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize


class SpectralNorm(nn.Module):
    """W -> W / sigma_max(W), W flattened to (out, everything else): Miyato et al., "Spectral Normalization" (2018).

    The largest singular value is exact, from the smaller Gram matrix. PyTorch's power iteration keeps vectors that
    every forward pass moves, so that a Langevin loop would change the model that it samples.
    """

    def forward(self, weight: Tensor) -> Tensor:
        """(out, ...) -> (out, ...)."""
        with torch.autocast(weight.device.type, enabled=False):
            matrix = weight.flatten(1)
            gram = matrix @ matrix.T if matrix.shape[0] <= matrix.shape[1] else matrix.T @ matrix
            normalised: Tensor = weight / torch.linalg.eigvalsh(gram)[-1].sqrt()
        return normalised


def with_spectral_norm(layer: nn.Module, wanted: bool = True) -> nn.Module:
    """``layer`` itself, its weight normalised from now on where ``wanted``."""
    if wanted:
        parametrize.register_parametrization(layer, "weight", SpectralNorm())
    return layer
