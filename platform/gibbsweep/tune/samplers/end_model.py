"""A Gaussian process of the loss over a search's values and the updates done, which predicts what a trial ends with."""

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
"""Mean and deviation of the normal prior of a length scale's logarithm, in units of the cube. With few trials the
likelihood alone would call all of the variation noise, or none."""
SCALE, SCALE_SPREAD = 0.0, 1.0
"""The same of the kernel's scale, in units of the standardised losses."""
NOISE, NOISE_SPREAD = math.log(0.02), 1.0
"""The same of the noise of a report, in units of the standardised losses."""


def fidelity(step: int, first: int, end: int) -> float:
    """The distance of ``step`` updates from the ``end``, on a logarithmic scale: 1 at the ``first`` rung, 0 at the
    end."""
    return math.log(end / max(min(step, end), first)) / math.log(end / first)


def standardise(losses: Array) -> Array:
    """``losses`` with mean 0 and standard deviation 1, after those far above the median have been cut down: how bad a
    bad trial was says nothing about where the best trials are, and one that diverges would decide the scale of all
    others."""
    median, lowest = float(np.median(losses)), float(losses.min())
    cut = np.minimum(losses, median + 2 * (median - lowest))
    spread = float(cut.std())
    return np.asarray((cut - cut.mean()) / (spread if spread > 0 else 1.0))


class EndModel:
    """A Gaussian process that predicts the losses at the end of training from losses at all fidelities.

    It has one Matern 5/2 kernel with a length scale for each coordinate of the values and one for the fidelity, fitted
    to the maximum of the posterior. Losses at lower fidelities tell about the end as far as they turn out to be
    correlated with it (multi-task Gaussian processes over resources, as in MOBSTER, Klein et al. 2020, "Model-based
    Asynchronous Hyperparameter and Neural Architecture Search")::

        model = EndModel(points, fidelities, losses)
        mean, deviation = model.predict(candidates)
    """

    def __init__(
        self, points: Array, fidelities: Array, losses: Array, hyperparameters: list[float] | None = None
    ) -> None:
        """``points``: (n, d) in the unit cube. ``fidelities``: (n,), see :func:`fidelity`. ``losses``: (n,), finite, in
        any unit. ``hyperparameters``: those of an earlier fit, used as they are; None fits them."""
        self._inputs = np.column_stack([points, fidelities])
        self._targets = standardise(losses)
        width = self._inputs.shape[1]
        # So wide that the priors decide, unless losses have no noise at all.
        bounds = (1e-6, 1e6)
        self._kernel = ConstantKernel(1.0, bounds) * Matern([1.0] * width, bounds, nu=2.5) + WhiteKernel(1.0, bounds)
        mean = np.array([SCALE, *[LENGTH] * width, NOISE])
        spread = np.array([SCALE_SPREAD, *[LENGTH_SPREAD] * width, NOISE_SPREAD])
        self._kernel.theta = mean if hyperparameters is None else np.array(hyperparameters)
        self._process = self._fit(None if hyperparameters is not None else _posterior_maximum(mean, spread))

    @property
    def hyperparameters(self) -> list[float]:
        """Logarithms of the scale, the length scales and the noise."""
        return [float(value) for value in self._process.kernel_.theta]

    def expect(self, points: Array) -> None:
        """Add trials at ``points`` (m, d) that are running: each is taken to end with its predicted mean ("kriging
        believer", Ginsbourger et al. 2010), so that the next suggestion lies somewhere else."""
        if len(points):
            mean, _ = self.predict(points)
            self._inputs = np.vstack([self._inputs, _at_the_end(points)])
            self._targets = np.concatenate([self._targets, mean])
            self._kernel.theta = self._process.kernel_.theta
            self._process = self._fit(None)

    def predict(self, points: Array) -> tuple[Array, Array]:
        """Mean and standard deviation, each (m,), of the losses that trials at ``points`` (m, d) end with, without the
        noise of a report, in units of the standardised losses."""
        mean, deviation = self._process.predict(_at_the_end(points), return_std=True)
        noise = math.exp(self._process.kernel_.theta[-1])
        return mean, np.sqrt(np.maximum(deviation**2 - noise, 1e-12))

    def expected_improvement(self, points: Array, best: float) -> Array:
        """The expected improvement (m,) on ``best`` of trials at ``points`` (m, d), Jones et al. 1998, equation 15."""
        mean, deviation = self.predict(points)
        z = (best - mean) / deviation
        return np.asarray(deviation * (z * norm.cdf(z) + norm.pdf(z)))

    def _fit(self, optimizer: Callable[..., tuple[Array, float]] | None) -> Any:
        process = GaussianProcessRegressor(self._kernel, alpha=1e-8, optimizer=optimizer)
        # The matrices have a few hundred rows: threads would only wait for each other, and for trials on this machine.
        with _threads().limit(limits=1), warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # where the noise is at its bound
            return process.fit(self._inputs, self._targets)


@cache
def _threads() -> ThreadpoolController:
    return ThreadpoolController()  # slow to make: it looks at every library that the process has loaded


def _at_the_end(points: Array) -> Array:
    """``points`` (m, d) with the fidelity of the end, (m, d + 1)."""
    return np.column_stack([points, np.full(len(points), END)])


def _posterior_maximum(mean: Array, spread: Array) -> Callable[..., tuple[Array, float]]:
    """An optimizer for scikit-learn that adds the logarithms of the normal priors to that of the likelihood."""

    def optimize(
        objective: Callable[[Array], tuple[float, Array]], initial: Array, bounds: Array
    ) -> tuple[Array, float]:
        def with_priors(theta: Array) -> tuple[float, Array]:
            value, gradient = objective(theta)
            deviation = (theta - mean) / spread
            return float(value + 0.5 * deviation @ deviation), gradient + deviation / spread

        maximum = minimize(with_priors, initial, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 60})
        return maximum.x, float(maximum.fun)

    return optimize
