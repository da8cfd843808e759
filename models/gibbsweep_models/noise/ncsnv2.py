"""Rules that choose noise levels and step sizes: Song & Ermon, "Improved Techniques for Training Score-Based Generative
Models" (2020). Technique 1 takes the largest distance between two training examples as the highest level."""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import NormalDist

_PHI = NormalDist().cdf


def shell_overlap(ratio: float, dim: int) -> float:
    """C of technique 2: the probability that a point of N(0, sigma² I) in ``dim`` dimensions lies within three standard
    deviations of the shell of N(0, (ratio sigma)² I)'s points. 1 at ratio 1."""
    offset = math.sqrt(2.0 * dim) * (ratio - 1.0)
    return _PHI(offset + 3.0 * ratio) - _PHI(offset - 3.0 * ratio)


def ratio_of_overlap(overlap: float, dim: int) -> float:
    """gamma of technique 2: the ratio of neighbouring levels whose :func:`shell_overlap` is ``overlap``; about 1 + 3 /
    sqrt(2 dim) at .5."""
    if dim < 5:
        raise ValueError(
            f"got {dim} dimensions, expected at least 5: below, a shell three deviations wide covers the one inside it "
            "at any ratio; choose the number of levels"
        )
    if not 0 < overlap < shell_overlap(1.0, dim):
        raise ValueError(
            f"got overlap={overlap}, expected one in (0, {shell_overlap(1.0, dim):.4g}), that of equal levels; .5 is "
            "the rule"
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
            f"got sigma_min={sigma_min}, sigma_max={sigma_max}, ratio={ratio}; expected 0 < sigma_min < sigma_max and "
            "a ratio above 1; correct the one that is out of order"
        )
    return max(2, round(math.log(sigma_max / sigma_min) / math.log(ratio)) + 1)


def variance_ratio(relative_step: float, ratio: float, steps_per_level: int) -> float:
    """s_T² / sigma² of technique 4 (equation 6): the variance of annealed Langevin chains after a level, over what it
    should be, if the data is a point and the chains enter at the level before, ``ratio`` times higher.
    ``relative_step`` = eps / sigma_L²."""
    if not 0 < relative_step < 2:
        raise ValueError(
            f"got a relative step of {relative_step}, expected one in (0, 2): eps must be below 2 sigma_min², or "
            "chains diverge; lower it"
        )
    stationary = 2.0 / (2.0 - relative_step)
    return (1.0 - relative_step) ** (2 * steps_per_level) * (ratio**2 - stationary) + stationary


def best_step_size(sigma_min: float, ratio: float, steps_per_level: int) -> float:
    """eps of technique 4: the step at the lowest level whose :func:`variance_ratio` is nearest to 1. x <- x + eps s +
    sqrt(2 eps) n there, and sigma_i² / sigma_min² times as much at level i."""
    if sigma_min <= 0 or ratio <= 1 or steps_per_level < 1:
        raise ValueError(
            f"got sigma_min={sigma_min}, ratio={ratio}, steps_per_level={steps_per_level}; expected sigma_min > 0, "
            "ratio > 1 and at least one step; correct the one that is out of range"
        )

    def miss(log_step: float) -> float:
        return abs(variance_ratio(math.exp(log_step), ratio, steps_per_level) - 1.0)

    return math.exp(_valley(miss, math.log(1e-6), 0.0, 400)) * sigma_min**2


def lag_of_untold(relative_step: float, ratio: float, steps_per_level: int, n_levels: int) -> float:
    """The deviation of annealed Langevin chains at the end of a ladder, over its lowest level, if the data is a point
    in many dimensions and the score is F(x) / sigma, of a network without the level as input (technique 3).

    Equation 6 is for a network with the level as input, which pulls chains of r sigma back in proportion to r; this one
    always pulls by a sigma: r <- sqrt((r - a)² + 2 a). Where steps are few, r grows without end, and chains never come
    down: T a must be above about 4 ln(ratio). The published ladders, of three and more steps, are on the safe side of
    that.
    """
    r = 1.0
    for level in range(n_levels):
        r = r if level == 0 else r * ratio
        for _ in range(steps_per_level):
            r = math.sqrt((r - relative_step) ** 2 + 2.0 * relative_step)
    return r


def best_step_of_untold(ratio: float, steps_per_level: int, n_levels: int) -> float:
    """Technique 4 for technique 3: the relative step whose :func:`lag_of_untold` is nearest to 1, about sqrt(2
    ln(ratio) / T), and at most 1, a step all the way to D."""
    if ratio <= 1 or steps_per_level < 1 or n_levels < 2:
        raise ValueError(
            f"got ratio={ratio}, steps_per_level={steps_per_level}, n_levels={n_levels}; expected a ratio above 1, at "
            "least one step and two levels; correct the one that is out of range"
        )

    def miss(log_step: float) -> float:
        return abs(lag_of_untold(math.exp(log_step), ratio, steps_per_level, n_levels) - 1.0)

    return math.exp(_valley(miss, math.log(1e-3), 0.0, 60))


def _valley(miss: Callable[[float], float], low: float, high: float, n: int) -> float:
    """The place where ``miss``, which falls and then rises, is least: a grid of ``n`` cells finds the valley, golden
    sections its bottom."""
    grid = [low + i * (high - low) / n for i in range(n + 1)]
    best = min(range(n + 1), key=lambda i: miss(grid[i]))
    low, high = grid[max(0, best - 1)], grid[min(n, best + 1)]
    golden = (math.sqrt(5.0) - 1.0) / 2.0
    for _ in range(80):
        left, right = high - golden * (high - low), low + golden * (high - low)
        low, high = (low, right) if miss(left) < miss(right) else (left, high)
    return 0.5 * (low + high)
