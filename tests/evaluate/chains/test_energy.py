"""Energy gaps of chains in equilibrium, and of data that a machine does not know."""

from __future__ import annotations

import math

import pytest
from tests.evaluate.examples import Examples
from tests.evaluate.machines import SHAPE, machine, samples_of

from gibbsweep.evaluate import EnergyGap
from gibbsweep_models.draws import seeded


def test_a_machine_in_equilibrium_has_no_energy_gap() -> None:
    system = machine(scale=0.0)
    split = samples_of(system, 4000)
    gap = EnergyGap(n_steps=3, limit=4000)(system, split, generator=seeded(0)).metrics["energy_gap"]
    spread = float(system.energy(split.x).detach().std())
    assert spread > 0.5, "energies that are all alike would prove nothing"
    # Data and chains are independent: the variance of the difference of two means.
    assert abs(gap) < 4 * spread * math.sqrt(2 / 4000)


def test_data_that_a_machine_does_not_know_has_a_gap() -> None:
    system = machine(scale=0.0)
    unlikely = Examples((system.rbm.visible_bias.detach() < 0).float().view(1, *SHAPE).repeat(500, 1, 1, 1))
    gap = EnergyGap(n_steps=3)(system, unlikely, generator=seeded(0)).metrics["energy_gap"]
    bias = system.rbm.visible_bias.detach()
    expected = float((bias.sigmoid() * bias - (bias < 0) * bias).sum())
    assert gap == pytest.approx(expected, abs=4 * float(bias.norm()) / 2 / math.sqrt(256))
