"""Classification and outliers against numbers worked out by hand."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from gibbsweep.data import load
from gibbsweep.errors import UserError
from gibbsweep.evaluate import Classification, EnergyHistogram, OutlierDetection, check_other_data
from gibbsweep.evaluate.anomalies.energies import energy_of_any
from gibbsweep.evaluate.examples import batches_of
from gibbsweep.evaluate.recognition.classification import expected_calibration_error
from gibbsweep_models.draws import seeded
from gibbsweep_models.energy.class_energy import ClassEnergyConfig
from gibbsweep_models.nn.energies.class_energies import MLPConfig
from gibbsweep_models.objectives.cd.langevin_cd import LangevinCD


@dataclass
class Known:
    """A split whose x are logits."""

    x: Tensor
    y: Tensor

    def __len__(self) -> int:
        return len(self.x)

    def batch(self, indices: Tensor) -> dict[str, Tensor]:
        return {"x": self.x[indices], "y": self.y[indices]}


class Identity:
    def logits(self, x: Tensor) -> Tensor:
        return x


class Brightness:
    """Logits whose -logsumexp is the mean brightness of an image."""

    def logits(self, x: Tensor) -> Tensor:
        return -x.flatten(1).mean(dim=1, keepdim=True).expand(-1, 2) - math.log(2)


def test_four_examples_by_hand() -> None:
    p = torch.tensor([[0.9, 0.1], [0.75, 0.25], [0.3, 0.7], [0.55, 0.45]], dtype=torch.float64)
    split = Known(p.log(), torch.tensor([0, 1, 1, 0]))
    metrics = Classification(n_bins=5)(Identity(), split, generator=seeded(0)).metrics
    assert metrics["accuracy"] == 0.75
    assert metrics["error"] == 0.25
    assert metrics["nll"] == pytest.approx(-sum(map(math.log, (0.9, 0.25, 0.7, 0.55))) / 4)
    # bins (.8, 1]: .9 right; (.6, .8]: .75 wrong, .7 right; (.4, .6]: .55 right
    assert metrics["ece"] == pytest.approx((0.1 + abs(1 - 1.45) + 0.45) / 4, abs=1e-6)


def test_a_calibrated_guess_has_no_calibration_error() -> None:
    confidence = torch.full((1000,), 0.75)
    correct = torch.arange(1000) % 4 > 0
    assert expected_calibration_error(confidence, correct, 15) == pytest.approx(0.0, abs=1e-9)
    assert expected_calibration_error(torch.ones(8), torch.ones(8, dtype=torch.bool), 15) == 0.0


def test_a_limit_takes_a_spread_subset_in_batches() -> None:
    split = Known(torch.arange(100).float()[:, None], torch.zeros(100))
    seen = torch.cat([batch["x"][:, 0] for batch in batches_of(split, 12, torch.device("cpu"), batch_size=5)])
    assert seen.tolist() == torch.linspace(0, 99, 12).round().tolist()
    assert sum(len(b["x"]) for b in batches_of(split, None, torch.device("cpu"), batch_size=30)) == 100


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
