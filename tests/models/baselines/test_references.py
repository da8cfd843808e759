"""Training examples and noise in place of samples: what is drawn, and what measures of samples make of it."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from gibbsweep_models import capabilities as can
from gibbsweep_models.baselines.references import NoiseConfig, NoiseSystem, TrainingDataConfig, TrainingDataSystem
from gibbsweep_models.draws import rand, randn, seeded
from gibbsweep_models.types import DataSpec

SPEC = DataSpec((3,), n_classes=4)
X = torch.arange(60, dtype=torch.float32).view(20, 3)
Y = torch.arange(20) % 4


def training_data(n_examples: int = 10_000) -> TrainingDataSystem:
    system = TrainingDataConfig(n_examples=n_examples).build(SPEC)
    system.fit({"x": X, "y": Y}, generator=seeded(0))
    return system


def noise(config: NoiseConfig, x: Tensor) -> NoiseSystem:
    system = config.build(DataSpec(tuple(x.shape[1:]), units=config.units))
    system.fit({"x": x}, generator=seeded(0))
    return system


def rows(x: Tensor) -> list[int]:
    """The numbers of the training examples that ``x`` is."""
    assert torch.equal(x, X[(x[:, 0] / 3).long()])
    return (x[:, 0] / 3).long().tolist()


def test_training_examples_are_drawn_each_as_often_as_any_other() -> None:
    assert sorted(rows(training_data().sample(20, generator=seeded(1)).x)) == list(range(20))
    drawn = rows(training_data().sample(50, generator=seeded(1)).x)
    assert {drawn.count(row) for row in range(20)} == {2, 3}
    few = rows(training_data(5).sample(5, generator=seeded(1)).x)
    assert len(set(few)) == 5


def test_examples_of_classes_have_those_classes() -> None:
    system = training_data()
    assert isinstance(system, can.CanSampleClasses) and isinstance(system, can.CanLeaveOutLastStep)
    asked = torch.tensor([3, 0, 0, 1, 3, 3, 3, 3, 3, 3])
    drawn = rows(system.sample_classes(asked, generator=seeded(2)).x)
    assert Y[drawn].tolist() == asked.tolist()
    assert len({row for row in drawn if Y[row] == 3}) == 5  # all there are, before one comes again
    with pytest.raises(ValueError, match="class 9"):
        system.sample_classes(torch.tensor([9]), generator=seeded(0))


@pytest.mark.parametrize("form", ["gaussian", "uniform"])
def test_noise_has_the_moments_of_each_value_and_no_correlation(form: str) -> None:
    common = randn((500, 1), generator=seeded(3))
    x = torch.cat([common, 0.1 * common + 2.0], dim=1)
    drawn = noise(NoiseConfig(form), x).sample(20_000, generator=seeded(4)).x  # type: ignore[arg-type]
    torch.testing.assert_close(drawn.mean(dim=0), x.mean(dim=0), rtol=0, atol=0.03)
    torch.testing.assert_close(drawn.std(dim=0), x.std(dim=0), rtol=0.03, atol=0)
    assert abs(float(torch.corrcoef(drawn.T)[0, 1])) < 0.03
    kurtosis = ((drawn - drawn.mean(dim=0)) / drawn.std(dim=0)).pow(4).mean(dim=0)
    torch.testing.assert_close(kurtosis, torch.full((2,), 3.0 if form == "gaussian" else 1.8), rtol=0.06, atol=0)


def test_binary_noise_is_on_as_often_as_in_the_data() -> None:
    p = torch.tensor([0.0, 0.2, 1.0])
    x = (rand((5_000, 3), generator=seeded(5)) < p).float()
    drawn = noise(NoiseConfig(units="binary"), x).sample(5_000, generator=seeded(6)).x
    assert set(drawn.unique().tolist()) == {0.0, 1.0}
    torch.testing.assert_close(drawn.mean(dim=0), p, rtol=0, atol=0.04)


def test_refusals() -> None:
    for system in (TrainingDataConfig().build(SPEC), NoiseConfig().build(SPEC)):
        with pytest.raises(ValueError, match="call fit"):
            system.sample(2, generator=seeded(0))
    with pytest.raises(ValueError, match="form='laplace'"):
        NoiseConfig("laplace").build(SPEC)  # type: ignore[arg-type]
    unlabelled = TrainingDataConfig().build(SPEC)
    unlabelled.fit({"x": X}, generator=seeded(0))
    with pytest.raises(ValueError, match="no classes"):
        unlabelled.sample_classes(torch.tensor([0]), generator=seeded(0))
