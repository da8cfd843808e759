"""Langevin dynamics against the closed forms of the discretised chain on a Gaussian."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor, nn

from gibbsweep_models.draws import ShardedGenerator, randn, seeded
from gibbsweep_models.nn.energies.conv import ConvEnergy, StridedConv2d
from gibbsweep_models.nn.energies.mlp import MLPEnergy
from gibbsweep_models.nn.gradients import energy_and_gradient, score_of
from gibbsweep_models.samplers.mcmc.diagnostics import effective_sample_size
from gibbsweep_models.samplers.mcmc.langevin import Langevin


@dataclass(frozen=True)
class Gaussian:
    """E(x) = |x - mean|² / (2 std²)."""

    mean: float = 0.0
    std: float = 1.0

    def __call__(self, x: Tensor, cond: Tensor | None = None) -> Tensor:
        return ((x - self.mean) / self.std).square().flatten(1).sum(dim=1) / 2


def chain_of(sampler: Langevin, energy: Gaussian, x: Tensor, seed: int) -> Tensor:
    states: list[Tensor] = []
    sampler(energy, x, generator=seeded(seed), trace=lambda step, x: states.append(x[:, 0]))
    return torch.stack(states)


@pytest.mark.parametrize(("step_size", "temperature"), [(0.1, 1.0), (1.0, 1.0), (0.5, 0.25)])
def test_stationary_moments_of_the_discretised_chain(step_size: float, temperature: float) -> None:
    energy = Gaussian(mean=1.5, std=0.8)
    variance = temperature * energy.std**2 / (1 - step_size / (2 * energy.std**2))
    start = energy.mean + math.sqrt(variance) * randn((200, 1), generator=seeded(1), dtype=torch.float64)
    chain = chain_of(Langevin(500, step_size, temperature), energy, start, seed=2)
    squares = (chain - energy.mean).square()
    assert float(chain.mean()) == pytest.approx(energy.mean, abs=4 * math.sqrt(variance / effective_sample_size(chain)))
    assert float(squares.mean()) == pytest.approx(
        variance, abs=4 * variance * math.sqrt(2 / effective_sample_size(squares))
    )


def test_autocorrelation_time_of_the_discretised_chain() -> None:
    chain = chain_of(Langevin(2000, 0.2), Gaussian(), randn((50, 1), generator=seeded(1)), seed=3)
    rho = 1 - 0.2
    assert chain.numel() / effective_sample_size(chain) == pytest.approx((1 + rho) / (1 - rho), rel=0.1)


def test_one_step_is_the_formula() -> None:
    x = randn((5, 3), generator=seeded(0))
    out = Langevin(1, 0.3, 0.7)(Gaussian(), x, generator=seeded(1))
    noise = randn((5, 3), generator=seeded(1))
    torch.testing.assert_close(out.x, x - 0.3 * x + math.sqrt(2 * 0.3 * 0.7) * noise)
    assert out.nfe == 1
    torch.testing.assert_close(out.info["gradient_norm"], x.norm(dim=1).mean())
    torch.testing.assert_close(out.info["energy"], Gaussian()(x).mean())


def test_zero_temperature_is_gradient_descent() -> None:
    x = randn((4, 2), generator=seeded(0), dtype=torch.float64)
    out = Langevin(10, 0.1, temperature=0.0)(Gaussian(), x, generator=seeded(1))
    torch.testing.assert_close(out.x, x * 0.9**10)


def test_decoupled_noise_is_converted_to_a_temperature() -> None:
    sampler = Langevin.decoupled(60, 10.0, 0.005, gradient_clip=0.01, clamp=(-1.0, 1.0))
    assert sampler.temperature == pytest.approx(0.005**2 / 20)
    assert sampler.noise_std == pytest.approx(0.005)
    assert (sampler.n_steps, sampler.gradient_clip, sampler.clamp) == (60, 0.01, (-1.0, 1.0))


def test_gradient_clip_is_elementwise() -> None:
    x = torch.tensor([[10.0, 0.01, -10.0]])
    out = Langevin(1, 1.0, temperature=0.0, gradient_clip=0.1)(Gaussian(), x, generator=seeded(0))
    torch.testing.assert_close(out.x, torch.tensor([[9.9, 0.0, -9.9]]))


def test_clamp_projects_after_every_step() -> None:
    seen: list[Tensor] = []
    sampler = Langevin(5, 0.5, temperature=9.0, clamp=(-0.5, 0.25))
    sampler(Gaussian(), torch.zeros(100, 2), generator=seeded(0), trace=lambda step, x: seen.append(x))
    assert all(float(x.min()) == -0.5 and float(x.max()) == 0.25 for x in seen)


def test_same_generator_same_chain_and_the_start_is_left_alone() -> None:
    x = randn((6, 2), generator=seeded(0))
    before = x.clone()
    first, second, other = (Langevin(20, 0.1)(Gaussian(), x, generator=seeded(s)).x for s in (1, 1, 2))
    assert torch.equal(first, second)
    assert not torch.equal(first, other)
    assert torch.equal(x, before)


def test_trace_sees_every_step_and_may_keep_it() -> None:
    seen: list[tuple[int, Tensor]] = []
    out = Langevin(4, 0.1)(
        Gaussian(), torch.ones(2, 1), generator=seeded(0), trace=lambda step, x: seen.append((step, x))
    )
    assert [step for step, _ in seen] == [1, 2, 3, 4]
    assert torch.equal(seen[-1][1], out.x)
    assert not torch.equal(seen[0][1], seen[1][1])


@pytest.mark.parametrize("spectral_norm", [False, True])
def test_no_gradient_leaks_to_parameters_or_samples(spectral_norm: bool) -> None:
    energy = ConvEnergy((1, 8, 8), (4, 4), spectral_norm=spectral_norm)
    grads = [torch.full_like(p, 7.0) for p in energy.parameters()]
    for p, g in zip(energy.parameters(), grads, strict=True):
        p.grad = g
    with torch.no_grad():  # a caller's no_grad must not stop the sampler
        out = Langevin(3, 0.1)(energy, torch.zeros(2, 1, 8, 8), generator=seeded(0))
    assert not out.x.requires_grad and out.x.grad_fn is None
    assert all(not value.requires_grad for value in out.info.values())
    assert all(p.grad is g and bool((g == 7.0).all()) for p, g in zip(energy.parameters(), grads, strict=True))
    assert all(p.requires_grad for p in energy.parameters())


def test_memory_layout_and_type_survive_autocast() -> None:
    x = randn((2, 3, 8, 8), generator=seeded(0)).contiguous(memory_format=torch.channels_last)
    energy = ConvEnergy((3, 8, 8), (4, 4)).to(memory_format=torch.channels_last)
    with torch.autocast("cpu", torch.bfloat16):
        assert energy.features(x).dtype == torch.bfloat16
        assert energy(x).dtype == torch.float32
        out = Langevin(2, 0.1)(energy, x, generator=seeded(0))
    assert out.x.dtype == torch.float32
    assert out.x.is_contiguous(memory_format=torch.channels_last)


def test_two_half_batches_see_the_numbers_of_one_batch() -> None:
    x = randn((8, 3), generator=seeded(0))
    whole = Langevin(10, 0.1)(Gaussian(), x, generator=seeded(1)).x
    halves = [
        Langevin(10, 0.1)(Gaussian(), half, generator=seeded(1, rank=rank, world_size=2)).x
        for rank, half in enumerate(x.chunk(2))
    ]
    assert isinstance(seeded(1, rank=1, world_size=2), ShardedGenerator)
    assert torch.equal(torch.cat(halves), whole)


def test_energy_shape_is_checked() -> None:
    with pytest.raises(ValueError, match=r"an energy maps \(B, ...\) to \(B,\): got \(4, 1\) for x \(4, 2\)"):
        Langevin(1, 0.1)(lambda x, cond=None: x.sum(dim=1, keepdim=True), torch.zeros(4, 2), generator=seeded(0))


@pytest.mark.parametrize(
    "build",
    [
        lambda: Langevin(0, 0.1),
        lambda: Langevin(1, 0.0),
        lambda: Langevin(1, 0.1, temperature=-1.0),
        lambda: Langevin(1, 0.1, gradient_clip=0.0),
        lambda: Langevin(1, 0.1, clamp=(1.0, -1.0)),
        lambda: Langevin.decoupled(1, 0.0, 0.1),
    ],
)
def test_numbers_out_of_range_are_refused(build: Callable[[], Langevin]) -> None:
    with pytest.raises(ValueError, match="expected"):
        build()


def test_score_of_a_gaussian_and_its_second_derivative() -> None:
    precision = torch.tensor(2.0, requires_grad=True)
    x = randn((5, 3), generator=seeded(0))
    score = score_of(lambda x, cond=None: precision * x.square().sum(dim=1) / 2, create_graph=True)(x)
    torch.testing.assert_close(score, -2.0 * x)
    torch.autograd.backward(score.sum())
    torch.testing.assert_close(precision.grad, -x.sum())
    value, gradient = energy_and_gradient(Gaussian(), x)
    assert not value.requires_grad
    torch.testing.assert_close(gradient, x)


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 9, 12), (1, 28, 28), (3, 32, 32)])
@pytest.mark.parametrize("spectral_norm", [False, True])
def test_conv_energy_of_any_image(shape: tuple[int, ...], spectral_norm: bool) -> None:
    energy = ConvEnergy(shape, spectral_norm=spectral_norm)
    sizes: list[torch.Size] = []
    for module in energy.features:
        if isinstance(module, nn.Conv2d):
            module.register_forward_hook(lambda _m, _i, out: sizes.append(out.shape))
    assert energy(torch.zeros(5, *shape)).shape == (5,)
    assert min(sizes[-1][2:]) >= 2
    energy.load_state_dict(energy.state_dict())


def test_spectral_norm_is_exact_and_sampling_does_not_move_it() -> None:
    energy = ConvEnergy((1, 8, 8), (4, 8), spectral_norm=True)
    x = randn((3, 1, 8, 8), generator=seeded(0))
    before = {name: value.clone() for name, value in energy.state_dict().items()}
    value = energy(x)
    Langevin(3, 0.1)(energy, x, generator=seeded(1))
    assert torch.equal(energy(x), value)
    assert all(torch.equal(energy.state_dict()[name], kept) for name, kept in before.items())
    for module in energy.features:
        if isinstance(module, nn.Conv2d | nn.Linear):
            assert float(torch.linalg.matrix_norm(module.weight.detach().flatten(1), 2)) == pytest.approx(1.0, abs=1e-5)
    torch.autograd.backward(energy(x).sum())
    assert all(p.grad is not None for p in energy.parameters())


@pytest.mark.parametrize("size", [(8, 8), (9, 12), (28, 28), (13, 11)])
def test_strided_convolution_equals_the_direct_one(size: tuple[int, int]) -> None:
    block = StridedConv2d(3, 4, 5).double()
    direct = nn.Conv2d(3, 4, 5, stride=2, padding=2).double()
    direct.load_state_dict(block.state_dict())
    x = randn((2, 3, *size), generator=seeded(0), dtype=torch.float64).requires_grad_()
    torch.testing.assert_close(block(x), direct(x))
    of_block, of_direct = (
        torch.autograd.grad(conv(x).square().sum(), [x, *conv.parameters()]) for conv in (block, direct)
    )
    torch.testing.assert_close(of_block, of_direct)


def test_networks_refuse_what_they_cannot_do() -> None:
    with pytest.raises(ValueError, match="sides >= 8: got"):
        ConvEnergy((1, 7, 8))
    with pytest.raises(ValueError, match="MLPEnergy"):
        ConvEnergy((2,))
    with pytest.raises(ValueError, match=r"got x \(2, 3\), expected \(B, 2\)"):
        MLPEnergy((2,))(torch.zeros(2, 3))
    for energy, shape in ((MLPEnergy((2,)), (4, 2)), (ConvEnergy((1, 8, 8)), (4, 1, 8, 8))):
        with pytest.raises(ValueError, match="unconditional"):
            energy(torch.zeros(shape), torch.zeros(4))


def test_projected_components_never_move() -> None:
    """Inpainting: what is known is the same to the last bit at every step, and the rest still follows the energy."""
    known = torch.tensor([True, False, True])
    x = randn((4000, 3), generator=seeded(0))
    seen: list[Tensor] = []
    out = Langevin(200, 0.2)(
        Gaussian(),
        x,
        generator=seeded(1),
        trace=lambda step, chains: seen.append(chains),
        project=lambda chains: torch.where(known, torch.full_like(chains, 7.0), chains),
    )
    assert all(bool((chains[:, known] == 7.0).all()) for chains in seen)
    assert len(seen) == 200
    free = out.x[:, 1]
    assert abs(float(free.mean()) - float(chain_of(Langevin(200, 0.2), Gaussian(), x, seed=2).mean())) < 0.2


def test_confinement_adds_a_gaussian_reference() -> None:
    free = MLPEnergy((3,), (8,))
    confined = MLPEnergy((3,), (8,), confinement=2.0)
    confined.load_state_dict(free.state_dict())
    x = randn((5, 3), generator=seeded(0))
    torch.testing.assert_close(confined(x), free(x) + x.square().sum(dim=1) / 8)
