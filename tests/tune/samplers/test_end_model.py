"""The model of what trials end with: the Gaussian process against its formulas, and points as vectors."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.integrate import quad
from scipy.stats import multivariate_normal, norm

from gibbsweep.study.space import Choice, Float, Int, Space
from gibbsweep.tune.samplers import unit_cube
from gibbsweep.tune.samplers.encoding import encode
from gibbsweep.tune.samplers.end_model import (
    LENGTH,
    LENGTH_SPREAD,
    NOISE,
    NOISE_SPREAD,
    SCALE,
    SCALE_SPREAD,
    EndModel,
    fidelity,
    standardise,
)

SPACE: Space = {
    "form": Choice("mlp", "conv", "none", then={"conv": {"kernel": Int(1, 7)}, "mlp": {"depth": Choice((4,), (8, 8))}}),
    "width": Choice(64, 16, 32),
    "even": Choice(False, True),
    "count": Int(4, 64, log=True),
    "rate": Float(1e-3, 1.0, log=True),
    "share": Float(-1.0, 3.0),
}


def kernel(a: NDArray[np.float64], b: NDArray[np.float64], theta: list[float]) -> NDArray[np.float64]:
    """Matern 5/2 (Rasmussen and Williams 2006, equation 4.17)."""
    scale, lengths = math.exp(theta[0]), np.exp(theta[1:-1])
    r = np.sqrt((((a[:, None] - b[None]) / lengths) ** 2).sum(-1))
    return np.asarray(scale * (1 + math.sqrt(5) * r + 5 * r**2 / 3) * np.exp(-math.sqrt(5) * r))


def observed(n: int = 24) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Points, fidelities and losses: where the loss is least moves with the fidelity."""
    random = np.random.default_rng(0)
    points, at = random.random((n, 2)), random.choice([0.0, 0.5, 1.0], n)
    losses = (points[:, 0] - 0.3 - 0.4 * at) ** 2 + 0.2 * points[:, 1] + 0.5 * at + 0.01 * random.standard_normal(n)
    return points, at, losses


def log_posterior(theta: list[float]) -> float:
    points, at, losses = observed()
    inputs = np.column_stack([points, at])
    covariance = kernel(inputs, inputs, theta) + math.exp(theta[-1]) * np.eye(len(inputs))
    prior = norm.logpdf(theta[0], SCALE, SCALE_SPREAD) + norm.logpdf(theta[-1], NOISE, NOISE_SPREAD)
    prior += norm.logpdf(theta[1:-1], LENGTH, LENGTH_SPREAD).sum()
    return float(multivariate_normal(cov=covariance).logpdf(standardise(losses)) + prior)


def test_updates_are_fidelities_on_a_logarithmic_scale() -> None:
    assert [fidelity(step, 3, 81) for step in (3, 9, 27, 81)] == pytest.approx([1, 2 / 3, 1 / 3, 0])
    assert fidelity(1, 3, 81) == 1, "what is below the first rung counts as there"
    assert fidelity(100, 3, 81) == 0


def test_standardising_knows_no_unit_and_cuts_the_worst() -> None:
    losses = np.array([1.0, 2.0, 3.0, 4.0, 1e300])
    found = standardise(losses)
    assert found.mean() == pytest.approx(0) and found.std() == pytest.approx(1)
    assert found == pytest.approx(standardise(np.array([1.0, 2.0, 3.0, 4.0, 7.0]))), "median + 2 (median - least)"
    assert standardise(5 - 0.1 * -losses[:4]) == pytest.approx(standardise(losses[:4]))
    assert standardise(np.ones(3)) == pytest.approx(np.zeros(3))


def test_predictions_are_those_of_the_formula() -> None:
    points, at, losses = observed()
    model = EndModel(points, at, losses)
    theta, inputs = model.hyperparameters, np.column_stack([points, at])
    asked = np.random.default_rng(1).random((5, 2))
    ends = np.column_stack([asked, np.zeros(5)])
    covariance = kernel(inputs, inputs, theta) + (math.exp(theta[-1]) + 1e-8) * np.eye(len(inputs))
    gain = kernel(ends, inputs, theta) @ np.linalg.inv(covariance)
    mean, deviation = model.predict(asked)
    assert mean == pytest.approx(gain @ standardise(losses), abs=1e-6)
    variance = np.diag(kernel(ends, ends, theta) - gain @ kernel(inputs, ends, theta))
    assert deviation**2 == pytest.approx(variance, abs=1e-6)


def test_hyperparameters_are_the_most_probable_ones_and_can_be_given_back() -> None:
    points, at, losses = observed()
    model = EndModel(points, at, losses)
    theta = model.hyperparameters
    highest = log_posterior(theta)
    for i in range(len(theta)):
        for step in (-0.1, 0.1):
            assert log_posterior([t + step * (i == j) for j, t in enumerate(theta)]) < highest
    again = EndModel(points, at, losses, theta)
    assert again.hyperparameters == pytest.approx(theta)
    assert again.predict(points)[0] == pytest.approx(model.predict(points)[0])


def test_a_running_trial_is_believed_to_end_as_expected() -> None:
    model = EndModel(*observed())
    there = np.array([[0.9, 0.9]])
    mean, deviation = model.predict(there)
    model.expect(there)
    believed, less = model.predict(there)
    assert believed == pytest.approx(mean, abs=1e-6) and less < deviation


def test_expected_improvement_is_the_integral() -> None:
    model = EndModel(*observed())
    asked = np.random.default_rng(2).random((4, 2))
    best = float(model.predict(asked)[0].mean())
    for gain, mean, deviation in zip(model.expected_improvement(asked, best), *model.predict(asked), strict=True):
        whole = quad(lambda y, m=mean, s=deviation: (best - y) * norm.pdf(y, m, s), mean - 9 * deviation, best)[0]
        assert gain == pytest.approx(whole, abs=1e-8)


def test_coordinates_lead_back_to_their_values() -> None:
    for number in range(200):
        values = unit_cube.random_point(SPACE, 0, number, {})
        again = unit_cube.values_at(SPACE, unit_cube.coordinates(SPACE, values), {})
        assert again.keys() == values.keys()
        assert all(again[path] == pytest.approx(values[path]) for path in ("rate", "share"))
        assert all(again[path] == values[path] for path in values if path not in ("rate", "share"))


def test_vectors_have_ranks_for_numbers_and_a_coordinate_for_every_other_option() -> None:
    values = {"form": "conv", "kernel": 4, "width": 64, "even": True, "count": 16, "rate": 1.0, "share": 0.0}
    mlp, conv, none, kernel_at, narrow, wide, width, even, _, rate, share = encode(SPACE, values)
    assert [mlp, conv, none] == [0, 1, 0]
    assert [narrow, wide] == [0.5, 0.5], "of the branch that is not taken"
    assert [kernel_at, width, even, rate, share] == pytest.approx([0.5, 1, 1, 1, 0.25])
    lengths = {len(encode(SPACE, unit_cube.random_point(SPACE, 0, n, {}))) for n in range(50)}
    assert lengths == {11}
