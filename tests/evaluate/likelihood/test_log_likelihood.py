"""Log-likelihoods against enumeration."""

from __future__ import annotations

import itertools

import pytest
import torch
from tests.evaluate.examples import Examples
from tests.evaluate.machines import coins, machine

from gibbsweep.evaluate import LogLikelihood
from gibbsweep_models.draws import seeded
from gibbsweep_models.energy.rbm import RBMConfig
from gibbsweep_models.types import DataSpec


def test_the_likelihood_is_that_of_enumeration() -> None:
    system, split = machine(), coins(20)
    states = torch.tensor(list(itertools.product([0.0, 1.0], repeat=6)))
    log_z = torch.logsumexp(-system.rbm.double()(states.double()), dim=0)
    truth = float((-system.rbm(split.x.double()) - log_z).mean().detach())
    system.float()
    metrics = LogLikelihood(n_temperatures=300)(system, split, generator=seeded(0)).metrics
    assert metrics["log_likelihood"] == metrics["log_likelihood_exact"] == pytest.approx(truth, abs=1e-4)
    assert metrics["log_likelihood_uncertainty"] == 0.0
    bracket = system.log_likelihood(split.x, generator=seeded(0), n_temperatures=300)
    for side, error in (("ais", bracket.ais_se), ("reverse_ais", bracket.reverse_ais_se)):
        assert metrics[f"log_likelihood_{side}"] == pytest.approx(truth, abs=4 * error + 1e-4)
        assert error < 0.2


def test_without_enumeration_it_is_the_middle_of_the_bracket() -> None:
    torch.manual_seed(0)
    wide = RBMConfig(21, annealing_chains=10, equilibration=5).build(DataSpec((1, 5, 5), "binary"))
    metrics = LogLikelihood(n_temperatures=10)(wide, coins(9, (1, 5, 5)), generator=seeded(0)).metrics
    low, high = sorted((metrics["log_likelihood_ais"], metrics["log_likelihood_reverse_ais"]))
    assert metrics["log_likelihood"] == pytest.approx((low + high) / 2)
    assert metrics["log_likelihood_uncertainty"] == pytest.approx((high - low) / 2)
    assert "log_likelihood_exact" not in metrics


def test_a_limit_takes_evenly_spread_examples() -> None:
    system, split = machine(), coins(11)
    chosen = Examples(split.x[[0, 5, 10]])
    exact = [
        evaluator(system, examples, generator=seeded(0)).metrics["log_likelihood"]
        for evaluator, examples in ((LogLikelihood(5, limit=3), split), (LogLikelihood(5), chosen))
    ]
    assert exact[0] == exact[1]
