"""Energies by the name of their form, with the numbers that all forms have in common: the options of a search over
forms.

``width`` and ``depth`` mean what they can in each form. In images' networks, ``depth`` stages of ``width``, 2
``width``, 4 ``width``, 4 ``width``, ... channels; elsewhere a layer has 8 ``width`` units.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeVar

from torch import Tensor, nn

from gibbsweep_models.nn.energies.class_energies import (
    ClassEnergiesConfig,
    ConvConfig,
    MLPConfig,
    PrototypeConfig,
    ResidualConfig,
)
from gibbsweep_models.nn.energies.conv import ConvEnergy
from gibbsweep_models.nn.energies.gaussian_rbm import GaussianRBM
from gibbsweep_models.nn.energies.mlp import MLPEnergy
from gibbsweep_models.nn.energies.quadratic import LowRankQuadraticEnergy
from gibbsweep_models.nn.energies.reconstruction import ReconstructionEnergy
from gibbsweep_models.nn.energies.residual import ResidualEnergy
from gibbsweep_models.nn.layers.activations import Activation

T = TypeVar("T")


class PerComponent(nn.Module):
    """``energy`` over the number of components: its gradient in one component is then as large as a network's, so that
    one chain serves both. The density is the same at another temperature."""

    def __init__(self, energy: nn.Module, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.energy = energy
        self.n = math.prod(shape)

    def initialise(self, x: Tensor) -> None:
        """Set what ``energy`` takes from examples ``x`` (N, *D)."""
        self.energy.initialise(x)  # type: ignore[operator]  # the two that are wrapped have it

    def forward(self, x: Tensor, cond: Tensor | None = None) -> Tensor:
        """(B, *D) -> (B,)."""
        energy: Tensor = self.energy(x, cond)
        return energy / self.n


@dataclass(frozen=True)
class _Numbers:
    """The numbers that all forms have in common."""

    activation: Activation = "silu"
    """Activation of a network's layers."""
    spectral_norm: bool = False
    """Whether a network's Lipschitz constants are bounded."""
    width: int = 16
    """Channels of the first stage of images' networks, an eighth of the units of other layers."""
    depth: int = 3
    """Stages or layers."""
    scale: int = 1
    """Factor on every width: a larger machine changes it, and no search does."""

    def __post_init__(self) -> None:
        if min(self.width, self.depth, self.scale) < 1:
            raise ValueError(
                f"got width={self.width}, depth={self.depth}, scale={self.scale}; expected at least 1 of each: raise "
                "the one that is 0"
            )

    @property
    def channels(self) -> tuple[int, ...]:
        """Channels of the stages of a convolutional network."""
        return tuple(self.width * self.scale * min(2**i, 4) for i in range(self.depth))

    @property
    def units(self) -> int:
        """Units of one layer of a dense network."""
        return 8 * self.width * self.scale


@dataclass(frozen=True)
class NamedEnergyConfig(_Numbers):
    """The form of an E(x), by name.

    >>> energy = NamedEnergyConfig(name="mlp", width=2).build((1, 8, 8))
    >>> energy(torch.zeros(5, 1, 8, 8)).shape
    torch.Size([5])
    """

    name: Literal["quadratic", "rbm", "mlp", "conv", "residual", "autoencoder"] = "conv"
    """``quadratic``: one Gaussian, its precision of rank ``units``; ``rbm``: the free energy of a Gaussian RBM with
    ``units`` hidden units; ``mlp``: ``depth`` layers; ``conv`` and ``residual`` (with attention): ``channels``;
    ``autoencoder``: the error of one with ``depth`` - 1 layers (at least one) each way around a sphere in 2 ``width``
    dimensions."""

    def build(self, shape: tuple[int, ...]) -> nn.Module:
        """The energy of examples of ``shape``."""
        return _named(self.name, _ENERGIES)(self, shape)


@dataclass(frozen=True)
class NamedClassEnergiesConfig(_Numbers):
    """The form of an E(x, y), by name.

    >>> energies = NamedClassEnergiesConfig(name="mlp", width=2).build((1, 8, 8), n_classes=3)
    >>> energies(torch.zeros(5, 1, 8, 8)).shape
    torch.Size([5, 3])
    """

    name: Literal["quadratic", "rbm", "mlp", "conv", "residual", "jem"] = "jem"
    """``quadratic``: ``width`` prototypes a class; ``rbm``: one layer of softplus units that the label is an input of,
    an RBM's free energy; ``mlp``, ``conv`` and ``residual``: a network whose last hidden layer the label is an input
    of; ``jem``: as ``conv``, with the label at the read-out."""

    def build(self, shape: tuple[int, ...], n_classes: int) -> nn.Module:
        """A :class:`~gibbsweep_models.nn.energies.class_energies.ClassEnergies` for examples of ``shape``."""
        return _named(self.name, _CLASS_ENERGIES)(self).build(shape, n_classes)


_ENERGIES: Mapping[str, Callable[[NamedEnergyConfig, tuple[int, ...]], nn.Module]] = {
    "quadratic": lambda f, shape: PerComponent(LowRankQuadraticEnergy(shape, f.units), shape),
    "rbm": lambda f, shape: PerComponent(GaussianRBM(shape, f.units), shape),
    "mlp": lambda f, shape: MLPEnergy(shape, (f.units,) * f.depth, f.activation, spectral_norm=f.spectral_norm),
    "conv": lambda f, shape: ConvEnergy(shape, f.channels, f.activation, f.spectral_norm),
    "residual": lambda f, shape: ResidualEnergy(shape, f.channels, f.activation, f.spectral_norm),
    "autoencoder": lambda f, shape: ReconstructionEnergy(
        shape, 2 * f.width, (f.units,) * max(1, f.depth - 1), f.activation
    ),
}

_CLASS_ENERGIES: Mapping[str, Callable[[NamedClassEnergiesConfig], ClassEnergiesConfig]] = {
    "quadratic": lambda f: PrototypeConfig(f.width, f.units),
    "rbm": lambda f: MLPConfig((f.units,), "softplus", "hidden"),
    "mlp": lambda f: MLPConfig((f.units,) * f.depth, f.activation, "hidden", f.spectral_norm),
    "conv": lambda f: ConvConfig(f.channels, f.activation, "hidden", f.spectral_norm),
    "residual": lambda f: ResidualConfig(f.channels, f.activation, "hidden", f.spectral_norm),
    "jem": lambda f: ConvConfig(f.channels, f.activation, "readout", f.spectral_norm),
}


def _named(name: str, forms: Mapping[str, T]) -> T:
    if name not in forms:
        raise ValueError(f"got form {name!r}, expected one of {', '.join(forms)}; choose one of these")
    return forms[name]
