"""Orders of convergence of the deterministic samplers on a mixture with its exact score, and what the corrector
leaves."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
import torch
from torch import Tensor

from gibbsweep_models.draws import randn, seeded
from gibbsweep_models.nn.denoisers.mixture import GaussianMixture
from gibbsweep_models.noise.edm import EDMSchedule
from gibbsweep_models.noise.geometric import GeometricSchedule
from gibbsweep_models.samplers.diffusion.ancestral import Ancestral, Euler
from gibbsweep_models.samplers.diffusion.heun import Heun
from gibbsweep_models.samplers.diffusion.predictor_corrector import PredictorCorrector
from gibbsweep_models.samplers.diffusion.probability_flow import ProbabilityFlow

MIXTURE = GaussianMixture(
    torch.tensor([[1.0, 0.0], [-0.5, 0.87], [-0.5, -0.87]], dtype=torch.float64),
    torch.tensor([0.5, 0.3, 0.2]),
    torch.tensor([0.1, 0.2, 0.3]),
)


def noise() -> Tensor:
    return 80 * randn((500, 2), generator=seeded(3), dtype=torch.float64)


@cache
def reference() -> Tensor:
    """The flow to the lowest level at a tolerance of 1e-9, and the same last step as theirs."""
    return ProbabilityFlow(rtol=1e-9, atol=1e-9)(MIXTURE, noise(), generator=seeded(0)).x


def error(sampler: Any) -> float:
    """Root mean square distance to the end of the exact flow."""
    x = sampler(MIXTURE, noise(), generator=seeded(0)).x
    return float((x - reference()).square().sum(dim=1).mean().sqrt())


def test_two_methods_agree_on_the_flow() -> None:
    assert error(Heun(2000)) < 1e-5


@pytest.mark.parametrize(("method", "order", "coarse"), [(Euler, 1, 0.103), (Heun, 2, 0.030)])
def test_orders_of_convergence(method: Callable[[int], Any], order: int, coarse: float) -> None:
    errors = [error(method(n)) for n in (18, 70, 140, 280)]
    assert errors[0] == pytest.approx(coarse, rel=0.05)
    assert errors[1] / errors[2] == pytest.approx(2**order, rel=0.1)
    assert errors[2] / errors[3] == pytest.approx(2**order, rel=0.06)


def test_rho_is_flat_from_five_to_ten_and_one_fails() -> None:
    errors = {rho: error(Heun(18, EDMSchedule(rho=rho))) for rho in (1.0, 5.0, 7.0, 10.0)}
    assert errors[1.0] > 1
    assert max(errors[rho] for rho in (5.0, 7.0, 10.0)) < 1.25 * min(errors[rho] for rho in (5.0, 7.0, 10.0)) < 0.05


def test_ancestral_sampling_without_noise_is_eulers_method() -> None:
    x = noise()
    euler = Euler(30)(MIXTURE, x, generator=seeded(0)).x
    torch.testing.assert_close(Ancestral(30, eta=0.0)(MIXTURE, x, generator=seeded(0)).x, euler)
    flow = PredictorCorrector(30, 0, predictor="flow", schedule=EDMSchedule())
    torch.testing.assert_close(flow(MIXTURE, x, generator=seeded(0)).x, euler)


def test_ancestral_sampling_as_predictor_is_ancestral_sampling() -> None:
    x = noise()
    predictor = PredictorCorrector(30, 0, predictor="ancestral", schedule=EDMSchedule())
    torch.testing.assert_close(
        predictor(MIXTURE, x, generator=seeded(1)).x, Ancestral(30)(MIXTURE, x, generator=seeded(1)).x
    )


@pytest.mark.parametrize("snr", [0.1, 0.3])
def test_the_corrector_widens_a_gaussian_by_its_squared_snr(snr: float) -> None:
    """x <- x + a s + sqrt(2 a) n with a = 2 (r |n| / |s|)² is stationary on N(0, v) at the variance v (1 + r²)."""
    one = GaussianMixture(torch.zeros(1, 2000))
    schedule = GeometricSchedule(0.999, 1.0)
    sampler = PredictorCorrector(2, 300, snr, "none", schedule, denoise=False)
    x = sampler(one, sampler.start((20, 2000), generator=seeded(0)), generator=seeded(1)).x
    assert float(x.square().mean()) == pytest.approx(1 + snr**2, rel=0.02)


@pytest.mark.parametrize(
    "sampler",
    [
        Ancestral(200),
        PredictorCorrector(100, 1, 0.1, schedule=EDMSchedule(0.01, 80.0), step="sigma"),
        PredictorCorrector(100, 1, 0.1, "ancestral", EDMSchedule(0.01, 80.0), step="sigma"),
        ProbabilityFlow(),
    ],
    ids=lambda sampler: f"{type(sampler).__name__}-{getattr(sampler, 'predictor', '')}",
)
def test_modes_get_their_weights(sampler: Any) -> None:
    n = 3000
    start = sampler.start((n, 2), generator=seeded(0)).double()
    x = sampler(MIXTURE, start, generator=seeded(1)).x
    responsible, _ = MIXTURE.posterior(x, torch.full((n,), 0.01, dtype=torch.float64))
    weights = torch.tensor([0.5, 0.3, 0.2], dtype=torch.float64)
    assert bool(((responsible.mean(dim=0) - weights).abs() < 4 * (weights * (1 - weights) / n).sqrt() + 0.01).all())


def test_a_chain_of_the_adaptive_flow_does_not_depend_on_its_neighbours() -> None:
    x = noise()[:40]
    together = ProbabilityFlow()(MIXTURE, x, generator=seeded(0))
    alone = torch.cat([ProbabilityFlow()(MIXTURE, row[None], generator=seeded(0)).x for row in x[:5]])
    torch.testing.assert_close(together.x[:5], alone, rtol=1e-12, atol=1e-12)
    assert 0 < float(together.info["evaluations"]) <= together.nfe


def test_a_looser_tolerance_costs_less_and_is_kept() -> None:
    runs = [ProbabilityFlow(rtol=tol, atol=tol)(MIXTURE, noise(), generator=seeded(0)) for tol in (1e-3, 1e-5)]
    assert runs[0].nfe < runs[1].nfe
    errors = [float((run.x - reference()).square().mean().sqrt()) for run in runs]
    assert errors[1] < 1e-4 and errors[1] < errors[0] < 0.05


def test_refusals() -> None:
    with pytest.raises(ValueError, match="predictor='heun'"):
        PredictorCorrector(predictor="heun")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="snr=1"):
        PredictorCorrector(snr=1.0)
    with pytest.raises(ValueError, match="at least one kind"):
        PredictorCorrector(corrector_steps=0, predictor="none")
    with pytest.raises(ValueError, match="got chains of 2 components"):
        PredictorCorrector()(MIXTURE, noise(), generator=seeded(0))
    with pytest.raises(ValueError, match="eta=2"):
        Ancestral(eta=2.0)
    with pytest.raises(ValueError, match="rtol=0"):
        ProbabilityFlow(rtol=0.0)
    with pytest.raises(RuntimeError, match="did not arrive in n_steps=3"):
        ProbabilityFlow(3)(MIXTURE, noise(), generator=seeded(0))
    with pytest.raises(RuntimeError, match="not finite at u="):
        ProbabilityFlow()(lambda x, sigma, cond=None: x / 0, noise(), generator=seeded(0))


def test_a_step_by_norms_refuses_a_score_of_zero() -> None:
    def untrained(x: Tensor, sigma: Tensor, cond: Tensor | None = None) -> Tensor:
        return x

    with pytest.raises(ValueError, match='got a score of 0.*step="sigma"'):
        PredictorCorrector(2)(untrained, torch.randn(2, 5), generator=seeded(0))
    assert PredictorCorrector(2, step="sigma")(untrained, torch.randn(2, 5), generator=seeded(0)).x.isfinite().all()
