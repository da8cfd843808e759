"""MALA against exact moments: there is no discretisation bias to allow for."""

import math
from itertools import pairwise
from typing import Literal

import pytest
import torch
from torch import Tensor

from gibbsweep_models.draws import rand, randn, seeded
from gibbsweep_models.nn.energies.mlp import MLPEnergy
from gibbsweep_models.samplers.mcmc.diagnostics import effective_sample_size
from gibbsweep_models.samplers.mcmc.mala import MALA
from gibbsweep_models.samplers.mcmc.transitions import fold, mala_state, mala_transition


def gaussian(x: Tensor, cond: Tensor | None = None) -> Tensor:
    """Mean 1, standard deviation 0.7."""
    return ((x - 1.0) / 0.7).square().flatten(1).sum(dim=1) / 2


def chain_of(sampler: MALA, x: Tensor, seed: int) -> Tensor:
    states: list[Tensor] = []
    sampler(gaussian, x, generator=seeded(seed), trace=lambda step, x: states.append(x[:, 0]))
    return torch.stack(states)


@pytest.mark.parametrize(("step_size", "temperature"), [(0.2, 1.0), (0.8, 1.0), (0.2, 2.5)])
def test_moments_are_exact(step_size: float, temperature: float) -> None:
    variance = temperature * 0.49
    start = 1.0 + math.sqrt(variance) * randn((100, 2), generator=seeded(1), dtype=torch.float64)
    chain = chain_of(MALA(800, step_size, temperature), start, seed=2)
    squares = (chain - 1.0).square()
    assert float(chain.mean()) == pytest.approx(1.0, abs=4 * math.sqrt(variance / effective_sample_size(chain)))
    assert float(squares.mean()) == pytest.approx(
        variance, abs=4 * variance * math.sqrt(2 / effective_sample_size(squares))
    )


def test_box_truncates_the_density() -> None:
    low, high = 0.0, 1.4
    a, b = (low - 1.0) / 0.7, (high - 1.0) / 0.7
    density = [math.exp(-z * z / 2) / math.sqrt(2 * math.pi) for z in (a, b)]
    mass = (math.erf(b / math.sqrt(2)) - math.erf(a / math.sqrt(2))) / 2
    mean = 1.0 + 0.7 * (density[0] - density[1]) / mass
    start = low + (high - low) * rand((100, 1), generator=seeded(3), dtype=torch.float64)
    chain = chain_of(MALA(1000, 0.1, clamp=(low, high)), start, seed=4)[100:]
    assert float(chain.min()) >= low and float(chain.max()) <= high
    error = float(chain.std()) / math.sqrt(effective_sample_size(chain))
    assert float(chain.mean()) == pytest.approx(mean, abs=4 * error)


@pytest.mark.parametrize("boundary", ["reject", "reflect"])
@pytest.mark.parametrize("step_size", [0.02, 0.3, 3.0])
def test_one_transition_is_reversible_on_a_box(boundary: Literal["reject", "reflect"], step_size: float) -> None:
    """Started in the exact truncated density, by inverting its distribution function; large steps cross both walls."""
    low, high, n = 0.2, 1.4, 200_000
    edges = torch.special.ndtr((torch.tensor([low, high], dtype=torch.float64) - 1.0) / 0.7)
    u = edges[0] + (edges[1] - edges[0]) * rand((n, 1), generator=seeded(7), dtype=torch.float64)
    x = (1.0 + 0.7 * torch.special.ndtri(u)).clamp(low, high)
    state, accepted = mala_transition(
        gaussian,
        mala_state(gaussian, x),
        step_size=step_size,
        box=(low, high),
        boundary=boundary,
        generator=seeded(8),
    )
    y = state.x
    assert float(y.min()) >= low and float(y.max()) <= high
    assert float(accepted.double().mean()) > 0.02
    for statistic in (y - x, y.square() - x.square(), x * y.square() - x.square() * y, x * y**3 - x**3 * y):
        assert float(statistic.mean()) == pytest.approx(0.0, abs=4 * float(statistic.std()) / math.sqrt(n))


