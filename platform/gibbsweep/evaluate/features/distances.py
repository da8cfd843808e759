"""Distances between the features of samples and of data, in closed form. n, m = numbers of examples, F = features."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from gibbsweep.errors import UserError

NEIGHBOURS = 5
"""Neighbours to which the balls of :func:`manifolds` reach."""
LEAST = NEIGHBOURS + 1
"""Examples, and samples, that the distances here need at least."""


def frechet_distance(real: Tensor, fake: Tensor) -> float:
    """The Fréchet distance |mu - mu'|² + tr(S + S' - 2 (S S')^½) between Gaussians fitted to ``real`` (n, F) and
    ``fake`` (m, F): Heusel et al. (2017). Its bias falls with n and m, so that only distances of equal counts
    compare."""
    from torchmetrics.image.fid import FrechetInceptionDistance

    _check(real, fake, least=2)
    metric = FrechetInceptionDistance(feature=_AlreadyFeatures(real.shape[1])).set_dtype(torch.float64).to(real.device)
    metric.update(real.double(), real=True)
    metric.update(fake.double(), real=False)
    return float(metric.compute())


def kernel_distance(real: Tensor, fake: Tensor) -> float:
    """The squared maximum mean discrepancy of ``real`` (n, F) and ``fake`` (m, F) with the kernel (x·y / F + 1)³,
    without bias: Bińkowski et al., "Demystifying MMD GANs" (2018), equation 4. It is 0 on average for equal
    distributions, and may be slightly negative."""
    _check(real, fake, least=2)
    real, fake = real.double(), fake.double()

    def kernel(a: Tensor, b: Tensor) -> Tensor:
        return (a @ b.T / a.shape[1] + 1.0) ** 3

    def within(a: Tensor) -> Tensor:
        values = kernel(a, a)
        return (values.sum() - values.diagonal().sum()) / (len(a) * (len(a) - 1))

    return float(within(real) + within(fake) - 2.0 * kernel(real, fake).mean())


def class_inception_score(log_probabilities: Tensor) -> float:
    """The inception score exp E KL(p(y | x) ‖ p(y)) from ln p(y | x) (n, K): Salimans et al. (2016). It lies between 1
    and K, which it reaches where every sample is certain and all classes are equally frequent."""
    conditional = log_probabilities.double()
    marginal = conditional.exp().mean(dim=0)
    divergence = (conditional.exp() * (conditional - marginal.log())).nansum(dim=1)  # 0 ln 0 = 0
    return float(divergence.mean().exp())


@dataclass(frozen=True)
class Manifolds:
    """How the neighbourhoods of real and of fake examples meet, see :func:`manifolds`."""

    precision: float
    """Share of the fake examples inside a ball of the real ones (Kynkäänniemi et al. 2019)."""
    recall: float
    """Share of the real examples inside a ball of the fake ones (Kynkäänniemi et al. 2019)."""
    density: float
    """Number of balls of the real examples around a fake one, on average, over k (Naeem et al. 2020: outliers mislead
    it less than the precision)."""
    coverage: float
    """Share of the real examples whose ball holds a fake one (Naeem et al. 2020)."""


def manifolds(real: Tensor, fake: Tensor, *, k: int = NEIGHBOURS) -> Manifolds:
    """Measure how much of ``fake`` (m, F) looks real and how much of ``real`` (n, F) is reached, with a ball around
    each example that reaches to its ``k``-th neighbour of its own kind."""
    _check(real, fake, least=k + 1)
    real, fake = real.float(), fake.float()
    across = _pairwise(real, fake)
    radius_real = _pairwise(real, real).kthvalue(k + 1, dim=1).values  # the nearest is the example itself
    radius_fake = _pairwise(fake, fake).kthvalue(k + 1, dim=1).values
    in_real = across <= radius_real[:, None]
    return Manifolds(
        precision=float(in_real.any(dim=0).float().mean()),
        recall=float((across <= radius_fake).any(dim=1).float().mean()),
        density=float(in_real.float().sum(dim=0).mean() / k),
        coverage=float(in_real.any(dim=1).float().mean()),
    )


def _pairwise(a: Tensor, b: Tensor) -> Tensor:
    """Euclidean distances (n, m)."""
    # From differences: by products, the distance of an example to itself would not be 0.
    return torch.cdist(a, b, compute_mode="donot_use_mm_for_euclid_dist")


class _AlreadyFeatures(nn.Module):
    """The identity, where the metric expects a network: the features are computed already."""

    def __init__(self, num_features: int) -> None:
        super().__init__()
        self.num_features = num_features

    def forward(self, features: Tensor) -> Tensor:
        return features


def _check(real: Tensor, fake: Tensor, *, least: int) -> None:
    if real.ndim != 2 or fake.ndim != 2 or real.shape[1] != fake.shape[1]:
        raise ValueError(
            f"distances need features (n, F) and (m, F): got {tuple(real.shape)} and {tuple(fake.shape)}; flatten them"
        )
    if min(len(real), len(fake)) < least:
        raise UserError(
            f"a distance needs at least {least} examples and samples: got {len(real)} and {len(fake)}; measure more of "
            "them."
        )
    for name, features in (("data", real), ("samples", fake)):
        if not bool(torch.isfinite(features).all()):
            raise ValueError(f"the features of the {name} are not all finite: look at the {name} before measuring")
