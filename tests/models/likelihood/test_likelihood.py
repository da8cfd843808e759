import copy
import math

import pytest
import torch

from gibbsweep_models.draws import seeded
from gibbsweep_models.energy.rbm import RBMConfig
from gibbsweep_models.likelihood.ais import (
    annealed_importance_sampling,
    base_rate_bias,
    linear_temperatures,
    reverse_annealed_importance_sampling,
    salakhutdinov_murray_temperatures,
)
from gibbsweep_models.likelihood.exact import binary_states, exact_log_partition
from gibbsweep_models.likelihood.weights import log_mean_weight
from gibbsweep_models.nn.energies.rbm import RBM
from gibbsweep_models.types import DataSpec


def machine(n_visible: int, n_hidden: int, *, centred: bool = True, scale: float = 0.5) -> RBM:
    torch.manual_seed(1)
    rbm = RBM(n_visible, n_hidden, centred=centred, initial_weight_scale=scale)
    with torch.no_grad():
        rbm.visible_bias.normal_()
        rbm.hidden_bias.normal_()
    return rbm


def test_log_mean_weight_of_lognormal_weights() -> None:
    mu, sigma, n = 1000.0, 0.5, 200_000
    log_w = mu + sigma * torch.randn(n, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    value, standard_error, effective = log_mean_weight(log_w)
    spread = math.exp(sigma**2)  # E[w²] / E[w]²
    assert abs(value - (mu + sigma**2 / 2)) < 4 * standard_error
    assert standard_error == pytest.approx(math.sqrt((spread - 1) / n), rel=0.02)
    assert effective == pytest.approx(n / spread, rel=0.02)


def test_equal_weights_have_no_error_and_a_full_sample_size() -> None:
    assert log_mean_weight(torch.full((10,), -700.0)) == pytest.approx((-700.0, 0.0, 10.0))
    assert math.isnan(log_mean_weight(torch.zeros(1))[1])
    with pytest.raises(ValueError, match="largest log weight is nan"):
        log_mean_weight(torch.tensor([0.0, math.nan]))
    with pytest.raises(ValueError, match="shape"):
        log_mean_weight(torch.zeros(2, 2))


@pytest.mark.parametrize(("n_visible", "n_hidden"), [(4, 3), (3, 5), (6, 6)])
@pytest.mark.parametrize("centred", [False, True])
def test_exact_log_partition_is_the_sum_over_visible_states(n_visible: int, n_hidden: int, centred: bool) -> None:
    rbm = machine(n_visible, n_hidden, centred=centred).double()
    expected = float(torch.logsumexp(-rbm(binary_states(n_visible)), dim=0).detach())
    assert exact_log_partition(rbm) == pytest.approx(expected, abs=1e-10)
    assert exact_log_partition(rbm, chunk=3) == pytest.approx(expected, abs=1e-10)


def test_a_machine_of_single_precision_is_enumerated_in_double() -> None:
    rbm = machine(200, 8)
    assert exact_log_partition(rbm) == pytest.approx(exact_log_partition(copy.deepcopy(rbm).double()), abs=1e-12)
    assert rbm.weight.dtype == torch.float32


def test_enumeration_refuses_what_it_cannot_finish() -> None:
    with pytest.raises(ValueError, match="at most 24 units on the smaller side: got 25"):
        exact_log_partition(RBM(30, 25))


@pytest.mark.parametrize("centred", [False, True])
def test_both_annealings_agree_with_the_exact_log_partition(centred: bool) -> None:
    rbm = machine(30, 12, centred=centred, scale=0.3)
    exact = exact_log_partition(rbm)
    x = (torch.rand(200, 30, generator=torch.Generator().manual_seed(0)) < 0.4).float()
    temperatures = linear_temperatures(500)
    ais = annealed_importance_sampling(rbm, base_rate_bias(x), temperatures, n_chains=200, generator=seeded(0))
    reverse = reverse_annealed_importance_sampling(
        rbm, base_rate_bias(x), temperatures, x, equilibration=200, generator=seeded(1)
    )
    for estimate in (ais, reverse):
        assert estimate.n_chains == 200 and estimate.effective_sample_size > 20
        assert 0 < estimate.standard_error < 0.2
        assert abs(estimate.value - exact) < 3 * estimate.standard_error


def test_annealing_is_exact_where_there_is_nothing_to_anneal() -> None:
    rbm = machine(7, 4, centred=False, scale=0.0)
    with torch.no_grad():
        rbm.hidden_bias.zero_()
    x = torch.zeros(20, 7)
    for bias, chains in ((rbm.visible_bias.detach(), 3), (rbm.visible_bias.detach() + 0.1, 400)):
        ais = annealed_importance_sampling(rbm, bias, linear_temperatures(4), n_chains=chains, generator=seeded(0))
        assert abs(ais.value - exact_log_partition(rbm)) <= 3 * ais.standard_error + 1e-5
    reverse = reverse_annealed_importance_sampling(
        rbm, rbm.visible_bias.detach(), linear_temperatures(4), x, equilibration=0, generator=seeded(0)
    )
    assert reverse.value == pytest.approx(exact_log_partition(rbm), abs=1e-5)


def test_temperature_grids() -> None:
    grid = salakhutdinov_murray_temperatures()
    assert len(grid) == 14_501 and grid[0] == 0 and grid[-1] == 1 and bool((grid.diff() > 0).all())
    assert torch.allclose(grid[[500, 4500]], torch.tensor([0.5, 0.9], dtype=torch.float64))
    assert torch.allclose(linear_temperatures(4), torch.tensor([0, 0.25, 0.5, 0.75, 1.0], dtype=torch.float64))
    with pytest.raises(ValueError, match="rising from 0 to 1"):
        annealed_importance_sampling(machine(3, 2), torch.zeros(3), torch.tensor([0.0, 0.5]), generator=seeded(0))


def test_system_brackets_the_exact_likelihood() -> None:
    system = RBMConfig(n_hidden=6, initial_weight_scale=0.3, equilibration=100).build(DataSpec((3, 4), "binary"))
    x = (torch.rand(150, 3, 4, generator=torch.Generator().manual_seed(2)) < 0.4).float()
    system.initialise(x)
    bracket = system.log_likelihood(x, generator=seeded(0), n_temperatures=300)
    states = binary_states(12).float()
    expected = float((-system.energy(x).mean() - torch.logsumexp(-system.energy(states), dim=0)).detach())
    assert bracket.exact == pytest.approx(expected, abs=1e-4)
    assert abs(bracket.ais - expected) < 3 * bracket.ais_se
    assert abs(bracket.reverse_ais - expected) < 3 * bracket.reverse_ais_se
    wide = RBMConfig(n_hidden=21, equilibration=1).build(DataSpec((21,), "binary"))
    assert wide.log_likelihood(torch.zeros(3, 21), generator=seeded(0), n_temperatures=2).exact is None
