"""One thread a worker: on shared cores two are slower than one, and a sweep fills the cores with trials."""

from __future__ import annotations

import os

import torch
from threadpoolctl import threadpool_limits

VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")
"""The environment variables that say how many threads a library starts."""


def pin_threads(count: int = 1) -> None:
    """Make PyTorch and every library with a thread pool use ``count`` threads, in this process and in those that it
    starts.

    It is called in the trial's own process, as nothing else reaches it: a cluster that was joined does not have its
    driver's environment, and a person's own ``OMP_NUM_THREADS`` is meant for a machine, not for each of the trials on
    it.
    """
    for name in VARIABLES:
        os.environ[name] = str(count)  # for libraries that are not loaded yet
    torch.set_num_threads(count)
    threadpool_limits(limits=count)
