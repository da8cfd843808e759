"""The networks that a denoiser of waveforms may have, as numbers of a config."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from gibbsweep_models.nn.dilated import DilatedNet
from gibbsweep_models.nn.unet import UNet


@dataclass(frozen=True)
class DilatedForm:
    """The numbers of a :class:`~gibbsweep_models.nn.dilated.DilatedNet`."""

    channels: int = 32
    layers: int = 10
    cycle: int = 10

    def build(self, shape: tuple[int, ...], *, n_classes: int | None) -> nn.Module:
        return DilatedNet(shape, self.channels, self.layers, self.cycle, n_classes)


@dataclass(frozen=True)
class UNetForm:
    """The numbers of a :class:`~gibbsweep_models.nn.unet.UNet`, whose lower resolutions see the whole of a short sound at once."""

    channels: tuple[int, ...] = (48, 96, 96)
    blocks: int = 1

    def build(self, shape: tuple[int, ...], *, n_classes: int | None) -> nn.Module:
        return UNet(shape, self.channels, self.blocks, n_classes)
