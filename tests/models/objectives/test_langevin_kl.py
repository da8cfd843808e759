"""The gradient through the chain: by hand on a quadratic energy, with the energy itself held fixed."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from tests.models.quadratic import Quadratic

from gibbsweep_models.draws import randn, seeded
from gibbsweep_models.energy.conv_ebm import ConvEBMConfig
from gibbsweep_models.objectives.cd.contrastive_divergence import ContrastiveDivergence
from gibbsweep_models.objectives.cd.langevin_cd import LangevinCD
from gibbsweep_models.objectives.cd.langevin_kl import LangevinKL
from gibbsweep_models.samplers.mcmc.langevin import Langevin
from gibbsweep_models.types import DataSpec

STEP = 0.1
COLD = Langevin(5, STEP, temperature=0.0)


def start(n: int = 32) -> torch.Tensor:
    return randn((n, 3), generator=seeded(0), dtype=torch.float64)


def test_gradient_by_hand() -> None:
    """The end of one step is x' = x - s p (x - m); of p |x' - m|² / 2 with p and m fixed, d/dp = p (x' - m)·(-s (x -
    m)) and d/dm = p (x' - m) s p, summed over axes."""
    model, x = Quadratic(2.0, 0.5), start()
    term = LangevinKL(COLD)(model, x, generator=seeded(1))
    torch.autograd.backward(term)
    before = x - 0.5
    after = (1 - STEP * 2.0) * before
    assert float(term) == pytest.approx(float(after.square().sum(1).mean()))  # p / 2 = 1
    torch.testing.assert_close(model.precision.grad, (2.0 * after * -STEP * before).sum(1).mean())
    torch.testing.assert_close(model.mean.grad, (2.0 * after * STEP * 2.0).sum(1).mean())


def test_a_clipped_gradient_and_a_clamped_end_move_nothing() -> None:
    model, x = Quadratic(2.0, 0.5), start()
    for sampler in (replace(COLD, gradient_clip=1e-6), replace(COLD, clamp=(9.0, 10.0))):
        model.zero_grad()
        torch.autograd.backward(LangevinKL(sampler)(model, x, generator=seeded(1)))
        assert float(model.precision.grad) == 0.0 == float(model.mean.grad)


def test_the_entropy_is_that_of_nearest_distances() -> None:
    """Ends twice as far apart have an entropy higher by ln 2 an axis."""
    model, x = Quadratic(0.0), start()
    sampler = replace(COLD, step_size=1.0)
    narrow = LangevinKL(sampler, entropy=1.0)(model, x, generator=seeded(1))
    wide = LangevinKL(sampler, entropy=1.0)(model, 2 * x, generator=seeded(1))
    assert float(narrow - wide) == pytest.approx(math.log(2), rel=1e-5)


def test_the_entropy_has_a_floor_and_needs_two_ends() -> None:
    """Ends that meet are an estimator's pole and no divergence of the model."""
    model, term = Quadratic(2.0, 0.5), LangevinKL(COLD, entropy=0.1)
    met = start(1).expand(4, 3)
    value = term(model, met, generator=seeded(1))
    torch.autograd.backward(value)
    plain = LangevinKL(COLD)(model, met, generator=seeded(1))
    assert float(value) == pytest.approx(float(plain) - 0.1 * math.log(1e-6), rel=1e-6)
    assert math.isfinite(float(model.precision.grad)) and math.isfinite(float(model.mean.grad))
    with pytest.raises(ValueError, match="a batch of one example"):
        term(model, start(1), generator=seeded(1))
    LangevinKL(COLD)(model, start(1), generator=seeded(1))


def test_its_weight_is_that_in_contrastive_divergence() -> None:
    model, batch = Quadratic(2.0, 0.5), {"x": start()}
    plain = ContrastiveDivergence(COLD)(model, batch, generator=seeded(1))
    term = LangevinKL(COLD)
    both = ContrastiveDivergence(COLD, kl=(0.3, term))(model, batch, generator=seeded(1))
    torch.testing.assert_close(both.total, plain.total + 0.3 * both.parts["kl"])


def test_the_configuration_switches_it_on() -> None:
    spec = DataSpec((1, 8, 8), "signed")
    for kl in (0.0, 0.5):
        config = ConvEBMConfig(
            channels=(4, 4), cd=LangevinCD(n_steps=2, replay_size=16, kl=kl, entropy=0.1, replay_shift=1)
        )
        torch.manual_seed(0)
        system = config.build(spec)
        (phase,) = system.phases()
        loss = phase.objective(system, {"x": start(4).float().new_zeros(4, 1, 8, 8)}, generator=seeded(0))
        assert ("kl" in loss.parts) == (kl > 0)
