"""Noise-conditional score networks, with NCSNv2's five techniques as switches."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal, Self

import torch
from torch import Tensor

from gibbsweep_models.bases.denoiser_system import DenoiserSystem, DenoiserTraining
from gibbsweep_models.nn.denoisers.ncsn import NCSNDenoiser
from gibbsweep_models.nn.noise_networks.configs import UNetConfig, VectorNetConfig
from gibbsweep_models.noise.distance import max_distance
from gibbsweep_models.noise.ladder import NCSNLadder
from gibbsweep_models.noise.ncsnv2 import best_step_of_untold, best_step_size, levels_between, ratio_of_overlap
from gibbsweep_models.objectives.score_matching.denoising_loss import DenoisingLoss
from gibbsweep_models.samplers.diffusion.annealed_langevin import AnnealedLangevin
from gibbsweep_models.samplers.diffusion.in_parts import sample_in_parts
from gibbsweep_models.types import Batch, DataSpec, Loss, Phase, Samples, Trace

V1_SIGMA_MAX, V1_LEVELS, V1_STEP = 2.0, 10, 0.1
"""NCSN's numbers on [-1, 1]: sigma 1 of pixels in [0, 1], and eps = 2e-5, of which its drift takes half, over its
sigma_min² of .01²."""


@dataclass(frozen=True)
class NCSNConfig(DenoiserTraining):
    """NCSNv2 (Song & Ermon, "Improved Techniques for Training Score-Based Generative Models", 2020) by default;
    :meth:`v1` is NCSN (2019). Each of its five techniques is on where the number that it chooses is None:

    1. ``sigma_max``: the largest distance between two training examples.
    2. ``n_levels``: levels in equal ratios, so close that neighbouring shells of noise overlap by ``overlap``.
    3. ``told`` False: one network of x alone, divided by sigma.
    4. ``step_size``: the one that leaves the variance of a level nearest to sigma² after the steps of a level.
    5. ``ema_decay`` above 0: averaged weights.

    Chains start from noise of the highest level; the published ones start uniformly within the pixels' range, which the
    first level makes forget.

    >>> system = NCSNConfig(UNetConfig((8, 8)), evaluations=10).build(DataSpec((1, 8, 8)))
    >>> system.sample(2, generator=seeded(0)).x.shape
    torch.Size([2, 1, 8, 8])
    """

    network: UNetConfig | VectorNetConfig = field(default_factory=UNetConfig)
    """The network."""
    sigma_min: float = 0.02
    """Lowest level, in data units."""
    sigma_max: float | None = None
    """Highest level, in data units; None measures it (technique 1)."""
    n_distances: int = 2000
    """Training examples whose distances are measured."""
    n_levels: int | None = None
    """Number of levels; None chooses it (technique 2)."""
    overlap: float = 0.5
    """Overlap of neighbouring shells of noise."""
    told: bool = False
    """Whether sigma is an input of the network, with a gain of its own a level (technique 3 is False)."""
    step_size: float | None = None
    """Step of Langevin dynamics, relative to sigma²; None chooses it (technique 4)."""
    step_rule: Literal["equation_6", "untold"] = "untold"
    """How: by ``equation_6``, which is for a network with sigma as input (and always used for one), or for one without
    (:func:`~gibbsweep_models.noise.ncsnv2.lag_of_untold`), without which one or two steps a level lose their chains."""
    denoise: bool = True
    """Whether samples end in a step to D without noise."""
    evaluations: int = 220
    """Evaluations of the network a sample, spread over the levels, at least one each: the steps a level T are their
    ratio, rounded."""
    batch_size: int = 250
    """Examples sampled at once."""

    @classmethod
    def v1(cls, **changes: Any) -> Self:
        """NCSN: ten levels from 1 to .01 of [0, 1] as an input of the network, its weights as they are, and no last
        step."""
        numbers: dict[str, Any] = {
            "sigma_max": V1_SIGMA_MAX,
            "n_levels": V1_LEVELS,
            "told": True,
            "step_size": V1_STEP,
            "ema_decay": 0.0,
            "denoise": False,
        }
        return cls(**(numbers | changes))

    def build(self, spec: DataSpec) -> NCSNSystem:
        """The system for data of ``spec.shape``: (C, H, W) by a U-Net, any by a vector network."""
        self.check_units(spec)
        if self.evaluations < 1 or self.batch_size < 1 or self.n_distances < 2:
            raise ValueError(
                f"got evaluations={self.evaluations}, batch_size={self.batch_size}, n_distances={self.n_distances}; "
                "expected at least 1, 1 and 2; raise the one that is too small"
            )
        return NCSNSystem(self, spec)


class NCSNSystem(DenoiserSystem):
    """A denoiser ``denoiser``, D(x; sigma), and annealed Langevin dynamics down its ladder of levels."""

    sigma_max: Tensor
    """The highest level, a buffer, so that a measured one is kept with the weights; the ladder and the step size follow
    from it. Before it is measured it is the diagonal of [-1, 1]^D, the largest that it can be."""

    def __init__(self, config: NCSNConfig, spec: DataSpec) -> None:
        super().__init__(config, spec, NCSNDenoiser(config.network.build(spec.shape), told=config.told))
        self.config = config
        self.dim = torch.Size(spec.shape).numel()
        self.ratio = None if config.n_levels is not None else ratio_of_overlap(config.overlap, self.dim)
        first = 2.0 * self.dim**0.5 if config.sigma_max is None else config.sigma_max
        self.register_buffer("sigma_max", torch.tensor(first, dtype=torch.float32))
        self.sampler()  # refuses levels and steps that are none before any data is read

    def initialise(self, x: Tensor) -> None:
        """Measure the highest level on ``x`` (N, *D), unless the config gives it."""
        super().initialise(x)
        if self.config.sigma_max is None:
            self.sigma_max.fill_(max_distance(x[: self.config.n_distances].flatten(1)))
        self.sampler()  # refuses data that is no wider than the lowest level

    @property
    def ladder(self) -> NCSNLadder:
        """The levels."""
        config, highest = self.config, float(self.sigma_max)
        n_levels = config.n_levels
        if n_levels is None:
            assert self.ratio is not None
            n_levels = levels_between(config.sigma_min, highest, self.ratio)
        return NCSNLadder(config.sigma_min, highest, n_levels)

    def sampler(self) -> AnnealedLangevin:
        """The Langevin steps down the ladder."""
        config, ladder = self.config, self.ladder
        steps = max(1, round(config.evaluations / ladder.n_levels))
        size = self._ruled_step(ladder, steps) if config.step_size is None else config.step_size
        return AnnealedLangevin(ladder.n_levels, steps, size, ladder, config.denoise)

    def _ruled_step(self, ladder: NCSNLadder, steps: int) -> float:
        spaced = (ladder.sigma_max / ladder.sigma_min) ** (1 / (ladder.n_levels - 1))
        if self.config.told or self.config.step_rule == "equation_6":
            return best_step_size(ladder.sigma_min, spaced, steps) / ladder.sigma_min**2
        return best_step_of_untold(spaced, steps, ladder.n_levels)

    def noise_levels(self) -> Tensor:
        """The levels (L,), descending."""
        return self.ladder.rungs().flip(0).float()

    def phases(self) -> list[Phase]:
        return [self.config.phase("denoiser", self, own_ladder_loss)]

    def sample(self, n: int, *, generator: torch.Generator, trace: Trace | None = None) -> Samples:
        """``n`` examples (n, *D) from noise."""
        return sample_in_parts(
            self.sampler(),
            self.denoiser,
            n,
            self.shape,
            generator=generator,
            batch_size=self.config.batch_size,
            trace=trace,
        )

    @torch.no_grad()
    def sample_with_last_step(self, n: int, *, generator: torch.Generator) -> tuple[Samples, Samples]:
        """``n`` chains (n, *D) as Langevin dynamics leaves them at the lowest level, and the same ones denoised."""
        sampler, size = replace(self.sampler(), denoise=False), self.config.batch_size
        noisy = sample_in_parts(sampler, self.denoiser, n, self.shape, generator=generator, batch_size=size)
        parts = torch.split(noisy.x, size)
        lowest = self.config.sigma_min
        denoised = torch.cat([self.denoiser(part, part.new_full((len(part),), lowest)) for part in parts])
        return noisy, Samples(denoised, noisy.nfe + 1, noisy.info)


def own_ladder_loss(model: NCSNSystem, batch: Batch, *, generator: torch.Generator) -> Loss:
    """Denoising score matching at the levels that ``model`` measured, each as likely as any other, weighted by
    sigma²."""
    return DenoisingLoss(model.ladder, weight="sigma2")(model, batch, generator=generator)
