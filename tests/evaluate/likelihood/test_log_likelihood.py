"""Log-likelihoods against enumeration."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from tests.evaluate.examples import Examples
from tests.evaluate.machines import coins, machine

from gibbsweep.evaluate import LogLikelihood
from gibbsweep_models.capabilities import Bracket
from gibbsweep_models.draws import bernoulli, seeded
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


def test_reverse_chains_that_have_not_reached_the_model_are_told() -> None:
    """A machine of two modes with twenty times as much mass in one, between which no chain crosses: chains from data in
    the small one never see the other, and reverse AIS flatters by log 21. From data of both it does not."""
    torch.manual_seed(0)
    system = RBMConfig(21, centred=False, annealing_chains=400, equilibration=50).build(DataSpec((1, 5, 5), "binary"))
    with torch.no_grad():
        system.rbm.weight.zero_()
        system.rbm.weight[:, 0] = 3.0
        system.rbm.visible_bias.fill_(-1.5)
        off, on = (25 * math.log1p(math.exp(logit)) for logit in (-1.5, 1.5))
        system.rbm.hidden_bias.zero_()
        system.rbm.hidden_bias[0] = off - on + math.log(20.0)
    small = bernoulli(torch.full((210, 1, 5, 5), 1 / (1 + math.exp(1.5))), generator=seeded(1))
    both = torch.cat([small[:10], 1.0 - small[10:]])
    told, right = (LogLikelihood(1000)(system, Examples(x), generator=seeded(0)).metrics for x in (small, both))
    assert told["log_likelihood_inverted"] == 1.0 and "log_likelihood_uncertainty" not in told
    assert told["log_likelihood"] == told["log_likelihood_ais"]
    flattered = told["log_likelihood_reverse_ais"] - told["log_likelihood_ais"]
    assert flattered == pytest.approx(math.log(21.0), abs=0.5)
    assert right["log_likelihood_inverted"] == 0.0 and right["log_likelihood_uncertainty"] < 0.5


def test_a_bracket_is_inverted_beyond_two_standard_errors() -> None:
    assert not Bracket(ais=-100.0, reverse_ais=-99.1, ais_se=0.3, reverse_ais_se=0.4).inverted
    assert Bracket(ais=-100.0, reverse_ais=-98.9, ais_se=0.3, reverse_ais_se=0.4).inverted
    assert not Bracket(ais=-100.0, reverse_ais=-103.0).inverted


def test_a_limit_takes_evenly_spread_examples() -> None:
    system, split = machine(), coins(11)
    chosen = Examples(split.x[[0, 5, 10]])
    exact = [
        evaluator(system, examples, generator=seeded(0)).metrics["log_likelihood"]
        for evaluator, examples in ((LogLikelihood(5, limit=3), split), (LogLikelihood(5), chosen))
    ]
    assert exact[0] == exact[1]
