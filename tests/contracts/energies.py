"""Every energy, small, with its score where there is a closed form. Adding an energy is one line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import get_args

import torch
from torch import Tensor, nn

from gibbsweep_models.energy.class_energy import ClassEnergyConfig
from gibbsweep_models.energy.dsm_energy import DSMEnergyConfig
from gibbsweep_models.energy.encoder_ebm import EncoderEBMConfig
from gibbsweep_models.energy.mlp_ebm import MLPEBMConfig
from gibbsweep_models.energy.normalized_autoencoder import NormalizedAutoencoderConfig
from gibbsweep_models.energy.two_view_ebm import TwoViewEBMConfig
from gibbsweep_models.nn.energies.class_energies import (
    ClassEnergiesConfig,
    ConvConfig,
    MLPConfig,
    PrototypeConfig,
    ResidualConfig,
)
from gibbsweep_models.nn.energies.class_rbm import ClassRBM
from gibbsweep_models.nn.energies.conv import ConvEnergy
from gibbsweep_models.nn.energies.gaussian_rbm import ConvGaussianRBM, GaussianBernoulli, GaussianRBM
from gibbsweep_models.nn.energies.mlp import MLPEnergy
from gibbsweep_models.nn.energies.named import NamedClassEnergiesConfig
from gibbsweep_models.nn.energies.potential import PotentialConfig, PotentialForm
from gibbsweep_models.nn.energies.quadratic import LowRankQuadraticEnergy
from gibbsweep_models.nn.energies.rbm import RBM
from gibbsweep_models.nn.energies.reconstruction import ReconstructionEnergy
from gibbsweep_models.nn.energies.residual import ResidualEnergy, SelfAttention
from gibbsweep_models.nn.gradients import refuse_condition
from gibbsweep_models.nn.noise_networks.configs import UNetConfig
from gibbsweep_models.types import DataSpec


class QuadraticEnergy(nn.Module):
    """E(x) = |x - mean|² / (2 std²), (B, *D) -> (B,): a Gaussian of known score and moments."""

    def __init__(self, mean: float, std: float) -> None:
        super().__init__()
        self.mean = nn.Parameter(torch.tensor(mean))
        self.std = nn.Parameter(torch.tensor(std))

    def forward(self, x: Tensor, cond: Tensor | None = None) -> Tensor:
        refuse_condition(cond, self)
        return ((x - self.mean) / self.std).flatten(1).square().sum(dim=1) / 2


@dataclass(frozen=True)
class EnergyCase:
    """``build`` makes it from the global seed; examples have ``shape`` and components in ``box``."""

    build: Callable[[], nn.Module]
    shape: tuple[int, ...]
    box: tuple[float, float] = (-1.0, 1.0)
    score: Callable[[nn.Module, Tensor], Tensor] | None = None
    n_classes: int = 0
    """Of an energy E(x, y) that takes labels as its condition; 0: it takes none."""


def rbm(centred: bool) -> RBM:
    machine = RBM(16, 5, centred=centred, initial_weight_scale=0.5)
    for bias in (machine.visible_bias, machine.hidden_bias):
        nn.init.normal_(bias)
    return machine


def rbm_score(machine: nn.Module, x: Tensor) -> Tensor:
    """-grad F = b + W (p(h = 1 | v) - offset of h)."""
    assert isinstance(machine, RBM)
    hidden_mean = machine.hidden_logits(x.flatten(1)).sigmoid()
    by_pixel = machine.visible_bias + (hidden_mean - machine.hidden_offset) @ machine.weight.t()
    return by_pixel.view(x.shape)


def quadratic_score(energy: nn.Module, x: Tensor) -> Tensor:
    assert isinstance(energy, QuadraticEnergy)
    return (energy.mean - x) / energy.std**2


def confined_flat_network() -> nn.Module:
    energy = MLPEnergy((3,), (8,), confinement=2.0)
    nn.init.zeros_(energy.readout.weight)
    return energy


def confined_flat_solids() -> nn.Module:
    energy = ConvEnergy((1, 8, 8, 8), (4,), confinement=2.0)
    nn.init.zeros_(energy.readout.weight)
    energy.centre.fill_(0.5)
    return energy


def gaussian_machine(machine: GaussianBernoulli) -> GaussianBernoulli:
    """With random biases and variances, and weights that are felt."""
    for parameter in machine.parameters():
        nn.init.normal_(parameter, std=0.5)
    return machine


def gaussian_score(machine: nn.Module, x: Tensor) -> Tensor:
    """-grad F = (E[E[v | h] | x] - x) / σ²."""
    assert isinstance(machine, GaussianBernoulli)
    mean = machine.visible_mean(machine.hidden_logits(x).sigmoid())
    return (mean - x) / machine.variance()


def class_rbm() -> ClassRBM:
    machine = ClassRBM(16, 5, 3, initial_weight_scale=0.5)
    for bias in (machine.visible_bias, machine.hidden_bias, machine.label_bias):
        nn.init.normal_(bias)
    return machine


def low_rank_quadratic() -> LowRankQuadraticEnergy:
    """With a random mean and random scales."""
    energy = LowRankQuadraticEnergy((2, 3, 3), 4)
    for parameter in energy.parameters():
        nn.init.normal_(parameter, std=0.5)
    return energy


def low_rank_quadratic_score(energy: nn.Module, x: Tensor) -> Tensor:
    """-Λ (x - μ)."""
    assert isinstance(energy, LowRankQuadraticEnergy)
    precision = torch.diag(energy.log_scale.exp() ** 2) + energy.projection @ energy.projection.T
    return ((energy.mean - x.flatten(1)) @ precision).view(x.shape)


def attentive() -> ResidualEnergy:
    """With an attention that is felt."""
    energy = ResidualEnergy((1, 8, 8), (4, 8))
    for module in energy.modules():
        if isinstance(module, SelfAttention):
            nn.init.constant_(module.gain, 0.7)
    return energy


def potential(form: PotentialForm) -> nn.Module:
    """With a network that says something."""
    made = PotentialConfig(UNetConfig((4, 8), patch=2), form).build((1, 8, 8))
    for parameter in made.parameters():
        nn.init.normal_(parameter, std=0.2)
    return made


def of_classes(form: ClassEnergiesConfig) -> EnergyCase:
    config = ClassEnergyConfig(form)
    return EnergyCase(lambda: config.build(DataSpec((1, 8, 8), n_classes=3)), (1, 8, 8), n_classes=3)


ENERGIES: dict[str, EnergyCase] = {
    "quadratic": EnergyCase(lambda: QuadraticEnergy(0.3, 0.7), (3, 2), score=quadratic_score),
    "rbm": EnergyCase(lambda: rbm(False), (1, 4, 4), (0.0, 1.0), rbm_score),
    "rbm_centred": EnergyCase(lambda: rbm(True), (1, 4, 4), (0.0, 1.0), rbm_score),
    "gaussian_rbm": EnergyCase(
        lambda: gaussian_machine(GaussianRBM((2, 3, 3), 5)), (2, 3, 3), (-3.0, 3.0), gaussian_score
    ),
    **{f"potential_{form}": EnergyCase(partial(potential, form), (1, 8, 8)) for form in get_args(PotentialForm)},
    "gaussian_rbm_conv": EnergyCase(
        lambda: gaussian_machine(ConvGaussianRBM((2, 6, 6), 3, 4, 2)), (2, 6, 6), (-3.0, 3.0), gaussian_score
    ),
    "mlp": EnergyCase(lambda: MLPEnergy((6,), (16, 16)), (6,)),
    "mlp_image": EnergyCase(lambda: MLPEnergy((1, 4, 4), (16,), "gelu"), (1, 4, 4)),
    "mlp_confined": EnergyCase(confined_flat_network, (3,), (-3.0, 3.0), lambda _, x: -x / 4),
    "mlp_ebm": EnergyCase(lambda: MLPEBMConfig((16,), bound=3.0).build(DataSpec((2,))), (2,), (-3.0, 3.0)),
    "normalized_autoencoder": EnergyCase(
        lambda: NormalizedAutoencoderConfig(latent_dim=4, hidden=(16,)).build(DataSpec((1, 8, 8))), (1, 8, 8)
    ),
    "class_rbm": EnergyCase(class_rbm, (1, 4, 4), (0.0, 1.0), n_classes=3),
    "jem": of_classes(ConvConfig((4, 8))),
    "class_conv": of_classes(ConvConfig((4, 8), label="hidden")),
    "class_mlp": of_classes(MLPConfig((16, 8), label="hidden")),
    "class_residual": of_classes(ResidualConfig((4, 8), label="hidden")),
    "class_rbm_form": of_classes(NamedClassEnergiesConfig(name="rbm", width=2)),
    "class_jem_form": of_classes(NamedClassEnergiesConfig(name="jem", width=4, depth=2, spectral_norm=True)),
    "quadratic_low_rank": EnergyCase(low_rank_quadratic, (2, 3, 3), score=low_rank_quadratic_score),
    "residual": EnergyCase(attentive, (1, 8, 8)),
    "residual_odd_colour": EnergyCase(lambda: ResidualEnergy((3, 9, 11), (4, 4, 4), "softplus"), (3, 9, 11)),
    "residual_spectral": EnergyCase(lambda: ResidualEnergy((1, 8, 8), (4, 8), spectral_norm=True), (1, 8, 8)),
    "reconstruction": EnergyCase(lambda: ReconstructionEnergy((1, 8, 8), 4, (16,)), (1, 8, 8)),
    "mlp_spectral": EnergyCase(lambda: MLPEnergy((6,), (16, 16), spectral_norm=True), (6,)),
    "prototypes": of_classes(PrototypeConfig(2, 4)),
    "encoder_ebm": EnergyCase(lambda: EncoderEBMConfig((8, 8), 16).build(DataSpec((3, 9, 8))), (3, 9, 8)),
    "two_view_ebm": EnergyCase(lambda: TwoViewEBMConfig((8, 8), 16, 8).build(DataSpec((1, 8, 8))), (1, 8, 8)),
    "conv": EnergyCase(lambda: ConvEnergy((1, 8, 8), (4, 8)), (1, 8, 8)),
    "conv_odd_colour": EnergyCase(lambda: ConvEnergy((3, 9, 11), (4, 4, 4), "softplus"), (3, 9, 11)),
    "conv_voxels": EnergyCase(lambda: ConvEnergy((1, 8, 9, 8), (4, 8)), (1, 8, 9, 8)),
    "conv_voxels_confined": EnergyCase(confined_flat_solids, (1, 8, 8, 8), (-3.0, 3.0), lambda _, x: (0.5 - x) / 4),
    "dsm": EnergyCase(lambda: DSMEnergyConfig((8, 8)).build(DataSpec((1, 8, 8))), (1, 8, 8)),
    "dsm_blind": EnergyCase(lambda: DSMEnergyConfig((8, 8), blind_at=0.3).build(DataSpec((1, 8, 8))), (1, 8, 8)),
    "conv_spectral": EnergyCase(lambda: ConvEnergy((1, 8, 8), (4, 8), spectral_norm=True), (1, 8, 8)),
}
