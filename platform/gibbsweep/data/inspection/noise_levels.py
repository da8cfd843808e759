"""Noise levels that suit a data set by the rules of NCSNv2 and EDM: ``gibbsweep data info --noise``."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import torch

from gibbsweep.data.loading.dataset import load
from gibbsweep.data.loading.view import DataView
from gibbsweep.errors import UserError
from gibbsweep_models.noise.distance import max_distance
from gibbsweep_models.noise.ncsnv2 import best_step_size, levels_between, ratio_of_overlap

_PAIRS_OF = 2000  # examples among which the median distance is taken: two million pairs


@dataclass(frozen=True)
class NoiseScales:
    """Noise levels in the units that models see, [-1, 1] for images; halve them for [0, 1].

    Techniques are those of NCSNv2 (Song & Ermon 2020). Below five components technique 2 says nothing, and ``gamma``,
    ``n_levels``, ``eps`` and ``step_size`` are None.

    Example::

        scales = noise_scales("digits")
        scales.sigma_data, scales.max_distance
    """

    n: int
    """Training examples that were compared."""
    total: int
    """Training examples of the data set."""
    dim: int
    """Components of one example."""
    sigma_data: float
    """Standard deviation of all values, EDM's sigma_data."""
    max_distance: float
    """Largest distance of two examples, technique 1's sigma_max; a lower bound where ``n`` is less than ``total``."""
    median_distance: float
    """Median distance of two examples among the first ``n_median``."""
    n_median: int
    """Examples that the median is taken of."""
    sigma_min: float
    """Lowest noise level, as it was asked for."""
    steps_per_level: int
    """Langevin steps a level, as they were asked for."""
    gamma: float | None
    """Ratio of neighbouring levels (technique 2)."""
    n_levels: int | None
    """Number of levels from ``max_distance`` down to ``sigma_min`` at that ratio."""
    eps: float | None
    """Step at ``sigma_min`` in NCSNv2's convention (technique 4)."""
    step_size: float | None
    """``eps`` over sigma_min²: the step size of AnnealedLangevin."""
    p_mean: float
    """Mean of the log of EDM's training levels at the data's scale; -1.2 at sigma_data .5."""


def noise_scales(
    data: str | DataView,
    root: Path | str | None = None,
    *,
    limit: int | None = 10_000,
    sigma_min: float = 0.02,
    steps_per_level: int = 5,
) -> NoiseScales:
    """Measures the training examples of ``data``, or ``limit`` of them, and applies the rules to them.

    All pairs are compared, so the cost grows with the square. ``sigma_min``: the lowest level, by default NCSN's .01 of
    [0, 1] pixels.
    """
    if sigma_min <= 0 or steps_per_level < 1 or (limit is not None and limit < 2):
        raise UserError(
            f"got a lowest level of {sigma_min}, {steps_per_level} steps a level and a limit of {limit}: expected "
            "positive numbers, and at least 2 examples to compare"
        )
    split = load(data, root=root, validation=0.0).train
    n = len(split) if limit is None else min(limit, len(split))
    if n < 2:
        raise UserError(f"'{data}' has {len(split)} training examples: distances need at least 2")
    x = split.examples(n)["x"].flatten(1)
    sigma_data = float(x.std(correction=0))
    if sigma_data == 0:
        raise UserError(f"all {n} examples of '{data}' are one constant: there is nothing to blur; look at the data")
    longest = max_distance(x)
    few = x[:_PAIRS_OF]
    median = float(torch.pdist(few).median())
    if longest <= sigma_min:
        raise UserError(
            f"the lowest level is {sigma_min} and the largest distance of two examples {longest:.4g}: expected a lower "
            "level, choose it with --sigma-min"
        )
    gamma, n_levels, eps = ladder_of(longest, x.shape[1], sigma_min, steps_per_level)
    return NoiseScales(
        n=n,
        total=len(split),
        dim=x.shape[1],
        sigma_data=sigma_data,
        max_distance=longest,
        median_distance=median,
        n_median=len(few),
        sigma_min=sigma_min,
        steps_per_level=steps_per_level,
        gamma=gamma,
        n_levels=n_levels,
        eps=eps,
        step_size=None if eps is None else eps / sigma_min**2,
        p_mean=-1.2 + math.log(sigma_data / 0.5),
    )


def ladder_of(
    sigma_max: float, dim: int, sigma_min: float, steps_per_level: int
) -> tuple[float | None, int | None, float | None]:
    """gamma, the number of levels, and eps at the ratio that this number of levels has; None below five components."""
    if dim < 5:
        return None, None, None
    gamma = ratio_of_overlap(0.5, dim)
    n_levels = levels_between(sigma_min, sigma_max, gamma)
    spaced = (sigma_max / sigma_min) ** (1 / (n_levels - 1))
    return gamma, n_levels, best_step_size(sigma_min, spaced, steps_per_level)
