"""Diagnostics against the closed forms of AR(1) processes."""

import math

import pytest
import torch
from torch import Tensor

from gibbsweep_models.draws import seeded
from gibbsweep_models.samplers.mcmc.diagnostics import (
    autocorrelation,
    effective_sample_size,
    integrated_autocorrelation_time,
)


def ar1(rho: float, n_steps: int, n_chains: int, seed: int = 0) -> Tensor:
    """Stationary chains x_t = rho x_{t-1} + sqrt(1 - rho²) n with autocorrelation rho^lag, unit variance."""
    noise = torch.randn(n_steps, n_chains, generator=seeded(seed), dtype=torch.float64)
    x = [noise[0]]
    for t in range(1, n_steps):
        x.append(rho * x[-1] + math.sqrt(1 - rho**2) * noise[t])
    return torch.stack(x)


@pytest.mark.parametrize("rho", [-0.5, 0.0, 0.5, 0.9])
def test_autocorrelation_is_rho_to_the_lag(rho: float) -> None:
    chain = ar1(rho, 4000, 32)
    measured = autocorrelation(chain)
    assert measured.shape == (4000,)
    assert measured[0] == 1.0
    lags = torch.arange(20, dtype=torch.float64)
    # Bartlett: the variance at large lags is (1 + rho²) / ((1 - rho²) N).
    standard_error = math.sqrt((1 + rho**2) / (1 - rho**2) / chain.numel())
    torch.testing.assert_close(measured[:20], rho**lags, atol=5 * standard_error, rtol=0)


def test_autocorrelation_equals_the_direct_sum() -> None:
    chain = ar1(0.7, 50, 3)
    deviation = chain - chain.mean()
    direct = torch.stack([(deviation[: 50 - lag] * deviation[lag:]).sum() for lag in range(50)])
    torch.testing.assert_close(autocorrelation(chain), direct / direct[0])


@pytest.mark.parametrize("rho", [-0.5, 0.0, 0.5, 0.9])
def test_time_and_effective_size_of_ar1(rho: float) -> None:
    chain = ar1(rho, 4000, 64, seed=1)
    tau = (1 + rho) / (1 - rho)
    assert integrated_autocorrelation_time(chain) == pytest.approx(tau, rel=0.1)
    assert effective_sample_size(chain) == pytest.approx(chain.numel() / tau, rel=0.1)


def test_effective_size_predicts_the_error_of_the_mean() -> None:
    rho, repeats = 0.8, 400
    chains = ar1(rho, 400, repeats)
    spread = float(chains.mean(dim=0).var())
    predicted = float(chains.var()) * repeats / effective_sample_size(chains)
    # The sample variance of `repeats` means has relative standard error sqrt(2 / repeats).
    assert spread == pytest.approx(predicted, rel=4 * math.sqrt(2 / repeats))


def test_chains_that_disagree_count_as_few() -> None:
    chain = ar1(0.0, 500, 2) * 0.01
    chain[:, 1] += 10.0
    assert effective_sample_size(chain) < 4


@pytest.mark.parametrize(
    ("chain", "message"),
    [
        (torch.zeros(10), r"\(T, B\)"),
        (torch.zeros(2, 3), "T >= 4"),
        (torch.zeros(10, 2), "constant chain"),
        (torch.full((10, 2), float("nan")), "20 non-finite"),
    ],
)
def test_errors_say_what_is_wrong(chain: Tensor, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        effective_sample_size(chain)
