"""The likelihood of a denoiser in bits per dimension: exact, and its variational bound."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch
from torch import Tensor

from gibbsweep.data import Split
from gibbsweep.evaluate.contract import batches_of
from gibbsweep.train import Evaluation
from gibbsweep_models.capabilities import HasDenoiser
from gibbsweep_models.likelihood.probability_flow import FlowLikelihood, bits_per_dim, dequantised
from gibbsweep_models.noise.geometric import GeometricSchedule
from gibbsweep_models.noise.timed import TimedSchedule
from gibbsweep_models.objectives.vlb import VariationalBound


@dataclass(frozen=True)
class BitsPerDim:
    """Of the first ``limit`` examples, spread evenly over the split: ``bits_per_dim`` by the probability flow, with
    uniform dequantisation, one draw an example; ``bits_per_dim_bound``, the variational bound by ``bound_draws`` draws an example.
    Each with its standard error (``_se``) over examples; ``bits_nfe``, evaluations of the slowest flow; ``bits_n``.

    Bytes are 256 values on [-1, 1]; real values have a density, whose bits may be negative. ``schedule``: from the lowest level,
    below the width of a byte, to one at which data no longer shows; where a network was trained on others, both numbers pay for
    it. ``n_probes``: directions of the flow's trace, 0 for the exact one.
    """

    limit: int | None = 200
    schedule: TimedSchedule = field(default_factory=lambda: GeometricSchedule(0.002, 80.0))
    n_probes: int = 1
    tolerance: float = 1e-4
    bound_draws: int = 16
    batch_size: int = 100
    needs: type = HasDenoiser

    def __call__(self, system: HasDenoiser, split: Split, *, generator: torch.Generator) -> Evaluation:
        bins = 256 if split.table.x.dtype == torch.uint8 else None
        flow = FlowLikelihood(self.schedule, self.n_probes, self.tolerance, self.tolerance)
        bound = VariationalBound(self.schedule, bins)
        exact: list[Tensor] = []
        bounds: list[Tensor] = []
        nfe = 0
        for batch in batches_of(split, self.limit, generator.device, self.batch_size):
            x = batch["x"]
            spread = x if bins is None else dequantised(x, bins, generator=generator)
            found = flow(system.denoiser, spread, generator=generator)
            exact.append(bits_per_dim(found.log_prob, x[0].numel(), 1.0 if bins is None else 2.0 / (bins - 1)))
            nfe = max(nfe, found.nfe)
            draws = [
                torch.stack(list(bound.terms(system.denoiser, x, generator=generator).values())).sum(dim=0)
                for _ in range(self.bound_draws)
            ]
            bounds.append(torch.stack(draws).mean(dim=0))
        metrics = {**_mean("bits_per_dim", exact), **_mean("bits_per_dim_bound", bounds)}
        return Evaluation({**metrics, "bits_nfe": float(nfe), "bits_n": float(sum(map(len, exact)))})


def _mean(name: str, parts: list[Tensor]) -> dict[str, float]:
    values = torch.cat(parts).double()
    error = float(values.std()) / math.sqrt(len(values)) if len(values) > 1 else 0.0
    return {name: float(values.mean()), f"{name}_se": error}
