"""The normalized autoencoder: its energy by hand, its sphere, its chains, and the two parts of its training."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from gibbsweep_models.draws import randn, seeded
from gibbsweep_models.energy.normalized_autoencoder import NormalizedAutoencoderConfig, NormalizedAutoencoderSystem
from gibbsweep_models.nn.encoders.mlp_autoencoder import SphericalAutoencoder
from gibbsweep_models.objectives.cd.on_manifold_cd import OnManifoldCD
from gibbsweep_models.types import DataSpec, OptimizerConfig, Phase

CONFIG = NormalizedAutoencoderConfig(latent_dim=3, hidden=(12,), temperature=0.5, pretraining=4, replay_size=64)
SPEC = DataSpec((1, 4, 4))


def build(**changes: object) -> NormalizedAutoencoderSystem:
    torch.manual_seed(0)
    return dataclasses.replace(CONFIG, **changes).build(SPEC)  # type: ignore[arg-type]


def images(n: int = 16) -> torch.Tensor:
    return randn((n, 1, 4, 4), generator=seeded(3)).tanh()


def test_the_energy_is_the_mean_squared_error_over_the_temperature() -> None:
    system, x = build(), images()
    error = (x - system.reconstruct(x, generator=seeded(0))).square().sum(dim=(1, 2, 3))
    torch.testing.assert_close(system.energy(x).detach(), error / (16 * 0.5))
    torch.testing.assert_close(system.anomaly_score(x, generator=seeded(0)), system.energy(x).detach())


def test_codes_lie_on_the_sphere_in_training_too() -> None:
    system, x = build(), images()
    torch.testing.assert_close(system.encode(x).norm(dim=1), torch.ones(16))
    objective = system.phases()[1].objective
    assert isinstance(objective, OnManifoldCD)
    objective(system, {"x": x}, generator=seeded(0))
    written = objective.replay.chains[objective.replay.written]
    torch.testing.assert_close(written.norm(dim=1), torch.ones(16))


def test_the_latent_chain_descends_on_the_manifold() -> None:
    """Without noise its energy falls from that of fresh codes; the chain in x falls below it."""
    system = build(latent_noise=0.0, latent_steps=20, latent_step_size=0.1, noise=0.0, n_steps=20, step_size=1.0)
    objective = system.phases()[1].objective
    assert isinstance(objective, OnManifoldCD)
    start, _ = objective.replay.draw(16, generator=seeded(0))
    fresh = system.energy(system.decode(torch.nn.functional.normalize(start, dim=1))).mean().detach()
    parts = objective(system, {"x": images()}, generator=seeded(0)).parts
    assert float(parts["energy_manifold"]) < float(fresh)
    assert float(parts["energy_neg"]) < float(parts["energy_manifold"])


def test_the_penalty_stops_negatives_at_its_margin() -> None:
    """The gradient by E(x_neg) of -E + l2 E² vanishes at E = 1 / (2 l2)."""
    system, x = build(), images()
    plain, penalised = (build(l2=l2).phases()[1].objective(system, {"x": x}, generator=seeded(0)) for l2 in (0.0, 2.0))
    difference = float(penalised.total.detach() - plain.total.detach())
    assert difference >= 2.0 * float(plain.parts["energy_neg"]) ** 2 > 0


def test_phases_take_turns_with_schedules_of_their_own() -> None:
    pretraining, energy = build().phases()
    assert [pretraining.runs_at(step) for step in range(6)] == [True] * 4 + [False] * 2
    assert [energy.runs_at(step) for step in range(6)] == [False] * 4 + [True] * 2
    assert pretraining.learning_rate_at(2, 100) == pytest.approx(0.5 * CONFIG.pretraining_rate)
    falling = OptimizerConfig(learning_rate=1.0, schedule="linear")
    late = Phase("late", energy.parameters, energy.objective, falling, start=10)
    assert [late.learning_rate_at(step, 20) for step in (10, 15)] == pytest.approx([1.0, 0.5])


@pytest.mark.parametrize("change", [{"temperature": 0.0}, {"pretraining": -1}, {"latent_dim": 1}, {"hidden": ()}])
def test_numbers_out_of_range_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="expected"):
        build(**change)


def test_another_shape_is_refused() -> None:
    with pytest.raises(ValueError, match="data's shape"):
        SphericalAutoencoder((1, 4, 4), 3, (8,)).encode(torch.zeros(2, 1, 5, 5))


def test_it_starts_at_the_mean_of_the_data() -> None:
    system = build()
    x = 0.1 * images(200) - 0.8
    system.initialise(x)
    torch.testing.assert_close(system.autoencoder.offset, x.mean(dim=0))
    with torch.no_grad():
        for layer in system.autoencoder.decoder:
            if isinstance(layer, torch.nn.Linear):
                layer.weight.zero_()
        torch.testing.assert_close(system.decode(torch.eye(3))[0], 0.95 * x.mean(dim=0))
