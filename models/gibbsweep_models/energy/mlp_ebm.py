"""A multilayer perceptron as the energy of vectors and 2-D toy densities, trained by persistent contrastive
divergence."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor

from gibbsweep_models.capabilities import Bracket
from gibbsweep_models.draws import rand
from gibbsweep_models.likelihood.annealed_mala import log_likelihood_bracket
from gibbsweep_models.nn.energies.mlp import MLPEnergy
from gibbsweep_models.nn.layers.activations import Activation
from gibbsweep_models.objectives.cd.contrastive_divergence import ContrastiveDivergence
from gibbsweep_models.objectives.cd.replay_buffer import ReplayBuffer
from gibbsweep_models.samplers.mcmc.langevin import Langevin
from gibbsweep_models.types import DataSpec, OptimizerConfig, Phase, Samples, SignedUnits, System, Trace


@dataclass(frozen=True)
class MLPEBMConfig(SignedUnits):
    """Langevin at temperature 1 on the box [-bound, bound]^D, so that samples and likelihood are of one density,
    exp(-E) / Z.

    >>> system = MLPEBMConfig(hidden=(16,), sample_steps=10).build(DataSpec((2,)))
    >>> system.energy(torch.zeros(3, 2)).shape
    torch.Size([3])
    """

    step_sizes: ClassVar[tuple[str, ...]] = ("learning_rate", "step_size")

    hidden: tuple[int, ...] = (128, 128)
    """Units of each hidden layer."""
    activation: Activation = "silu"
    """Activation behind each hidden layer."""
    bound: float = 1.0
    """Half the side of the box: 1 for data in [-1, 1], larger for toy densities in their own units."""
    n_steps: int = 20
    """Langevin steps of a negative chain."""
    step_size: float = 1e-3
    """Size of those steps, in units of bound²."""
    gradient_clip: float | None = None
    """Largest component of the energy's gradient in a chain; None for no bound."""
    persistent: bool = True
    """Whether chains go on in a buffer; else they start at the data (CD-``n_steps``)."""
    replay_size: int = 4096
    """Chains in that buffer."""
    restart_fraction: float = 0.05
    """Share of the chains that restart from noise at an update."""
    l2: float = 0.0
    """Weight of the squared energies."""
    data_noise: float = 0.0
    """Standard deviation of Gaussian noise on the data."""
    learning_rate: float = 1e-3
    betas: tuple[float, float] = (0.0, 0.999)
    grad_clip: float | None = 1.0
    """Largest norm of the weights' gradient; None for no bound."""
    ema_decay: float = 0.99
    """Decay per update of the averaged weights."""
    sample_steps: int = 1000
    """Langevin steps from uniform noise to a sample."""
    energy_gap_bound: float = 50.0
    """A larger |energy gap| counts as divergence."""

    def build(self, spec: DataSpec) -> MLPEBMSystem:
        """The system for vectors, or flattened arrays, of ``spec.shape``."""
        self.check_units(spec)
        if self.bound <= 0:
            raise ValueError(
                f"got bound={self.bound}, expected a positive half side of the box that holds the data; raise it"
            )
        return MLPEBMSystem(self, spec)


class MLPEBMSystem(System):
    """The density p(x) ∝ exp(-E(x)) on [-bound, bound]^D; sampling, chains and training share one Langevin kernel."""

    def __init__(self, config: MLPEBMConfig, spec: DataSpec) -> None:
        super().__init__()
        self.config = config
        self.shape = spec.shape
        self.ema_decay = config.ema_decay
        self.network = MLPEnergy(spec.shape, config.hidden, config.activation)
        self.box = (-config.bound, config.bound)
        self.sampler = Langevin(
            config.n_steps,
            config.step_size * config.bound**2,
            gradient_clip=config.gradient_clip,
            clamp=self.box,
        )

    def phases(self) -> list[Phase]:
        config = self.config
        replay = None
        if config.persistent:
            replay = ReplayBuffer(config.replay_size, self.shape, config.restart_fraction, scale=config.bound)
        objective = ContrastiveDivergence(
            self.sampler, replay, l2=config.l2, data_noise=config.data_noise, clamp=self.box
        )
        parameters = list(self.network.parameters())
        return [
            Phase(
                "energy",
                parameters,
                objective.to(parameters[0].device),
                OptimizerConfig("adam", config.learning_rate, config.betas),
                grad_clip=config.grad_clip,
                bounds={"energy_gap": config.energy_gap_bound},
            )
        ]

    def energy(self, x: Tensor, cond: Tensor | None = None) -> Tensor:
        """(B, *D) -> (B,)."""
        # The network sees the box as [-1, 1]^D, whatever the data's units.
        energy: Tensor = self.network(x / self.config.bound, cond)
        return energy

    def sample(self, n: int, *, generator: torch.Generator, trace: Trace | None = None) -> Samples:
        """``n`` examples (n, *D): ``sample_steps`` Langevin steps from the uniform density on the box."""
        start = rand((n, *self.shape), generator=generator).sub_(0.5).mul_(2.0 * self.config.bound)
        return self.run_chain(start, self.config.sample_steps, generator=generator, trace=trace)

    def run_chain(self, x: Tensor, n_steps: int, *, generator: torch.Generator, trace: Trace | None = None) -> Samples:
        """``n_steps`` steps of the training sampler from ``x`` (B, *D)."""
        return replace(self.sampler, n_steps=n_steps)(self.energy, x, generator=generator, trace=trace)

    def log_likelihood(self, x: Tensor, *, generator: torch.Generator, n_temperatures: int) -> Bracket:
        """Mean log-likelihood of ``x`` (N, *D), all in the box, under exp(-E) / Z on the box."""
        on_cube = log_likelihood_bracket(
            self.network,
            x / self.config.bound,
            n_temperatures=n_temperatures,
            generator=generator,
        )
        log_volume = math.prod(self.shape) * math.log(self.config.bound)  # of u = x / bound
        return replace(on_cube, ais=on_cube.ais - log_volume, reverse_ais=on_cube.reverse_ais - log_volume)
