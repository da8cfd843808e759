"""Distances against closed forms, identities, and what their authors promise of them."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from gibbsweep.errors import UserError
from gibbsweep.evaluate.features.distances import class_inception_score, frechet_distance, kernel_distance, manifolds
from gibbsweep_models.draws import randn, seeded


def normal(n: int, size: int = 4, *, mean: float = 0.0, scale: float = 1.0, seed: int = 0) -> Tensor:
    return mean + scale * randn((n, size), generator=seeded(seed))


def exact_moments(x: Tensor) -> Tensor:
    """``x`` (n, F) made to have mean 0 and covariance I exactly."""
    centred = (x - x.mean(0)).double()
    root = torch.linalg.cholesky(centred.T.cov())
    return torch.linalg.solve_triangular(root, centred.T, upper=False).T


def test_the_distance_of_a_set_to_itself_is_zero() -> None:
    x = normal(500)
    assert abs(frechet_distance(x, x)) < 1e-6
    own = manifolds(x, x)
    assert (own.precision, own.recall, own.coverage) == (1.0, 1.0, 1.0)
    assert own.density > 1.0


def test_frechet_distance_of_two_gaussians() -> None:
    """|m|² + sum (s - 1)² for N(0, I) and N(m, diag s²)."""
    white = exact_moments(normal(300, 3))
    mean, scale = torch.tensor([1.0, -2.0, 0.5]).double(), torch.tensor([1.0, 3.0, 0.2]).double()
    expected = float(mean.square().sum() + (scale - 1).square().sum())
    assert frechet_distance(white, mean + scale * white) == pytest.approx(expected, rel=1e-6)


def test_frechet_distance_is_symmetric_and_sees_rotations_alone() -> None:
    a = exact_moments(normal(300, 2)) * torch.tensor([1.0, 3.0])
    b = a.flip(1)
    # S and S' share no eigenvector order: tr(2 diag(1, 9)) - 2 tr sqrt(diag(9, 9)) = 20 - 12
    assert frechet_distance(a, b) == pytest.approx(8.0, rel=1e-6)
    assert frechet_distance(b, a) == pytest.approx(8.0, rel=1e-6)


def test_kernel_distance_agrees_with_the_library_s_kernel_sums() -> None:
    from torchmetrics.image.kid import poly_mmd

    a, b = normal(60), normal(60, mean=0.3, seed=1)
    assert kernel_distance(a, b) == pytest.approx(float(poly_mmd(a.double(), b.double())), rel=1e-9)


def test_kernel_distance_is_unbiased_with_unequal_numbers() -> None:
    """Over repetitions its mean is 0 for equal distributions, within four standard errors; at times it is negative."""
    values = torch.tensor([kernel_distance(normal(40, seed=2 * s), normal(25, seed=2 * s + 1)) for s in range(200)])
    assert abs(values.mean()) < 4 * values.std() / math.sqrt(len(values))
    assert (values < 0).any()
    assert kernel_distance(normal(200), normal(200, mean=1.0, seed=1)) > 10 * values.std()


def test_class_inception_score_lies_between_one_and_the_number_of_classes() -> None:
    certain = torch.eye(5).repeat(4, 1).log()
    assert class_inception_score(certain) == pytest.approx(5.0)
    assert class_inception_score(certain[:1].expand(20, -1)) == pytest.approx(1.0)
    assert class_inception_score(torch.full((20, 5), math.log(0.2))) == pytest.approx(1.0)


def test_dropped_modes_cost_recall_and_strays_cost_precision() -> None:
    left, right = normal(200, 2, mean=-20.0), normal(200, 2, mean=20.0, seed=1)
    data = torch.cat([left, right])
    dropped = manifolds(data, normal(400, 2, mean=-20.0, seed=2))
    assert dropped.precision > 0.9
    assert dropped.recall < 0.55
    assert dropped.coverage < 0.55
    strayed = manifolds(left, torch.cat([normal(200, 2, mean=-20.0, seed=3), right]))
    assert strayed.precision < 0.55
    assert strayed.coverage > 0.8


def test_density_of_equal_distributions_is_near_one() -> None:
    """Naeem et al. (2020): its expectation is 1 where samples and data share a distribution."""
    values = [manifolds(normal(300, seed=2 * s), normal(300, seed=2 * s + 1)).density for s in range(20)]
    mean = sum(values) / len(values)
    error = torch.tensor(values).std().item() / math.sqrt(len(values))
    assert abs(mean - 1.0) < max(4 * error, 0.02)


def test_one_outlier_of_the_data_raises_precision_but_not_density() -> None:
    data, fakes = normal(200), normal(200, mean=8.0, seed=1)
    with_outlier = torch.cat([data, torch.full((1, 4), 40.0)])
    assert manifolds(data, fakes).precision < 0.05
    assert manifolds(with_outlier, fakes).precision > 0.9
    assert manifolds(with_outlier, fakes).density < 0.4


def test_mistakes_are_named() -> None:
    with pytest.raises(ValueError, match="flatten them"):
        frechet_distance(normal(10)[:, :, None], normal(10)[:, :, None])
    with pytest.raises(UserError, match="at least 6 examples"):
        manifolds(normal(5), normal(50))
    with pytest.raises(ValueError, match="features of the samples are not all finite"):
        kernel_distance(normal(5), normal(5) / 0.0)
