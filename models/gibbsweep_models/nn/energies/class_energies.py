"""Energies of an example with each of K classes, (B, *D) -> (B, K), and the configurations of such networks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

import torch
from torch import Tensor, nn

from gibbsweep_models.nn.energies.conv import ConvEnergy
from gibbsweep_models.nn.energies.mlp import MLPEnergy
from gibbsweep_models.nn.energies.prototypes import PrototypeEnergies
from gibbsweep_models.nn.energies.residual import ResidualEnergy
from gibbsweep_models.nn.gradients import check_shape
from gibbsweep_models.nn.layers.activations import Activation, activation_of

LabelAt = Literal["readout", "hidden"]
"""The place where the label enters a network: ``readout`` picks one of its K outputs, ``hidden`` shifts its last hidden
layer."""


class ClassEnergies(Protocol):
    """A network with E(x, y) for every y; its parameters are an ``nn.Module``'s."""

    def __call__(self, x: Tensor) -> Tensor:
        """(B, *D) -> (B, K)."""
        ...

    def features(self, x: Tensor) -> Tensor:
        """(B, *D) -> (B, F): what all classes share."""
        ...


class ClassEnergiesConfig(Protocol):
    """The form of an energy of examples and classes: a frozen dataclass of numbers."""

    def build(self, shape: tuple[int, ...], n_classes: int) -> nn.Module:
        """A :class:`ClassEnergies` for examples of ``shape``."""
        ...


class ReadoutEnergies(nn.Module):
    """E(x, y) = -(w_y · h(x) + b_y): the logits of a classifier, read as negative energies (Grathwohl et al., "Your
    Classifier is Secretly an Energy Based Model", 2020). ``trunk``: (B, *D) -> (B, ``width``)."""

    def __init__(self, shape: tuple[int, ...], trunk: nn.Module, width: int, n_classes: int) -> None:
        super().__init__()
        self.shape = tuple(shape)
        self.trunk = trunk
        self.readout = nn.Linear(width, n_classes)

    def features(self, x: Tensor) -> Tensor:
        """h(x): (B, *D) -> (B, ``width``)."""
        check_shape(x, self.shape)
        h: Tensor = self.trunk(x)
        return h

    def forward(self, x: Tensor) -> Tensor:
        """(B, *D) -> (B, K)."""
        return -_in_single_precision(self.readout, self.features(x))


class HiddenLabelEnergies(nn.Module):
    """E(x, y) = w · s(a(x) + u_y): the label is an input of the last hidden layer, so each unit learns which classes it
    speaks for, as in an RBM's free energy (where s is softplus and w is -1; Larochelle & Bengio 2008).

    ``trunk``: (B, *D) -> (B, ``width``) before the activation s. All K energies cost one pass through the trunk.
    """

    def __init__(
        self, shape: tuple[int, ...], trunk: nn.Module, width: int, n_classes: int, activation: Activation
    ) -> None:
        super().__init__()
        self.shape = tuple(shape)
        self.trunk = trunk
        self.label = nn.Parameter(torch.randn(n_classes, width))
        self.activation = activation_of(activation)
        self.readout = nn.Linear(width, 1, bias=False)
        self.bias = nn.Parameter(torch.zeros(n_classes))

    def features(self, x: Tensor) -> Tensor:
        """a(x): (B, *D) -> (B, ``width``)."""
        check_shape(x, self.shape)
        a: Tensor = self.trunk(x)
        return a

    def forward(self, x: Tensor) -> Tensor:
        """(B, *D) -> (B, K)."""
        units = self.activation(self.features(x).unsqueeze(1) + self.label)
        return _in_single_precision(self.readout, units).squeeze(2) - self.bias


@dataclass(frozen=True)
class PrototypeConfig:
    """Numbers of :class:`~gibbsweep_models.nn.energies.prototypes.PrototypeEnergies`.

    >>> energies = PrototypeConfig(n_prototypes=2, rank=4).build((1, 8, 8), n_classes=3)
    >>> energies(torch.zeros(5, 1, 8, 8)).shape
    torch.Size([5, 3])
    """

    n_prototypes: int = 8
    """Prototypes a class."""
    rank: int = 64
    """Directions in which a distance counts more."""

    def build(self, shape: tuple[int, ...], n_classes: int) -> nn.Module:
        return PrototypeEnergies(shape, n_classes, self.n_prototypes, self.rank)


