"""Networks that are told the noise level, as numbers to be searched."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from gibbsweep_models.nn.noise_networks.dilated import DilatedNet
from gibbsweep_models.nn.noise_networks.patches import PatchUNet
from gibbsweep_models.nn.noise_networks.unet import UNet
from gibbsweep_models.nn.noise_networks.vector_net import VectorNet


@dataclass(frozen=True)
class UNetConfig:
    """A :class:`~gibbsweep_models.nn.noise_networks.unet.UNet` of waveforms, images or voxels, one resolution per entry of ``channels``. ``patch``:
    blocks of so many pixels or voxels along every axis become channels first (:class:`~gibbsweep_models.nn.noise_networks.patches.PatchUNet`).
    ``checkpoint_activations``: less memory in more time, with the same gradient."""

    channels: tuple[int, ...] = (32, 64, 64)
    blocks: int = 1
    patch: int = 1
    checkpoint_activations: bool = False

    def build(self, shape: tuple[int, ...], *, n_classes: int | None = None) -> nn.Module:
        """The network on examples of ``shape``."""
        if self.patch == 1:
            return UNet(shape, self.channels, self.blocks, n_classes, self.checkpoint_activations)
        return PatchUNet(shape, self.channels, self.blocks, self.patch, n_classes, self.checkpoint_activations)


@dataclass(frozen=True)
class VectorNetConfig:
    """A :class:`~gibbsweep_models.nn.noise_networks.vector_net.VectorNet`."""

    width: int = 128
    layers: int = 3

    def build(self, shape: tuple[int, ...], *, n_classes: int | None = None) -> nn.Module:
        """The network on examples of ``shape``, flattened."""
        return VectorNet(shape, self.width, self.layers, n_classes)


@dataclass(frozen=True)
class DilatedNetConfig:
    """A :class:`~gibbsweep_models.nn.noise_networks.dilated.DilatedNet` of waveforms."""

    channels: int = 32
    layers: int = 10
    cycle: int = 10

    def build(self, shape: tuple[int, ...], *, n_classes: int | None = None) -> nn.Module:
        """The network on examples of ``shape``."""
        return DilatedNet(shape, self.channels, self.layers, self.cycle, n_classes)
