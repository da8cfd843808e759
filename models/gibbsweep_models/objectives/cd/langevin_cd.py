"""The numbers of contrastive divergence by Langevin chains, shared by every system that trains an energy with them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Literal

from torch import nn

from gibbsweep_models.objectives.cd.contrastive_divergence import ContrastiveDivergence
from gibbsweep_models.objectives.cd.langevin_kl import LangevinKL
from gibbsweep_models.objectives.cd.replay_buffer import ReplayBuffer
from gibbsweep_models.samplers.mcmc.langevin import Langevin
from gibbsweep_models.types import OptimizerConfig, Phase

SIGNED_RANGE = (-1.0, 1.0)


@dataclass(frozen=True)
class LangevinCD:
    """Du & Mordatch, "Implicit Generation and Modeling with Energy-Based Models" (2019).

    ``step_size`` and ``noise`` are decoupled as there: x <- x - step_size * clip(grad E) + noise * n, a chain at
    temperature noise² / (2 step_size) on [-1, 1]^D. ``persistent=False`` starts the chains at the data
    (CD-``n_steps``), else they live in a buffer of ``replay_size``, of which ``restart_fraction`` restart from noise; 1 makes
    every chain a short run from noise (Nijkamp et al., "Learning Non-Convergent Non-Persistent Short-Run MCMC", 2019).
    Improved contrastive divergence (Du et al. 2021) has a ``kl`` > 0, the weight of a term with the gradient through the
    chain, in which the chains' entropy has the weight ``entropy``, and a ``replay_shift`` > 0, by which chains are moved.
    ``l2``: weight of the squared energies; ``data_noise``: standard deviation of the noise on the data. ``schedule``: of the
    learning rate; one that falls to 0 lets the energy come to rest among its chains' modes. ``grad_clip``: largest norm of the
    weights' gradient. ``energy_gap_bound``: a larger |energy gap| counts as divergence.
    """

    step_sizes: ClassVar[tuple[str, ...]] = ("learning_rate", "step_size")

    n_steps: int = 40
    step_size: float = 10.0
    noise: float = 0.005
    gradient_clip: float | None = 0.03
    persistent: bool = True
    replay_size: int = 2000
    restart_fraction: float = 0.05
    replay_shift: int = 0
    kl: float = 0.0
    entropy: float = 0.0
    l2: float = 0.1
    data_noise: float = 0.005
    learning_rate: float = 1e-4
    schedule: Literal["constant", "linear", "cosine"] = "constant"
    betas: tuple[float, float] = (0.0, 0.999)
    grad_clip: float | None = 0.1
    energy_gap_bound: float = 50.0

    def sampler(self) -> Langevin:
        """The chain of training, which also samples."""
        return Langevin.decoupled(
            self.n_steps, self.step_size, self.noise, gradient_clip=self.gradient_clip, clamp=SIGNED_RANGE
        )

    def replay(self, shape: tuple[int, ...], condition_shape: tuple[int, ...] | None = None) -> ReplayBuffer | None:
        """A new, empty buffer for examples of ``shape``, and of what they are conditioned on; None where chains do not
        persist."""
        if not self.persistent:
            return None
        return ReplayBuffer(
            self.replay_size,
            shape,
            self.restart_fraction,
            shift=self.replay_shift,
            condition_shape=condition_shape,
        )

    def objective(
        self, shape: tuple[int, ...], replay: ReplayBuffer | None = None, condition: str | None = None
    ) -> ContrastiveDivergence:
        """For examples of ``shape`` in [-1, 1]. Persistent chains live in ``replay``, the system's own; None: a new one.
        ``condition``: the name in the batch of what a conditional energy is given."""
        sampler = self.sampler()
        return ContrastiveDivergence(
            sampler,
            self.replay(shape) if replay is None else replay,
            l2=self.l2,
            data_noise=self.data_noise,
            clamp=SIGNED_RANGE,
            kl=(self.kl, LangevinKL(sampler, self.entropy)) if self.kl else None,
            condition=condition,
        )

    def phase(
        self, parameters: Iterable[nn.Parameter], shape: tuple[int, ...], replay: ReplayBuffer | None = None
    ) -> Phase:
        """The phase that trains an energy with ``parameters`` on examples of ``shape``."""
        trained = list(parameters)
        return Phase(
            "energy",
            trained,
            self.objective(shape, replay).to(trained[0].device),
            OptimizerConfig("adam", self.learning_rate, self.betas, schedule=self.schedule),
            grad_clip=self.grad_clip,
            bounds={"energy_gap": self.energy_gap_bound},
        )
