"""Accuracy and calibration against numbers worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch
from tests.evaluate.examples import LabelledExamples
from torch import Tensor

from gibbsweep.evaluate import Classification
from gibbsweep.evaluate.recognition.classification import expected_calibration_error
from gibbsweep_models.draws import seeded


class Identity:
    def logits(self, x: Tensor) -> Tensor:
        return x


def test_four_examples_by_hand() -> None:
    p = torch.tensor([[0.9, 0.1], [0.75, 0.25], [0.3, 0.7], [0.55, 0.45]], dtype=torch.float64)
    split = LabelledExamples(p.log(), torch.tensor([0, 1, 1, 0]))
    metrics = Classification(n_bins=5)(Identity(), split, generator=seeded(0)).metrics
    assert metrics["accuracy"] == 0.75
    assert metrics["error"] == 0.25
    assert metrics["nll"] == pytest.approx(-sum(map(math.log, (0.9, 0.25, 0.7, 0.55))) / 4)
    # bins (.8, 1]: .9 right; (.6, .8]: .75 wrong, .7 right; (.4, .6]: .55 right
    assert metrics["ece"] == pytest.approx((0.1 + abs(1 - 1.45) + 0.45) / 4, abs=1e-6)


def test_a_calibrated_guess_has_no_calibration_error() -> None:
    guess = torch.tensor([0.75, 0.25]).expand(1000, 2)
    wrong = (torch.arange(1000) % 4 == 0).long()
    assert expected_calibration_error(guess, wrong, 15) == pytest.approx(0.0, abs=1e-6)
    certain = torch.tensor([1.0, 0.0]).expand(8, 2)
    assert expected_calibration_error(certain, torch.zeros(8, dtype=torch.int64), 15) == pytest.approx(0.0, abs=1e-7)


def test_a_confidence_of_one_is_in_the_last_bin() -> None:
    """Five certain answers, four of them right, and five of confidence .95, all right: accuracy .9, confidence .975."""
    probabilities = torch.tensor([[1.0, 0.0]] * 5 + [[0.95, 0.05]] * 5)
    y = torch.tensor([1] + [0] * 9)
    assert expected_calibration_error(probabilities, y, 15) == pytest.approx(0.075, abs=1e-6)
