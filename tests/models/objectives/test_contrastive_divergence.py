"""Contrastive divergence: its gradient by hand on a quadratic energy, and the two systems built on it."""

import pytest
import torch
from tests.models.quadratic import Quadratic
from torch import Tensor, nn

from gibbsweep_models.capabilities import CanSample, HasChain, HasEnergy, HasLogLikelihood
from gibbsweep_models.draws import randn, seeded
from gibbsweep_models.energy.conv_ebm import ConvEBMConfig, ConvEBMSystem
from gibbsweep_models.energy.mlp_ebm import MLPEBMConfig
from gibbsweep_models.nn.energies import RBM, MLPEnergy
from gibbsweep_models.objectives.cd.contrastive_divergence import ContrastiveDivergence
from gibbsweep_models.objectives.cd.langevin_cd import LangevinCD
from gibbsweep_models.objectives.cd.rbm_cd import RBMContrastiveDivergence
from gibbsweep_models.objectives.cd.replay_buffer import ReplayBuffer
from gibbsweep_models.samplers.mcmc.langevin import Langevin
from gibbsweep_models.samplers.mcmc.posterior import MAPDenoising
from gibbsweep_models.types import DataSpec, System


class Bowl(nn.Module):
    """An energy of one's own, as anyone would write it."""

    def __init__(self) -> None:
        super().__init__()
        self.precision = nn.Parameter(torch.tensor(2.0, dtype=torch.float64))

    def forward(self, x: Tensor) -> Tensor:
        return 0.5 * self.precision * (x - 0.5).square().sum(dim=1)


def test_a_module_of_x_alone_is_an_energy() -> None:
    """It samples and trains as the same energy does that takes conditions; with a condition it is refused by Python."""
    own, theirs = Bowl(), Quadratic(2.0, 0.5)
    x = randn((64, 3), generator=seeded(0), dtype=torch.float64)
    for model in (own, theirs):
        loss = ContrastiveDivergence(Langevin(5, 0.1))(model, {"x": x}, generator=seeded(1))
        torch.autograd.backward(loss.total)
    torch.testing.assert_close(own.precision.grad, theirs.precision.grad)
    assert torch.equal(
        Langevin(3, 0.1)(own, x, generator=seeded(2)).x, Langevin(3, 0.1)(theirs, x, generator=seeded(2)).x
    )
    assert torch.isfinite(MAPDenoising()(own, x, torch.full((64,), 0.5), generator=seeded(3))).all()


def test_a_seed_in_place_of_a_generator_is_told_what_to_write() -> None:
    with pytest.raises(TypeError, match=r"got generator=0, expected a torch.Generator; write .*seeded\(0\)"):
        randn((2, 3), generator=0)  # type: ignore[arg-type]


def test_gradient_by_hand() -> None:
    model = Quadratic(2.0, 0.5)
    x_pos = randn((64, 3), generator=seeded(0), dtype=torch.float64)
    sampler = Langevin(5, 0.1)
    l2 = 0.3
    loss = ContrastiveDivergence(sampler, l2=l2)(model, {"x": x_pos}, generator=seeded(1))
    torch.autograd.backward(loss.total)
    x_neg = sampler(model, x_pos, generator=seeded(1)).x
    with torch.no_grad():
        square_pos, square_neg = ((x - 0.5).square().sum(dim=1) for x in (x_pos, x_neg))
        energy_pos, energy_neg = square_pos, square_neg  # precision / 2 = 1
        by_precision = (square_pos.mean() - square_neg.mean()) / 2 + l2 * (
            (energy_pos * square_pos).mean() + (energy_neg * square_neg).mean()
        )
        slope_pos, slope_neg = (-2.0 * (x - 0.5).sum(dim=1) for x in (x_pos, x_neg))
        by_mean = slope_pos.mean() - slope_neg.mean()
        by_mean += 2 * l2 * ((energy_pos * slope_pos).mean() + (energy_neg * slope_neg).mean())
        torch.testing.assert_close(model.precision.grad, by_precision)
        torch.testing.assert_close(model.mean.grad, by_mean)
        torch.testing.assert_close(loss.parts["energy_gap"], energy_pos.mean() - energy_neg.mean())
        torch.testing.assert_close(loss.parts["energy_pos"], energy_pos.mean())
        torch.testing.assert_close(loss.parts["energy_neg"], energy_neg.mean())
        torch.testing.assert_close(loss.parts["energy_l2"], energy_pos.square().mean() + energy_neg.square().mean())
        torch.testing.assert_close(loss.total, loss.parts["energy_gap"] + l2 * loss.parts["energy_l2"])
    assert all(not part.requires_grad for part in loss.parts.values())
    assert "sampler_gradient_norm" in loss.parts


