"""Forms of an energy by name."""

from __future__ import annotations

from typing import get_args, get_type_hints

import pytest
import torch

from gibbsweep_models.draws import randn, seeded
from gibbsweep_models.nn.energies.gaussian_rbm import GaussianRBM
from gibbsweep_models.nn.energies.named import NamedClassEnergiesConfig, NamedEnergyConfig, PerComponent
from gibbsweep_models.nn.energies.quadratic import LowRankQuadraticEnergy
from gibbsweep_models.nn.energies.residual import ResidualEnergy, SelfAttention
from gibbsweep_models.nn.gradients import score_of

SHAPE = (1, 8, 8)
NAMES = get_args(get_type_hints(NamedEnergyConfig)["name"])
CLASS_NAMES = get_args(get_type_hints(NamedClassEnergiesConfig)["name"])


@pytest.mark.parametrize("name", NAMES)
def test_width_and_scale_are_one_number(name: str) -> None:
    """Where ``scale`` multiplies a width, the network is the wider one."""
    if name == "autoencoder":
        return  # its latent space keeps its dimension
    sizes = [
        [
            tuple(p.shape)
            for p in NamedEnergyConfig(name=name, width=width, scale=scale, depth=2).build(SHAPE).parameters()
        ]  # type: ignore[arg-type]
        for width, scale in ((4, 2), (8, 1))
    ]
    assert sizes[0] == sizes[1]


@pytest.mark.parametrize("name", ["mlp", "conv", "residual"])
def test_depth_and_spectral_norm_reach_the_network(name: str) -> None:
    def n_weights(depth: int) -> int:
        return sum(p.ndim > 1 for p in NamedEnergyConfig(name=name, width=4, depth=depth).build(SHAPE).parameters())  # type: ignore[arg-type]

    assert n_weights(3) > n_weights(2)
    normalised = NamedEnergyConfig(name=name, width=4, depth=2, spectral_norm=True).build(SHAPE)  # type: ignore[arg-type]
    weights = [m.weight for m in normalised.modules() if type(m).__name__.startswith("Parametrized")]
    assert weights
    for weight in weights:
        torch.testing.assert_close(torch.linalg.matrix_norm(weight.flatten(1), 2), torch.tensor(1.0))


@pytest.mark.parametrize("name", CLASS_NAMES)
def test_a_class_form_has_an_energy_for_every_class(name: str) -> None:
    network = NamedClassEnergiesConfig(name=name, width=4, depth=2).build(SHAPE, 3)  # type: ignore[arg-type]
    x = randn((5, *SHAPE), generator=seeded(0))
    energies = network(x)
    assert energies.shape == (5, 3)
    assert len(set(energies.flatten().tolist())) == 15


def test_an_unknown_form_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"'cubic'.*quadratic, rbm"):
        NamedEnergyConfig(name="cubic").build(SHAPE)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="depth=0"):
        NamedEnergyConfig(depth=0)


def test_a_quadratic_starts_as_the_data_s_own_independent_gaussian() -> None:
    scale = torch.linspace(0.2, 2.0, 64).view(SHAPE)
    x = scale * randn((4000, *SHAPE), generator=seeded(0)) + 0.3
    energy = LowRankQuadraticEnergy(SHAPE, 1)
    energy.initialise(x, floor=0.0)
    torch.nn.init.zeros_(energy.projection)
    torch.testing.assert_close(score_of(energy)(x[:5]), (x.mean(dim=0) - x[:5]) / x.var(dim=0, correction=0))
    assert float(energy(x).mean().detach()) == pytest.approx(64 / 2, rel=1e-3)


def test_per_component_is_the_same_density_at_another_temperature() -> None:
    machine = GaussianRBM(SHAPE, 5)
    x = randn((3, *SHAPE), generator=seeded(0))
    torch.testing.assert_close(PerComponent(machine, SHAPE)(x) * 64, machine(x))


def test_attention_starts_as_the_identity_and_then_looks_everywhere() -> None:
    attention = SelfAttention(8)
    x = randn((2, 8, 3, 4), generator=seeded(0))
    assert torch.equal(attention(x), x)
    torch.nn.init.ones_(attention.gain)
    leaf = x.clone().requires_grad_(True)
    (slope,) = torch.autograd.grad(attention(leaf)[0, 0, 0, 0], leaf)
    assert bool((slope[0].abs().amax(dim=0) > 0).all())
    assert not slope[1].any()
    # Order carries no meaning for it: places exchanged before are places exchanged after.
    torch.testing.assert_close(attention(x.flip(3)), attention(x).flip(3))


def test_a_residual_energy_has_exactly_one_attention() -> None:
    for channels in ((4,), (4, 8), (4, 8, 8, 8)):
        energy = ResidualEnergy((1, 28, 28), channels)
        assert sum(isinstance(m, SelfAttention) for m in energy.modules()) == 1
