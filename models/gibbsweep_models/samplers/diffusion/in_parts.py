"""Sampling in parts that fit a memory or a cache, with the same result whatever their size."""

from __future__ import annotations

import torch
from torch import Tensor

from gibbsweep_models.draws import ExampleGenerator, each
from gibbsweep_models.samplers.diffusion.flow import StartingSampler
from gibbsweep_models.types import Denoiser, Samples, Trace


def sample_in_parts(
    sampler: StartingSampler,
    denoiser: Denoiser,
    n: int,
    shape: tuple[int, ...],
    *,
    cond: Tensor | None = None,
    generator: torch.Generator,
    batch_size: int | None = None,
    trace: Trace | None = None,
) -> Samples:
    """``n`` examples (n, *shape) from noise, at most ``batch_size`` at once. ``cond`` (n,): a condition each.

    Every example has its own seed, so it is the same in any part, up to the rounding of the network's batches. ``nfe``
    is that of the slowest part, ``info`` the mean over the examples. A ``trace`` sees all chains side by side: with one
    they are one part.
    """
    if batch_size is not None and batch_size < 1:
        raise ValueError(f"got batch_size={batch_size}, expected at least 1, or None for all at once; raise it")
    size = n if batch_size is None or trace is not None else min(batch_size, n)
    parts: list[Samples] = []
    for seeds in torch.split(each(n, generator=generator), size):
        done = sum(len(part.x) for part in parts)
        generators = ExampleGenerator(seeds)
        start = sampler.start((len(seeds), *shape), generator=generators)
        part_cond = None if cond is None else cond[done : done + len(seeds)]
        parts.append(sampler(denoiser, start, cond=part_cond, generator=generators, trace=trace))
    info = {
        name: torch.stack([part.info[name] * (len(part.x) / n) for part in parts]).sum(dim=0) for name in parts[0].info
    }
    return Samples(torch.cat([part.x for part in parts]), max(part.nfe for part in parts), info)
