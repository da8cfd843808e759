"""Bits per dimension: what a density model needs to store a byte."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor

from gibbsweep.errors import UserError
from gibbsweep.evaluate.examples import Examples, examples_of
from gibbsweep.train import Evaluation
from gibbsweep_models.capabilities import HasDensity, HasVariationalBound
from gibbsweep_models.likelihood.probability_flow import bits_per_dim, dequantised

if TYPE_CHECKING:
    from gibbsweep.data import Split


@dataclass(frozen=True)
class BitsPerDim:
    """-log2 p of bytes, per dimension, by the model's density of real values.

    The examples have 256 even values on [-1, 1], and each value is spread uniformly over its bin. The mean over values
    dequantised so bounds that of the bytes from above (Theis et al. 2016).

    Metrics: ``bits_per_dim``; ``bits_per_dim_se``, its standard error over the examples; ``bits_nfe``, network
    evaluations of the slowest example; ``bits_n``, the number of examples; ``bits_seconds``, seconds of this device for
    one example.

    Example::

        BitsPerDim(n=1_000)(system, load("cifar10").test, generator=seeded(0)).metrics["bits_per_dim"]
    """

    n: int = 500
    """Number of examples, at most, evenly spread."""
    batch_size: int = 100
    """Examples at a time."""
    needs: ClassVar[type] = HasDensity

    def check_split(self, split: Split) -> None:
        _check_bytes(examples_of(split, self.n, torch.device("cpu")))

    def __call__(self, system: HasDensity, split: Examples, *, generator: torch.Generator) -> Evaluation:
        x = examples_of(split, self.n, generator.device)
        _check_bytes(x)
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
    """The variational bound of bytes, in bits per dimension.

    It needs no solver, and is on average never below the model's own cost, which :class:`BitsPerDim` is nearer to.

    Metrics: ``vlb_bits``; ``vlb_bits_se``, its standard error; its terms ``vlb_prior``, ``vlb_diffusion`` and
    ``vlb_reconstruction``; ``vlb_n``, the number of examples.

    Times are stratified over the examples, which come in a random order, and neighbours have neighbouring times. So
    the standard error is that of differences of neighbours (von Neumann 1941): the spread over all examples would
    count the course of the integrand, of which the mean has next to no error.

    Example::

        VariationalBits(n=500)(system, load("cifar10").test, generator=seeded(0)).metrics["vlb_bits"]
    """

    n: int = 1000
    """Number of examples, at most, evenly spread."""
    draws: int = 8
    """Draws of a noise level and of noise for each example."""
    batch_size: int = 250
    """Examples at a time."""
    needs: ClassVar[type] = HasVariationalBound

    def __call__(self, system: HasVariationalBound, split: Examples, *, generator: torch.Generator) -> Evaluation:
        x = examples_of(split, self.n, generator.device)
        x = x[torch.randperm(len(x), generator=generator, device=x.device)]
        terms: dict[str, list[Tensor]] = {}
        for part in torch.split(x, self.batch_size):
            drawn = [system.variational_bits(part, generator=generator) for _ in range(self.draws)]
            for name in drawn[0]:
                terms.setdefault(name, []).append(torch.stack([one[name] for one in drawn]).double().mean(dim=0))
        by_example = {name: torch.cat(values) for name, values in terms.items()}
        total = torch.stack(list(by_example.values())).sum(dim=0)
        squares = sum(float((part - part.roll(1)).square().sum()) for part in torch.split(total, self.batch_size))
        return Evaluation(
            {
                "vlb_bits": float(total.mean()),
                "vlb_bits_se": (0.5 * squares) ** 0.5 / len(total),
                **{f"vlb_{name}": float(values.mean()) for name, values in by_example.items()},
                "vlb_n": float(len(x)),
            }
        )


def _check_bytes(x: Tensor) -> None:
    levels = (x + 1) * 127.5
    if float((levels - levels.round()).abs().max()) > 0.01:
        raise UserError(
            "bits per dimension are of bytes, and this data has other values than 256 even ones in [-1, 1]: choose "
            "images."
        )
