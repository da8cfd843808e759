"""Any energy on the base of Langevin chains has a likelihood; and whoever lacks one is told how to have it."""

from __future__ import annotations

import math

import pytest
from torch import Tensor

from gibbsweep.errors import UserError
from gibbsweep.evaluate import LogLikelihood, check_needs
from gibbsweep_models.bases.langevin_system import LangevinSystem
from gibbsweep_models.draws import randn, seeded
from gibbsweep_models.objectives.cd import LangevinCD
from gibbsweep_models.types import DataSpec, Phase, System

DEVIATION = 0.4


class Normal(LangevinSystem):
    """x² / 2 sigma² for each of two components: the normal density, cut off at -1 and 1."""

    def __init__(self) -> None:
        super().__init__(LangevinCD(n_steps=3), DataSpec((2,)), ema_decay=0.0, sample_steps=5)

    def phases(self) -> list[Phase]:
        return []

    def energy(self, x: Tensor, cond: Tensor | None = None) -> Tensor:
        return x.square().sum(dim=1) / (2 * DEVIATION**2)


def test_the_likelihood_is_that_of_the_closed_form() -> None:
    drawn = DEVIATION * randn((4000, 2), generator=seeded(0))
    x = drawn[(drawn.abs() < 1).all(dim=1)][:2000]
    system = Normal()
    bracket = system.log_likelihood(x, generator=seeded(1), n_temperatures=300)
    log_z = 2 * math.log(DEVIATION * math.sqrt(2 * math.pi) * math.erf(1 / (DEVIATION * math.sqrt(2))))
    exact = float(-system.energy(x).mean()) - log_z
    assert bracket.ais == pytest.approx(exact, abs=0.05)
    assert bracket.reverse_ais == pytest.approx(exact, abs=0.05)
    check_needs(LogLikelihood(), system)


def test_who_has_no_likelihood_is_told_how_to_have_one() -> None:
    with pytest.raises(
        UserError, match=r"System has no log_likelihood\(\): define it .*LangevinSystem has one for any"
    ):
        check_needs(LogLikelihood(), System())
