"""What a density model costs in bits per dimension."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from gibbsweep.errors import UserError
from gibbsweep.evaluate.examples import Examples, first_examples
from gibbsweep.train import Evaluation
from gibbsweep_models.capabilities import HasDensity, HasVariationalBound
from gibbsweep_models.likelihood.probability_flow import bits_per_dim, dequantised


@dataclass(frozen=True)
class BitsPerDim:
    """-log2 p of bytes, per dimension: of ``n`` examples that are 256 even values on [-1, 1], each spread uniformly over its bin, by
    the model's density of real values. Dequantised so, its mean bounds that of the bytes from above (Theis et al. 2016).

    ``bits_per_dim`` with its standard error over the examples ``bits_per_dim_se``, ``bits_nfe`` (network evaluations of the slowest
    example), ``bits_n`` and ``bits_seconds``, this device's seconds an example.
    """

    n: int = 500
    batch_size: int = 100
    needs: ClassVar[type] = HasDensity

    def __call__(self, system: HasDensity, split: Examples, *, generator: torch.Generator) -> Evaluation:
        x = first_examples(split, self.n, generator.device)
        levels = (x + 1) * 127.5
        if float((levels - levels.round()).abs().max()) > 0.01:
            raise UserError(
                "bits per dimension are of bytes, and this data has other values than 256 even ones in [-1, 1]: choose images."
            )
        start = time.perf_counter()
        parts = [
            system.density(dequantised(part, generator=generator), generator=generator)
            for part in torch.split(x, self.batch_size)
        ]
        log_prob = torch.cat([part.log_prob for part in parts]).double().cpu()  # waits for the device
        seconds = time.perf_counter() - start
        bits = bits_per_dim(log_prob, x[0].numel(), 2 / 255)
        return Evaluation(
            {
                "bits_per_dim": float(bits.mean()),
                "bits_per_dim_se": float(bits.std() / len(bits) ** 0.5) if len(bits) > 1 else 0.0,
                "bits_nfe": float(max(part.nfe for part in parts)),
                "bits_n": float(len(bits)),
                "bits_seconds": seconds / len(bits),
            }
        )


@dataclass(frozen=True)
class VariationalBits:
    """The variational bound of bytes, in bits per dimension, over ``n`` examples with ``draws`` draws of levels and noise each:
    ``vlb_bits``, its standard error ``vlb_bits_se``, its terms ``vlb_prior``, ``vlb_diffusion`` and ``vlb_reconstruction``, and
    ``vlb_n``. It needs no solver, and is never below the model's own cost on average, which :class:`BitsPerDim` is nearer to."""

    n: int = 1000
    draws: int = 8
    batch_size: int = 250
    needs: ClassVar[type] = HasVariationalBound

    def __call__(self, system: HasVariationalBound, split: Examples, *, generator: torch.Generator) -> Evaluation:
        x = first_examples(split, self.n, generator.device)
        terms: dict[str, list[Tensor]] = {}
        for part in torch.split(x, self.batch_size):
            drawn = [system.variational_bits(part, generator=generator) for _ in range(self.draws)]
            for name in drawn[0]:
                terms.setdefault(name, []).append(torch.stack([one[name] for one in drawn]).double().mean(dim=0))
        by_example = {name: torch.cat(values) for name, values in terms.items()}
        total = torch.stack(list(by_example.values())).sum(dim=0)
        return Evaluation(
            {
                "vlb_bits": float(total.mean()),
                "vlb_bits_se": float(total.std() / len(total) ** 0.5),
                **{f"vlb_{name}": float(values.mean()) for name, values in by_example.items()},
                "vlb_n": float(len(x)),
            }
        )