def test_reflection_moves_where_rejection_cannot() -> None:
    """A uniform density on [-1, 1]^200: every reflected proposal is accepted, almost no other one stays inside."""
    x = rand((100, 200), generator=seeded(9), dtype=torch.float64) * 2 - 1

    def flat(x: Tensor, cond: Tensor | None = None) -> Tensor:
        return 0.0 * x.sum(dim=1)

    boundaries: tuple[Literal["reject", "reflect"], ...] = ("reject", "reflect")
    acceptance = [
        float(
            mala_transition(
                flat,
                mala_state(flat, x),
                step_size=0.1,
                box=(-1.0, 1.0),
                boundary=boundary,
                generator=seeded(10),
            )[1]
            .double()
            .mean()
        )
        for boundary in boundaries
    ]
    assert acceptance == [0.0, 1.0]


def test_fold_is_the_triangle_wave() -> None:
    u = torch.tensor([-1.0, 0.3, 1.0, 1.2, 2.9, 3.1, -1.5, -3.2, 5.5], dtype=torch.float64)
    folded, slope = fold(u, (-1.0, 1.0))
    expected = torch.tensor([-1.0, 0.3, 1.0, 0.8, -0.9, -0.9, -0.5, 0.8, 0.5], dtype=torch.float64)
    torch.testing.assert_close(folded, expected)
    inner = u.abs() != 1.0  # the map has no derivative at the walls
    differences = (fold(u + 1e-7, (-1.0, 1.0))[0] - fold(u - 1e-7, (-1.0, 1.0))[0]) / 2e-7
    torch.testing.assert_close(slope[inner], differences[inner].round())


def test_a_start_outside_the_box_is_refused() -> None:
    with pytest.raises(ValueError, match="expected a start inside"):
        MALA(1, 0.1, clamp=(-1.0, 1.0))(gaussian, torch.full((2, 1), 1.5), generator=seeded(0))


def test_detailed_balance_of_one_transition() -> None:
    """Started in the exact density, one transition of any size leaves its moments and its reversed pairs alike."""
    x = 1.0 + 0.7 * randn((200_000, 1), generator=seeded(5), dtype=torch.float64)
    state, accepted = mala_transition(gaussian, mala_state(gaussian, x), step_size=1.2, generator=seeded(6))
    assert 0.05 < float(accepted.double().mean()) < 0.9
    # E[f(x) g(y)] = E[g(x) f(y)] for f = x, g = x².
    z, w = (x - 1.0) / 0.7, (state.x - 1.0) / 0.7
    asymmetry = z * w.square() - z.square() * w
    assert float(asymmetry.mean()) == pytest.approx(0.0, abs=4 * float(asymmetry.std()) / math.sqrt(x.numel()))
    torch.testing.assert_close(state.energy, gaussian(state.x))
    torch.testing.assert_close(state.gradient, (state.x - 1.0) / 0.49)
    assert torch.equal((state.x != x)[:, 0], accepted)


def test_acceptance_is_the_fraction_of_moves_and_small_steps_are_accepted() -> None:
    states = [x := torch.ones(50, 2)]
    out = MALA(30, 0.5)(gaussian, x, generator=seeded(0), trace=lambda step, x: states.append(x))
    moved = [(a != b).any(dim=1).double().mean() for a, b in pairwise(states)]
    assert float(out.info["acceptance"]) == pytest.approx(float(torch.stack(moved).mean()), abs=1e-6)
    assert out.nfe == 31
    tiny = MALA(30, 1e-5)(gaussian, x.double(), generator=seeded(0))
    assert float(tiny.info["acceptance"]) > 0.99
    torch.testing.assert_close(out.info["energy"], gaussian(out.x).mean())


def test_a_non_finite_energy_is_never_accepted() -> None:
    def wall(x: Tensor, cond: Tensor | None = None) -> Tensor:
        return torch.where(x[:, 0] > 0, x[:, 0], torch.full_like(x[:, 0], float("nan")))

    out = MALA(200, 0.3)(wall, torch.ones(64, 1), generator=seeded(0))
    assert bool((out.x > 0).all())
    assert float(out.info["acceptance"]) < 1


def test_determinism_sharding_and_no_leak() -> None:
    energy = MLPEnergy((3,), (8,)).double()
    x = randn((8, 3), generator=seeded(0), dtype=torch.float64)
    whole = MALA(10, 0.5)(energy, x, generator=seeded(1)).x
    assert torch.equal(whole, MALA(10, 0.5)(energy, x, generator=seeded(1)).x)
    halves = [
        MALA(10, 0.5)(energy, half, generator=seeded(1, rank=rank, world_size=2)).x
        for rank, half in enumerate(x.chunk(2))
    ]
    torch.testing.assert_close(torch.cat(halves), whole, atol=1e-12, rtol=0)
    assert all(p.grad is None for p in energy.parameters())
    assert not whole.requires_grad
