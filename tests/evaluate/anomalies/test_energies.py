"""Outliers by energy, against numbers worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from gibbsweep.data import load
from gibbsweep.errors import UserError
from gibbsweep.evaluate import Classification, EnergyHistogram, OutlierDetection, check_other_data
from gibbsweep.evaluate.anomalies.energies import energy_of_any
from gibbsweep_models.draws import seeded
from gibbsweep_models.energy.class_energy import ClassEnergyConfig
from gibbsweep_models.nn.energies.class_energies import MLPConfig
from gibbsweep_models.objectives.cd.langevin_cd import LangevinCD


class Brightness:
    """Logits whose -logsumexp is the mean brightness of an image."""

    def logits(self, x: Tensor) -> Tensor:
        return -x.flatten(1).mean(dim=1, keepdim=True).expand(-1, 2) - math.log(2)


def test_outliers_are_found_by_energy() -> None:
    """Against itself the score is a coin flip; a classifier's stand-in for the energy is -logsumexp of its logits."""
    data = load("mnist5k")
    same = OutlierDetection(outliers="mnist5k", limit=400)(Brightness(), data.test, generator=seeded(0))
    assert same.metrics["outlier_auroc"] == pytest.approx(0.5)
    x = data.train.batch(torch.arange(5))["x"]
    torch.testing.assert_close(energy_of_any(Brightness(), x), x.flatten(1).mean(dim=1))


def test_validation_is_held_against_the_training_file_and_test_against_the_test_file(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data, asked = load("digits"), []
    other = type(data).other
    monkeypatch.setattr(type(data), "other", lambda self, name, split: asked.append(split) or other(self, name, split))
    for split in (data.validation, data.test):
        OutlierDetection("digits", limit=50)(Brightness(), split, generator=seeded(0))
    assert asked == ["train", "test"]


def test_an_outlier_set_that_cannot_be_read_is_named_before_anything_runs() -> None:
    for outliers, message in (
        ("fashion_mnist", "gibbsweep data fetch fashion_mnist"),
        ("mnist5k", "compare sets of one"),
    ):
        with pytest.raises(UserError, match=message):
            check_other_data(OutlierDetection(outliers), load("digits", root="/nowhere"))
    check_other_data(Classification(), load("digits"))


def test_the_histogram_shows_data_outliers_and_samples() -> None:
    data = load("digits")
    torch.manual_seed(0)
    system = ClassEnergyConfig(MLPConfig((8,)), cd=LangevinCD(n_steps=1), sample_steps=2).build(data.spec)
    images = EnergyHistogram("digits", n=40, n_samples=4)(system, data.validation, generator=seeded(0)).images
    assert images["energies"].ndim == 3
    assert images["energies"].std() > 0
