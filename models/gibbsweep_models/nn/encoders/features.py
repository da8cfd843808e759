"""An encoder whose inner layer is a representation: its output is trained, the inner layer is evaluated."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gibbsweep_models.nn.encoders.convnets import ConvEncoder


class FeatureNet(nn.Module):
    """A network from images to ``out`` numbers, an energy or an embedding, through a representation.

    ``represent``: :class:`~gibbsweep_models.nn.encoders.convnets.ConvEncoder`'s last maps, flattened, (B, F). The
    layers behind them, one of ``hidden`` units and a linear one, serve the training alone: representations are better
    before it (Chen et al., "A Simple Framework for Contrastive Learning of Visual Representations", 2020, section 4.2).
    """

    def __init__(self, shape: tuple[int, ...], channels: tuple[int, ...], hidden: int, out: int) -> None:
        super().__init__()
        self.encoder = ConvEncoder(shape, hidden, channels)
        # A bias would shift an energy by a constant, and an embedding needs none.
        self.readout = nn.Linear(hidden, out, bias=False)

    def represent(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, F)."""
        features: Tensor = self.encoder.features(x)
        return features

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, out)."""
        h = F.silu(self.encoder(x))
        # Under autocast energies and similarities would be rounded to 3 significant digits; this layer costs little.
        with torch.autocast(x.device.type, enabled=False):
            out: Tensor = self.readout(h.to(self.readout.weight.dtype))
        return out
