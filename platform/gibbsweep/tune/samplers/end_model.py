"""A Gaussian process of the loss over a search's values and the updates behind it, asked what a trial ends with."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.stats import norm
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel
from threadpoolctl import ThreadpoolController

Array = NDArray[np.float64]

END = 0.0
"""The fidelity of the end of training."""

LENGTH, LENGTH_SPREAD = math.log(0.7), 0.8
SCALE, SCALE_SPREAD = 0.0, 1.0
NOISE, NOISE_SPREAD = math.log(0.02), 1.0
"""Normal priors of the logarithms, in units of the cube and of the standardised losses: with few trials the likelihood alone calls all of it
noise, or none."""


def fidelity(step: int, first: int, end: int) -> float:
    """How far ``step`` updates are from the ``end``, on a logarithmic scale: 1 at the ``first`` rung, 0 at the end."""
    return math.log(end / max(min(step, end), first)) / math.log(end / first)


def standardised(losses: Array) -> Array:
    """Losses with mean 0 and standard deviation 1, after those far above the median have been cut down: how bad a bad trial was says
    nothing of where the best are, and one that diverges would decide the scale of all others."""
    middle, lowest = float(np.median(losses)), float(losses.min())
    cut = np.minimum(losses, middle + 2 * (middle - lowest))
    spread = float(cut.std())
    return np.asarray((cut - cut.mean()) / (spread if spread > 0 else 1.0))


class EndModel:
    """One Matern 5/2 kernel with a length scale for each coordinate of the values and one for the fidelity, fitted to the maximum of the
    posterior. Losses at lower fidelities say what the end would be as far as they turn out to go together (multi-task Gaussian
    processes over resources, as in MOBSTER, Klein et al. 2020, "Model-based Asynchronous Hyperparameter and Neural Architecture Search").

    ``points``: (n, d) in the unit cube. ``fidelities``: (n,), see :func:`fidelity`. ``losses``: (n,), finite, any unit.
    ``hyperparameters``: those of an earlier fit, to be used as they are.
    """

    def __init__(
        self, points: Array, fidelities: Array, losses: Array, hyperparameters: list[float] | None = None
    ) -> None:
        self._inputs = np.column_stack([points, fidelities])
        self._targets = standardised(losses)
        width = self._inputs.shape[1]
        # Wide enough that the priors decide, unless losses have no noise at all.
        far = (1e-6, 1e6)
        self._kernel = ConstantKernel(1.0, far) * Matern([1.0] * width, far, nu=2.5) + WhiteKernel(1.0, far)
        mean = np.array([SCALE, *[LENGTH] * width, NOISE])
        spread = np.array([SCALE_SPREAD, *[LENGTH_SPREAD] * width, NOISE_SPREAD])
        self._kernel.theta = mean if hyperparameters is None else np.array(hyperparameters)
        self._process = self._fitted(None if hyperparameters is not None else _most_probable(mean, spread))

    @property
    def hyperparameters(self) -> list[float]:
        """Logarithms of the scale, the length scales and the noise."""
        return [float(value) for value in self._process.kernel_.theta]

    def expect(self, points: Array) -> None:
        """Trials at ``points`` (m, d) are running: they are taken to end as they are expected to ("kriging believer", Ginsbourger et al.
        2010), so that the next one is somewhere else."""
        if len(points):
            believed, _ = self.predict(points)
            self._inputs = np.vstack([self._inputs, _at_the_end(points)])
            self._targets = np.concatenate([self._targets, believed])
            self._kernel.theta = self._process.kernel_.theta
            self._process = self._fitted(None)

    def predict(self, points: Array) -> tuple[Array, Array]:
        """Mean and standard deviation of what trials at ``points`` (m, d) end with, without the noise of a report, in units of the
        standardised losses."""
        mean, deviation = self._process.predict(_at_the_end(points), return_std=True)
        noise = math.exp(self._process.kernel_.theta[-1])
        return mean, np.sqrt(np.maximum(deviation**2 - noise, 1e-12))

    def expected_improvement(self, points: Array, best: float) -> Array:
        """By how much trials at ``points`` (m, d) are expected to end below ``best`` (Jones et al. 1998, equation 15)."""
        mean, deviation = self.predict(points)
        z = (best - mean) / deviation
        return np.asarray(deviation * (z * norm.cdf(z) + norm.pdf(z)))

    def _fitted(self, optimizer: Callable[..., tuple[Array, float]] | None) -> Any:
        process = GaussianProcessRegressor(self._kernel, alpha=1e-8, optimizer=optimizer)
        # Matrices of a few hundred rows: threads would only wait for each other, and for the trials on the same machine.
        with _threads().limit(limits=1), warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # the noise is at its bound
            return process.fit(self._inputs, self._targets)


@cache
def _threads() -> ThreadpoolController:
    return ThreadpoolController()  # looks at every library that the process has loaded


def _at_the_end(points: Array) -> Array:
    return np.column_stack([points, np.full(len(points), END)])


def _most_probable(mean: Array, spread: Array) -> Callable[..., tuple[Array, float]]:
    """An optimizer for scikit-learn that adds the priors' logarithms to the likelihood's."""

    def optimize(
        objective: Callable[[Array], tuple[float, Array]], initial: Array, bounds: Array
    ) -> tuple[Array, float]:
        def with_priors(theta: Array) -> tuple[float, Array]:
            value, gradient = objective(theta)
            away = (theta - mean) / spread
            return float(value + 0.5 * away @ away), gradient + away / spread

        found = minimize(with_priors, initial, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 60})
        return found.x, float(found.fun)

    return optimize
