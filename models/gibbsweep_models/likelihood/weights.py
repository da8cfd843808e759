"""Averages of importance weights held as logarithms."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def log_mean_weight(log_w: Tensor) -> tuple[float, float, float]:
    """``log mean(w)`` of log weights (B,), its standard error in nats, and the effective sample size of the weights.

    The standard error follows from the delta method, ``sd(w) / (sqrt(B) mean(w))`` (Neal 2001); the effective sample
    size is Kish's, ``(Σ w)² / Σ w²`` in [1, B]. Sums run in double precision. One weight has no standard error: NaN.
    """
    if log_w.ndim != 1 or log_w.numel() == 0:
        raise ValueError(f"log_mean_weight averages log weights of shape (B,), B > 0: got {tuple(log_w.shape)}")
    log_w = log_w.detach().double()
    n = log_w.numel()
    largest = log_w.max()
    if not torch.isfinite(largest):
        raise ValueError(
            f"the largest log weight is {float(largest)}; a finite one is needed: "
            "check the energies and the temperature grid"
        )
    w = (log_w - largest).exp()
    mean = w.mean()
    value = float(largest + mean.log())
    standard_error = float(w.std() / mean) / math.sqrt(n) if n > 1 else math.nan
    effective_sample_size = float(w.sum().square() / w.square().sum())
    return value, standard_error, effective_sample_size
