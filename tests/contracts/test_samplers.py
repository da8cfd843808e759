"""Every sampler is a frozen dataclass of numbers, follows its generator, counts its cost, and reaches known moments."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import replace
from typing import Any

import pytest
import torch
from tests.contracts.discover import returning
from tests.contracts.samplers import SAMPLERS, SamplerCase
from torch import Tensor

import gibbsweep_models.samplers
from gibbsweep_models.draws import seeded
from gibbsweep_models.samplers.mcmc.diagnostics import effective_sample_size
from gibbsweep_models.types import Samples

samplers = pytest.mark.parametrize("case", SAMPLERS.values(), ids=SAMPLERS)
OF_KNOWN_MOMENTS = {name: case for name, case in SAMPLERS.items() if case.moments is not None}
B = 8


def test_the_list_is_complete() -> None:
    assert returning("Samples", gibbsweep_models.samplers) == {
        type(case.sampler).__name__ for case in SAMPLERS.values()
    }


def run(case: SamplerCase, x: Tensor, generator: torch.Generator, **options: Any) -> Samples:
    return case.sampler(case.model().to(x.dtype), x, generator=generator, **options)


@samplers
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_samples_are_like_their_start(case: SamplerCase, dtype: torch.dtype) -> None:
    x = case.start(B, seeded(0), dtype)
    before = x.clone()
    samples = run(case, x, seeded(1))
    assert isinstance(samples, Samples)
    assert (samples.x.shape, samples.x.dtype) == (x.shape, dtype)
    assert torch.isfinite(samples.x).all()
    assert not torch.equal(samples.x, x)
    assert torch.equal(x, before), "the start was written to"


@samplers
def test_the_generator_decides_everything(case: SamplerCase) -> None:
    x = case.start(B, seeded(0), torch.float32)
    torch.manual_seed(1)
    first = run(case, x, seeded(1))
    torch.manual_seed(2)
    again = run(case, x, seeded(1))
    assert torch.equal(first.x, again.x)
    assert first.info.keys() == again.info.keys()
    assert all(torch.equal(first.info[key], again.info[key]) for key in first.info)
    assert torch.equal(first.x, run(case, x, seeded(2)).x) is not case.draws


@samplers
def test_the_global_generator_is_left_alone(case: SamplerCase) -> None:
    torch.manual_seed(0)
    state = torch.random.get_rng_state()
    model, x = case.model(), case.start(B, seeded(0), torch.float32)
    torch.random.set_rng_state(state)
    case.sampler(model, x, generator=seeded(1))
    assert torch.equal(torch.random.get_rng_state(), state)


@samplers
def test_a_trace_sees_every_step_once_and_changes_nothing(case: SamplerCase) -> None:
    x = case.start(B, seeded(0), torch.float32)
    steps: list[int] = []
    states: list[Tensor] = []
    copies: list[Tensor] = []

    def trace(step: int, x: Tensor) -> None:
        steps.append(step)
        states.append(x)
        copies.append(x.clone())

    traced = run(case, x, seeded(1), trace=trace)
    assert steps == list(range(1, len(steps) + 1))
    assert case.n_steps in (len(steps), None)
    assert all(state.shape == x.shape and not state.requires_grad for state in states)
    assert torch.equal(states[-1], traced.x)
    assert all(torch.equal(state, copy) for state, copy in zip(states, copies, strict=True)), "a trace may keep chains"
    assert torch.equal(traced.x, run(case, x, seeded(1)).x)


@samplers
def test_the_cost_is_what_was_evaluated(case: SamplerCase) -> None:
    model, x = case.model(), case.start(B, seeded(0), torch.float32)
    calls: list[int] = []
    model.register_forward_hook(lambda module, inputs, output: calls.append(1))
    samples = case.sampler(model, x, generator=seeded(1))
    assert case.evaluations in (samples.nfe, None)
    if calls:  # block Gibbs takes the machine's parameters instead, and counts its matrix products
        assert len(calls) == samples.nfe


@samplers
def test_no_gradient_reaches_the_model(case: SamplerCase) -> None:
    x = case.start(B, seeded(0), torch.float32)
    model = case.model()
    for caller in (torch.enable_grad(), torch.no_grad()):
        with caller:
            samples = case.sampler(model, x, generator=seeded(1))
        assert not samples.x.requires_grad
        assert all(not value.requires_grad for value in samples.info.values())
        assert all(p.grad is None and p.requires_grad for p in model.parameters())
    leaf = x.clone().requires_grad_(True)
    assert not case.sampler(model, leaf, generator=seeded(1)).x.requires_grad, "a chain keeps no graph of its start"
    assert leaf.grad is None


@samplers
def test_a_sampler_is_a_frozen_dataclass_of_numbers(case: SamplerCase) -> None:
    sampler: Any = case.sampler
    assert any(field.name == "n_steps" for field in dataclasses.fields(sampler))
    with pytest.raises(dataclasses.FrozenInstanceError):
        sampler.n_steps = 1
    twin = replace(sampler)
    assert (twin, hash(twin)) == (sampler, hash(sampler))
    assert replace(sampler, n_steps=sampler.n_steps + 1) != sampler

    def holds_numbers(value: object) -> bool:
        if dataclasses.is_dataclass(value):
            return all(holds_numbers(getattr(value, field.name)) for field in dataclasses.fields(value))
        if isinstance(value, tuple):
            return all(holds_numbers(item) for item in value)
        return value is None or isinstance(value, (int, float, str))

    assert holds_numbers(sampler)
    with pytest.raises(ValueError, match="n_steps"):
        replace(sampler, n_steps=0)


@samplers
def test_sharded_halves_are_the_whole(case: SamplerCase) -> None:
    x = case.start(B, seeded(0), torch.float32)
    whole = run(case, x, seeded(1)).x
    halves = [run(case, half, seeded(1, rank=rank, world_size=2)).x for rank, half in enumerate(x.chunk(2))]
    torch.testing.assert_close(torch.cat(halves), whole)


@pytest.mark.parametrize("case", OF_KNOWN_MOMENTS.values(), ids=OF_KNOWN_MOMENTS)
def test_moments_are_within_four_standard_errors(case: SamplerCase) -> None:
    """Long chains from stationarity, or many independent samples; each of the six components by itself."""
    assert case.moments is not None
    mean, variance = case.moments
    if case.chain:
        states: list[Tensor] = []
        sampler: Any = replace(case.sampler, n_steps=300)  # type: ignore[type-var]
        start = case.start(64, seeded(0), torch.float64)
        sampler(case.model().double(), start, generator=seeded(1), trace=lambda step, x: states.append(x))
        chains = torch.stack(states).flatten(2)  # (T, B, 6)
    else:
        samples = run(case, case.start(20_000, seeded(0), torch.float64), seeded(1)).x
        chains = samples.flatten(1).view(8, -1, 6)
    for component in chains.unbind(dim=2):
        error = math.sqrt(variance / effective_sample_size(component))
        assert float(component.mean()) == pytest.approx(mean, abs=4 * error)
        squares = (component - mean).square()
        error = float(squares.std()) / math.sqrt(effective_sample_size(squares))
        assert float(squares.mean()) == pytest.approx(variance, abs=4 * error + case.bias * variance)
