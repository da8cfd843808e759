"""How to choose noise levels and step sizes: the rules of Song & Ermon, "Improved Techniques for Training Score-Based Generative
Models" (2020). Technique 1 takes the largest distance between two training examples as the highest level."""

from __future__ import annotations

import math
from statistics import NormalDist

_PHI = NormalDist().cdf


def shell_overlap(ratio: float, dim: int) -> float:
    """C of technique 2: the probability that a point of N(0, sigma² I) in ``dim`` dimensions lies within three standard deviations
    of the shell of N(0, (ratio sigma)² I)'s points. 1 at ratio 1."""
    offset = math.sqrt(2.0 * dim) * (ratio - 1.0)
    return _PHI(offset + 3.0 * ratio) - _PHI(offset - 3.0 * ratio)


def ratio_of_overlap(overlap: float, dim: int) -> float:
    """gamma of technique 2: the ratio of neighbouring levels whose :func:`shell_overlap` is ``overlap``; about 1 + 3 / sqrt(2 dim)
    at .5."""
    if dim < 5:
        raise ValueError(
            f"got {dim} dimensions, expected at least 5: below, a shell three deviations wide covers the one inside it at any "
            "ratio; choose the number of levels"
        )
    if not 0 < overlap < shell_overlap(1.0, dim):
        raise ValueError(
            f"got overlap={overlap}, expected one in (0, {shell_overlap(1.0, dim):.4g}), that of equal levels; .5 is the rule"
        )
    low, high = 1.0, 2.0
    while shell_overlap(high, dim) > overlap:
        high *= 2.0
    for _ in range(100):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if shell_overlap(middle, dim) > overlap else (low, middle)
    return 0.5 * (low + high)


def levels_between(sigma_min: float, sigma_max: float, ratio: float) -> int:
    """The number of levels from ``sigma_max`` down to ``sigma_min`` whose ratio is nearest to ``ratio``."""
    if not 0 < sigma_min < sigma_max or ratio <= 1:
        raise ValueError(
            f"got sigma_min={sigma_min}, sigma_max={sigma_max}, ratio={ratio}; expected 0 < sigma_min < sigma_max and a "
            "ratio above 1; correct the one that is out of order"
        )
    return max(2, round(math.log(sigma_max / sigma_min) / math.log(ratio)) + 1)


def variance_ratio(relative_step: float, ratio: float, steps_per_level: int) -> float:
    """s_T² / sigma² of technique 4 (equation 6): the variance of annealed Langevin chains after a level, over what it should be, if
    the data is a point and the chains enter at the level before, ``ratio`` times higher. ``relative_step`` = eps / sigma_L²."""
    if not 0 < relative_step < 2:
        raise ValueError(
            f"got a relative step of {relative_step}, expected one in (0, 2): eps must be below 2 sigma_min², or chains "
            "diverge; lower it"
        )
    stationary = 2.0 / (2.0 - relative_step)
    return (1.0 - relative_step) ** (2 * steps_per_level) * (ratio**2 - stationary) + stationary


def best_step_size(sigma_min: float, ratio: float, steps_per_level: int) -> float:
    """eps of technique 4: the step at the lowest level whose :func:`variance_ratio` is nearest to 1. x <- x + eps s + sqrt(2 eps) n
    there, and sigma_i² / sigma_min² times as much at level i."""
    if sigma_min <= 0 or ratio <= 1 or steps_per_level < 1:
        raise ValueError(
            f"got sigma_min={sigma_min}, ratio={ratio}, steps_per_level={steps_per_level}; expected sigma_min > 0, ratio "
            "> 1 and at least one step; correct the one that is out of range"
        )

    def miss(log_step: float) -> float:
        return abs(variance_ratio(math.exp(log_step), ratio, steps_per_level) - 1.0)

    # The ratio falls, then rises: a coarse grid finds the valley, golden sections its bottom.
    grid = [math.log(1e-6) + i * (math.log(1.0) - math.log(1e-6)) / 400 for i in range(401)]
    best = min(range(401), key=lambda i: miss(grid[i]))
    low, high = grid[max(0, best - 1)], grid[min(400, best + 1)]
    golden = (math.sqrt(5.0) - 1.0) / 2.0
    for _ in range(80):
        left, right = high - golden * (high - low), low + golden * (high - low)
        low, high = (low, right) if miss(left) < miss(right) else (left, high)
    return math.exp(0.5 * (low + high)) * sigma_min**2
