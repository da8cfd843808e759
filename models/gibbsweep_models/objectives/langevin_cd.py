"""The numbers of contrastive divergence by Langevin chains, shared by every system that trains an energy with them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from torch import nn

from gibbsweep_models.objectives.contrastive_divergence import ContrastiveDivergence
from gibbsweep_models.objectives.replay_buffer import ReplayBuffer
from gibbsweep_models.samplers.langevin import Langevin
from gibbsweep_models.types import OptimizerConfig, Phase

SIGNED_RANGE = (-1.0, 1.0)


@dataclass(frozen=True)
class LangevinCD:
    """Du & Mordatch, "Implicit Generation and Modeling with Energy-Based Models" (2019).

    ``step_size`` and ``noise`` are decoupled as there: x <- x - step_size * clip(grad E) + noise * n, a chain at
    temperature noise² / (2 step_size) on [-1, 1]^D. ``persistent=False`` starts the chains at the data
    (CD-``n_steps``), else they live in a buffer of ``replay_size``, of which ``restart_fraction`` restart from noise.
    ``l2``: weight of the squared energies; ``data_noise``: standard deviation of the noise on the data. ``grad_clip``:
    largest norm of the weights' gradient. ``energy_gap_bound``: a larger |energy gap| counts as divergence.
    """

    n_steps: int = 40
    step_size: float = 10.0
    noise: float = 0.005
    gradient_clip: float | None = 0.03
    persistent: bool = True
    replay_size: int = 2000
    restart_fraction: float = 0.05
    l2: float = 0.1
    data_noise: float = 0.005
    learning_rate: float = 1e-4
    betas: tuple[float, float] = (0.0, 0.999)
    grad_clip: float | None = 0.1
    energy_gap_bound: float = 50.0

    def sampler(self) -> Langevin:
        """The chain of training, which also samples."""
        return Langevin.decoupled(
            self.n_steps, self.step_size, self.noise, gradient_clip=self.gradient_clip, clamp=SIGNED_RANGE
        )

    def objective(
        self, shape: tuple[int, ...], condition: str | None = None, condition_shape: tuple[int, ...] | None = None
    ) -> ContrastiveDivergence:
        """For examples of ``shape`` in [-1, 1]; a buffer of its own, empty, where chains persist. ``condition``: the name and
        ``condition_shape`` the shape in the batch of what a conditional energy is given."""
        replay = None
        if self.persistent:
            replay = ReplayBuffer(self.replay_size, shape, self.restart_fraction, condition_shape=condition_shape)
        return ContrastiveDivergence(
            self.sampler(),
            replay,
            l2=self.l2,
            data_noise=self.data_noise,
            clamp=SIGNED_RANGE,
            condition=condition,
        )

    def phase(self, parameters: Iterable[nn.Parameter], shape: tuple[int, ...]) -> Phase:
        """The phase that trains an energy with ``parameters`` on examples of ``shape``."""
        trained = list(parameters)
        return Phase(
            "energy",
            trained,
            self.objective(shape).to(trained[0].device),
            OptimizerConfig("adam", self.learning_rate, self.betas),
            grad_clip=self.grad_clip,
            bounds={"energy_gap": self.energy_gap_bound},
        )
