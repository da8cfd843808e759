"""Configurations of the networks with the noise level as an input."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from gibbsweep_models.nn.noise_networks.dilated import DilatedNet
from gibbsweep_models.nn.noise_networks.patches import PatchUNet
from gibbsweep_models.nn.noise_networks.unet import UNet
from gibbsweep_models.nn.noise_networks.vector_net import VectorNet


@dataclass(frozen=True)
class UNetConfig:
    """A :class:`~gibbsweep_models.nn.noise_networks.unet.UNet` of waveforms, images or voxels.

    >>> network = UNetConfig((8, 8), patch=2).build((1, 8, 8))
    >>> network(torch.zeros(3, 1, 8, 8), torch.zeros(3)).shape
    torch.Size([3, 1, 8, 8])
    """

    channels: tuple[int, ...] = (32, 64, 64)
    """Channels of each resolution."""
    blocks: int = 1
    """Residual blocks a resolution."""
    patch: int = 1
    """Side of the blocks of pixels or voxels that become channels first
    (:class:`~gibbsweep_models.nn.noise_networks.patches.PatchUNet`)."""
    checkpoint_activations: bool = False
    """Less memory in more time, with the same gradient."""
    attention: bool = False
    """Self-attention at the lowest resolution (:class:`~gibbsweep_models.nn.layers.attention.SelfAttention`)."""
    rows: bool = False
    """A learned offset for each row: of frequencies, which unlike places in a picture are not alike."""

    def build(self, shape: tuple[int, ...], *, n_classes: int | None = None) -> nn.Module:
        """The network on examples of ``shape``."""
        options = {
            "checkpoint_activations": self.checkpoint_activations,
            "attention": self.attention,
            "rows": self.rows,
        }
        if self.patch == 1:
            return UNet(shape, self.channels, self.blocks, n_classes, **options)
        return PatchUNet(shape, self.channels, self.blocks, self.patch, n_classes, **options)


@dataclass(frozen=True)
class VectorNetConfig:
    """A :class:`~gibbsweep_models.nn.noise_networks.vector_net.VectorNet`.

    >>> network = VectorNetConfig(width=8).build((2,))
    >>> network(torch.zeros(3, 2), torch.zeros(3)).shape
    torch.Size([3, 2])
    """

    width: int = 128
    """Units of each layer."""
    layers: int = 3
    """Residual layers."""

    def build(self, shape: tuple[int, ...], *, n_classes: int | None = None) -> nn.Module:
        """The network on examples of ``shape``, flattened."""
        return VectorNet(shape, self.width, self.layers, n_classes)


@dataclass(frozen=True)
class DilatedNetConfig:
    """A :class:`~gibbsweep_models.nn.noise_networks.dilated.DilatedNet` of waveforms.

    >>> network = DilatedNetConfig(channels=4, layers=3).build((1, 64))
    >>> network(torch.zeros(3, 1, 64), torch.zeros(3)).shape
    torch.Size([3, 1, 64])
    """

    channels: int = 32
    """Channels of each block."""
    layers: int = 10
    """Gated blocks."""
    cycle: int = 10
    """Blocks after which the dilation starts again at 1."""

    def build(self, shape: tuple[int, ...], *, n_classes: int | None = None) -> nn.Module:
        """The network on examples of ``shape``."""
        return DilatedNet(shape, self.channels, self.layers, self.cycle, n_classes)