def test_gradient_vanishes_at_the_data_density() -> None:
    """Data from the chain's own stationary density: the expected gradient is 0 for any number of steps."""
    step_size, n = 0.2, 200_000
    model = Quadratic(1.0)
    stationary_std = (1 / (1 - step_size / 2)) ** 0.5
    x = stationary_std * randn((n, 1), generator=seeded(0), dtype=torch.float64)
    loss = ContrastiveDivergence(Langevin(3, step_size))(model, {"x": x}, generator=seeded(1))
    torch.autograd.backward(loss.total)
    # Each gradient is a mean of n terms of standard deviation at most 2: four standard errors.
    for p in model.parameters():
        assert p.grad is not None and abs(float(p.grad)) < 4 * 2 / n**0.5


def test_persistent_chains_are_kept() -> None:
    model = Quadratic(4.0).float()
    replay = ReplayBuffer(32, (3,), restart_fraction=0.0)
    objective = ContrastiveDivergence(Langevin(4, 0.05), replay)
    x = torch.zeros(32, 3)
    start, places = replay.draw(32, generator=(generator := seeded(0)))
    expected = Langevin(4, 0.05)(model, start, generator=generator).x
    objective(model, {"x": x}, generator=seeded(0))
    assert torch.equal(replay.chains[places], expected)
    assert bool(replay.written.all())
    assert {name.split(".")[0] for name in objective.state_dict()} == {"replay"}


def test_data_noise_has_its_size_and_stays_in_the_clamp() -> None:
    seen: list[Tensor] = []

    def energy(x: Tensor, cond: Tensor | None = None) -> Tensor:
        seen.append(x.detach())
        return x.square().sum(dim=1)

    x = torch.full((1000, 2), 0.0)
    ContrastiveDivergence(Langevin(1, 0.1), data_noise=0.2)(energy, {"x": x}, generator=seeded(0))
    assert float(seen[-1][:1000].std()) == pytest.approx(0.2, rel=0.1)
    x = torch.full((1000, 2), -1.0)
    ContrastiveDivergence(Langevin(1, 0.1), data_noise=0.2, clamp=(-1.0, 1.0))(energy, {"x": x}, generator=seeded(0))
    assert float(seen[-1][:1000].min()) == -1.0
    assert float((seen[-1][:1000] == -1.0).float().mean()) == pytest.approx(0.5, abs=0.05)
    assert bool((x == -1.0).all())


def test_one_call_of_the_energy_serves_both_halves() -> None:
    sizes: list[int] = []

    def energy(x: Tensor, cond: Tensor | None = None) -> Tensor:
        sizes.append(x.shape[0])
        return x.square().sum(dim=1)

    ContrastiveDivergence(Langevin(3, 0.1))(energy, {"x": torch.zeros(8, 2)}, generator=seeded(0))
    assert sizes == [8, 8, 8, 16]


SYSTEMS = [
    (ConvEBMConfig(channels=(4, 4), cd=LangevinCD(n_steps=2, replay_size=16), sample_steps=3), (1, 8, 8)),
    (
        ConvEBMConfig(channels=(4, 4), spectral_norm=True, cd=LangevinCD(n_steps=2, persistent=False), sample_steps=3),
        (3, 9, 8),
    ),
    (MLPEBMConfig(hidden=(8,), n_steps=2, replay_size=16, sample_steps=3, bound=2.0), (2,)),
]


