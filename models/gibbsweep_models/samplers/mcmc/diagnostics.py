"""Diagnostics of a set of Markov chains: autocorrelation, integrated autocorrelation time, effective sample size.

T = steps, B = independent chains of one scalar quantity. Source: Geyer, "Practical Markov Chain Monte Carlo" (1992),
section 3.3.
"""

from __future__ import annotations

import torch
from torch import Tensor


def autocorrelation(chain: Tensor) -> Tensor:
    """Autocorrelation at lags 0..T-1 of stationary chains (T, B) -> (T,), float64, by FFT in O(T log T).

    Deviations are taken from the mean over all chains and steps, so chains that disagree about the mean (bad mixing)
    show up as correlation that does not decay. The biased estimator (division by T at every lag) keeps the sequence
    positive definite.
    """
    _check(chain)
    n_steps = chain.shape[0]
    deviation = chain.to(torch.float64) - chain.to(torch.float64).mean()
    spectrum = torch.fft.rfft(deviation, n=2 * n_steps, dim=0)
    autocovariance = torch.fft.irfft(spectrum.abs().square(), n=2 * n_steps, dim=0)[:n_steps].mean(dim=1) / n_steps
    if autocovariance[0] <= 0:
        raise ValueError(
            f"autocorrelation is undefined for a constant chain: all {chain.numel()} values are "
            f"{float(chain[0, 0])!r}; check that the sampler moves"
        )
    rho: Tensor = autocovariance / autocovariance[0]
    return rho


def integrated_autocorrelation_time(chain: Tensor) -> float:
    """tau = 1 + 2 * sum of autocorrelations of (T, B), in steps; 1 for independent draws, below 1 for antithetic ones.

    Truncated by Geyer's initial monotone sequence: sums of adjacent lags of a reversible chain are positive and
    decreasing, so the sum stops at the first pair that is not positive and never lets a pair exceed its predecessor.
    """
    rho = autocorrelation(chain)
    pairs = rho[: rho.numel() // 2 * 2].view(-1, 2).sum(dim=1)
    not_positive = torch.nonzero(pairs <= 0)
    n_pairs = int(not_positive[0]) if not_positive.numel() else pairs.numel()
    monotone = torch.cummin(pairs[: max(n_pairs, 1)], dim=0).values
    return max(2.0 * float(monotone.sum()) - 1.0, 1.0 / rho.numel())


def effective_sample_size(chain: Tensor) -> float:
    """The number of independent draws that estimate the mean of the quantity as well as the B chains of T steps (T, B)
    do: T * B / tau."""
    return chain.numel() / integrated_autocorrelation_time(chain)


def _check(chain: Tensor) -> None:
    if chain.ndim != 2 or chain.shape[0] < 4:
        raise ValueError(
            f"a chain of one scalar quantity is (T, B) with T >= 4 steps: got {tuple(chain.shape)}; pass one "
            "coordinate or a function of the state, stacked over steps"
        )
    if not bool(torch.isfinite(chain).all()):
        n_bad = int((~torch.isfinite(chain)).sum())
        raise ValueError(
            f"got {n_bad} non-finite values in a chain of {chain.numel()}; find where the sampler diverged"
        )