@dataclass(frozen=True)
class MLPConfig:
    """The hidden layers of :class:`~gibbsweep_models.nn.energies.mlp.MLPEnergy`, with a label.

    >>> energies = MLPConfig((16,), label="hidden").build((4,), n_classes=3)
    >>> energies(torch.zeros(5, 4)).shape
    torch.Size([5, 3])
    """

    hidden: tuple[int, ...] = (128, 128)
    """Units of each hidden layer."""
    activation: Activation = "silu"
    """Activation behind each hidden layer."""
    label: LabelAt = "readout"
    """Where the label enters."""
    spectral_norm: bool = False
    """Whether the hidden layers' Lipschitz constants are bounded."""

    def build(self, shape: tuple[int, ...], n_classes: int) -> nn.Module:
        energy = MLPEnergy(shape, self.hidden, self.activation, spectral_norm=self.spectral_norm)
        trunk = nn.Sequential(nn.Flatten(), *energy.features)
        return _with_label(shape, trunk, self.hidden[-1], n_classes, self.activation, self.label)


@dataclass(frozen=True)
class ConvConfig:
    """The layers of :class:`~gibbsweep_models.nn.energies.conv.ConvEnergy` up to its read-out, with a label.

    >>> energies = ConvConfig((4, 8)).build((1, 8, 8), n_classes=3)
    >>> energies(torch.zeros(5, 1, 8, 8)).shape
    torch.Size([5, 3])
    """

    channels: tuple[int, ...] = (16, 32, 64)
    """Channels of each convolution."""
    activation: Activation = "silu"
    """Activation behind each layer."""
    label: LabelAt = "readout"
    """Where the label enters."""
    spectral_norm: bool = False
    """Whether the layers' Lipschitz constants are bounded."""

    def build(self, shape: tuple[int, ...], n_classes: int) -> nn.Module:
        trunk = ConvEnergy(shape, self.channels, self.activation, self.spectral_norm).features
        return _with_label(shape, trunk, self.channels[-1], n_classes, self.activation, self.label)


@dataclass(frozen=True)
class ResidualConfig:
    """The layers of :class:`~gibbsweep_models.nn.energies.residual.ResidualEnergy` up to its read-out, with a label.

    >>> energies = ResidualConfig((4, 8)).build((1, 8, 8), n_classes=3)
    >>> energies(torch.zeros(5, 1, 8, 8)).shape
    torch.Size([5, 3])
    """

    channels: tuple[int, ...] = (16, 32, 64)
    """Channels of the first convolution and of each residual block."""
    activation: Activation = "silu"
    """Activation of each layer."""
    label: LabelAt = "readout"
    """Where the label enters."""
    spectral_norm: bool = False
    """Whether the layers' Lipschitz constants are bounded."""

    def build(self, shape: tuple[int, ...], n_classes: int) -> nn.Module:
        trunk = ResidualEnergy(shape, self.channels, self.activation, self.spectral_norm).features
        return _with_label(shape, trunk, self.channels[-1], n_classes, self.activation, self.label)


def _with_label(
    shape: tuple[int, ...], trunk: nn.Sequential, width: int, n_classes: int, activation: Activation, label: LabelAt
) -> nn.Module:
    build: dict[LabelAt, Callable[[], nn.Module]] = {
        "readout": lambda: ReadoutEnergies(shape, trunk, width, n_classes),
        # The last activation comes after the label.
        "hidden": lambda: HiddenLabelEnergies(shape, trunk[:-1], width, n_classes, activation),
    }
    if label not in build:
        raise ValueError(f"got label={label!r}, expected one of {sorted(build)}; choose where the label enters")
    return build[label]()


def _in_single_precision(readout: nn.Linear, h: Tensor) -> Tensor:
    """Under autocast a bfloat16 sum would round energies to 3 significant digits; this layer costs next to nothing."""
    with torch.autocast(h.device.type, enabled=False):
        out: Tensor = readout(h.to(readout.weight.dtype))
    return out