def update(system: System, generator: torch.Generator, x: Tensor) -> dict[str, float]:
    (phase,) = system.phases()
    optimizer = phase.build_optimizer()
    loss = phase.objective(system, {"x": x}, generator=generator)
    torch.autograd.backward(loss.total)
    optimizer.step()
    assert set(phase.bounds) <= set(loss.parts)
    return {name: float(value) for name, value in loss.parts.items()}


@pytest.mark.parametrize(("config", "shape"), SYSTEMS)
def test_systems_offer_what_they_promise(config: ConvEBMConfig | MLPEBMConfig, shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    system = config.build(DataSpec(shape))
    x = torch.rand(16, *shape) * 2 - 1
    before = [p.clone() for p in system.parameters()]
    update(system, seeded(0), x)
    assert all(not torch.equal(p, q) for p, q in zip(system.parameters(), before, strict=True))
    assert isinstance(system, HasEnergy) and isinstance(system, CanSample)
    assert isinstance(system, HasChain) and isinstance(system, HasLogLikelihood)
    bound = config.bound if isinstance(config, MLPEBMConfig) else 1.0
    samples = system.sample(5, generator=seeded(1))
    assert samples.x.shape == (5, *shape) and samples.nfe == config.sample_steps
    assert float(samples.x.abs().max()) <= bound
    chain = system.run_chain(x, 4, generator=seeded(1))
    assert chain.x.shape == x.shape and chain.nfe == 4
    assert torch.equal(chain.x, system.run_chain(x, 4, generator=seeded(1)).x)
    bracket = system.log_likelihood(x, generator=seeded(2), n_temperatures=4)
    assert bracket.exact is None and bracket.ais_se > 0
    again = config.build(DataSpec(shape))
    again.load_state_dict(system.state_dict())
    assert torch.equal(again.energy(x), system.energy(x))


@pytest.mark.parametrize("config", [ConvEBMConfig(), MLPEBMConfig()])
def test_systems_refuse_binary_units(config: ConvEBMConfig | MLPEBMConfig) -> None:
    with pytest.raises(ValueError, match="signed units: got 'binary'"):
        config.build(DataSpec((1, 8, 8), units="binary"))


def test_likelihood_of_a_box_counts_its_volume() -> None:
    """With E = 0 the density is uniform on [-bound, bound]^D and every estimate is exact."""
    system = MLPEBMConfig(hidden=(4,), bound=3.0).build(DataSpec((2,)))
    nn.init.zeros_(system.network.readout.weight)
    bracket = system.log_likelihood(torch.rand(64, 2) * 6 - 3, generator=seeded(0), n_temperatures=3)
    uniform = -2 * float(torch.tensor(6.0).log())
    assert bracket.ais == pytest.approx(uniform, abs=1e-5) and bracket.reverse_ais == pytest.approx(uniform, abs=1e-5)


def test_training_sampler_is_the_decoupled_one() -> None:
    system = ConvEBMConfig(cd=LangevinCD(step_size=10.0, noise=0.005)).build(DataSpec((1, 8, 8)))
    assert isinstance(system, ConvEBMSystem)
    assert system.sampler == Langevin.decoupled(40, 10.0, 0.005, gradient_clip=0.03, clamp=(-1.0, 1.0))


def test_the_age_of_the_oldest_chain_is_told() -> None:
    """Of an energy's buffer, which all chains are drawn from at once here, and of an RBM's persistent chains."""
    of_energy = ContrastiveDivergence(Langevin(n_steps=4, step_size=0.01), ReplayBuffer(8, (2,), restart_fraction=0.0))
    of_rbm = RBMContrastiveDivergence(4, k=3, persistent=True)
    energy, rbm = MLPEnergy((2,), (8,)), RBM(4, 2)
    for update in range(1, 4):
        for objective, model, x, age in (
            (of_energy, energy, torch.zeros(8, 2), 4 * update),
            (of_rbm, rbm, torch.zeros(8, 4), 3 * update),
        ):
            loss = objective(model, {"x": x}, generator=seeded(update))  # type: ignore[operator]
            assert float(loss.parts["chain_age"]) == age
    twin = RBMContrastiveDivergence(4, k=3, persistent=True)
    twin.load_state_dict(of_rbm.state_dict())
    assert int(twin.age) == 9
