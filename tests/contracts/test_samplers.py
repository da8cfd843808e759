"""What every sampler promises. Moments are held to closed forms in tests/models."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from tests.contracts.samplers import N_STEPS, SAMPLERS
from torch import Tensor, nn

from gibbsweep_models import draws
from gibbsweep_models.types import Samples

samplers = pytest.mark.parametrize("name", SAMPLERS)


def sample(name: str, n: int = 6, seed: int = 1, **shard: int) -> tuple[Samples, Tensor]:
    case = SAMPLERS[name]
    x = case.start(n, draws.seeded(0, **shard))
    return case.sampler(case.model(), x, generator=draws.seeded(seed, **shard)), x


@samplers
def test_samples_look_like_their_start_and_count_their_evaluations(name: str) -> None:
    samples, x = sample(name)
    assert samples.x.shape == x.shape
    assert samples.x.dtype == x.dtype
    assert torch.isfinite(samples.x).all()
    assert samples.nfe == SAMPLERS[name].nfe
    assert not samples.x.requires_grad


@samplers
def test_a_sampler_is_a_frozen_dataclass_of_numbers(name: str) -> None:
    sampler = SAMPLERS[name].sampler
    assert dataclasses.is_dataclass(sampler)
    assert hash(sampler) == hash(dataclasses.replace(sampler))
    with pytest.raises(dataclasses.FrozenInstanceError):
        sampler.n_steps = 1
    assert not any(isinstance(value, (Tensor, nn.Module)) for value in vars(sampler).values())


@samplers
def test_its_generator_decides_and_its_input_stays(name: str) -> None:
    (first, x), (again, _), (other, _) = sample(name), sample(name), sample(name, seed=2)
    assert torch.equal(first.x, again.x)
    assert torch.equal(first.x, other.x) is not SAMPLERS[name].random
    assert torch.equal(x, SAMPLERS[name].start(6, draws.seeded(0)))


@samplers
def test_the_trace_sees_every_step_once(name: str) -> None:
    case = SAMPLERS[name]
    seen: list[tuple[int, Tensor]] = []
    x = case.start(3, draws.seeded(0))
    samples = case.sampler(
        case.model(), x, generator=draws.seeded(1), trace=lambda step, state: seen.append((step, state.clone()))
    )
    assert [step for step, _ in seen] == list(range(1, N_STEPS + 1))
    torch.testing.assert_close(seen[-1][1].to(samples.x.dtype), samples.x)


@samplers
def test_two_halves_are_the_whole(name: str) -> None:
    whole, _ = sample(name)
    halves = [sample(name, n=3, rank=rank, world_size=2)[0].x for rank in range(2)]
    torch.testing.assert_close(torch.cat(halves), whole.x)


@samplers
def test_a_model_s_parameters_get_no_gradient(name: str) -> None:
    case = SAMPLERS[name]
    model = case.model()
    case.sampler(model, case.start(3, draws.seeded(0)), generator=draws.seeded(1))
    if isinstance(model, nn.Module):
        assert all(p.grad is None and p.requires_grad for p in model.parameters())
