"""The base of systems with a potential that does not know the noise level, learned by regression."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Literal

import torch
from torch import Tensor

from gibbsweep_models.nn.energies.potential import Potential, PotentialConfig
from gibbsweep_models.nn.gradients import check_shape, energy_and_gradient
from gibbsweep_models.noise.estimate import estimate_sigma
from gibbsweep_models.noise.masks import check_mask, fill_smoothly, fill_with_mean
from gibbsweep_models.noise.shape import expand_like
from gibbsweep_models.objectives.flow_matching.gradient_matching import GradientMatching
from gibbsweep_models.samplers.mcmc.langevin import Langevin
from gibbsweep_models.types import DataSpec, OptimizerConfig, Samples, SignedUnits, System, Trace


@dataclass(frozen=True)
class PotentialTraining(SignedUnits):
    """A potential and how its regression is trained: base of the configurations."""

    potential: PotentialConfig = field(default_factory=PotentialConfig)
    """The network, and what it makes an energy or a field of."""
    optimizer: Literal["adam", "muon"] = field(default="adam", kw_only=True)
    """Which optimiser."""
    learning_rate: float = field(default=2e-3, kw_only=True)
    """Learning rate of the regression."""
    betas: tuple[float, float] = field(default=(0.9, 0.99), kw_only=True)
    """Adam's decay rates."""
    warmup: int = field(default=20, kw_only=True)
    """Updates over which the learning rate rises."""
    decay: Literal["constant", "linear", "cosine"] = field(default="cosine", kw_only=True)
    """How the learning rate falls after them."""
    grad_clip: float | None = field(default=1.0, kw_only=True)
    """Largest norm of the weights' gradient; None for no bound."""
    ema_decay: float = field(default=0.99, kw_only=True)
    """Decay per update of the averaged weights."""

    @property
    def optimizer_config(self) -> OptimizerConfig:
        """The optimiser of the regression, with its learning rate over time."""
        return OptimizerConfig(self.optimizer, self.learning_rate, self.betas, schedule=self.decay, warmup=self.warmup)


def denoised_along(
    gradient: Callable[[Tensor], Tensor], matching: GradientMatching, x: Tensor, sigma: Tensor | None
) -> Tensor:
    """The clean example in ``x`` = x_0 + sigma n (B, *D): on the way of training, x_t = (1 - t) x with t = sigma / (1 +
    sigma), g is c(t) (n - x_0), so that x_0 = x_t - t g(x_t) / c(t). A level (B,) that is None is estimated from
    ``x``."""
    level = estimate_sigma(x) if sigma is None else sigma
    t = (level / (1 + level)).clamp_min(1e-6)
    place = x * expand_like(1 - t, x)
    return place - expand_like(t / matching.length(t), x) * gradient(place)


class PotentialSystem(System):
    """The density p(x) ∝ exp(-V(x) / temperature) of a ``potential`` V, its chains and what it restores."""

    def __init__(
        self, potential: Potential, matching: GradientMatching, chain: Langevin, spec: DataSpec, *, inpaint_steps: int
    ) -> None:
        super().__init__()
        self.shape = spec.shape
        self.potential = potential
        self.matching = matching
        self.chain = chain
        self.inpaint_steps = inpaint_steps

    def energy(self, x: Tensor, cond: Tensor | None = None) -> Tensor:
        """V: (B, *D) -> (B,)."""
        energy: Tensor = self.potential(x, cond)
        return energy

    def gradient(self, x: Tensor) -> Tensor:
        """The gradient of V, without a graph: (B, *D) -> (B, *D)."""
        return energy_and_gradient(self.energy, x)[1]

    def run_chain(self, x: Tensor, n_steps: int, *, generator: torch.Generator, trace: Trace | None = None) -> Samples:
        """``n_steps`` Langevin steps at the temperature from ``x`` (B, *D)."""
        return replace(self.chain, n_steps=n_steps)(self.energy, x, generator=generator, trace=trace)

    @torch.no_grad()
    def anomaly_score(self, x: Tensor, *, generator: torch.Generator) -> Tensor:
        """V: (B, *D) -> (B,)."""
        del generator
        return self.energy(x)

    def denoise(self, x: Tensor, sigma: Tensor | None, *, generator: torch.Generator) -> Tensor:
        """One step down the way to the data: (B, *D), (B,) or None where the level is estimated -> (B, *D). It draws
        nothing."""
        del generator
        check_shape(x, self.shape)
        return denoised_along(self.gradient, self.matching, x, sigma)

    def inpaint(self, x: Tensor, known: Tensor, *, generator: torch.Generator) -> Tensor:
        """The hole moves by Langevin steps, the known values stay (B, *D). It starts smoothly filled in images, with
        the known values' mean in other data."""
        fill = fill_smoothly if x.ndim == 4 else fill_with_mean
        start = fill(x, check_mask(known))

        def project(state: Tensor) -> Tensor:
            return torch.where(known, x, state)

        chain = replace(self.chain, n_steps=self.inpaint_steps)
        return chain(self.energy, start, generator=generator, project=project).x
