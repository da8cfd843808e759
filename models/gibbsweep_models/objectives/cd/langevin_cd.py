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
"""The interval that chains are clamped to."""


@dataclass(frozen=True)
class LangevinCD:
    """Du & Mordatch, "Implicit Generation and Modeling with Energy-Based Models" (2019). ``step_size`` and ``noise``
    are decoupled as there: x <- x - step_size * clip(grad E) + noise * n, a chain at temperature noise² / (2 step_size)
    on [-1, 1]^D. Improved contrastive divergence (Du et al. 2021) has ``kl`` > 0 and ``replay_shift`` > 0.

    >>> from gibbsweep_models.nn.energies import MLPEnergy
    >>> cd = LangevinCD(n_steps=5, replay_size=64)
    >>> loss = cd.objective((2,))(MLPEnergy((2,), (8,)), {"x": torch.zeros(4, 2)}, generator=seeded(0))
    """

    step_sizes: ClassVar[tuple[str, ...]] = ("learning_rate", "step_size")

    n_steps: int = 40
    """Steps of a negative chain."""
    step_size: float = 10.0
    """Factor of the clipped gradient."""
    noise: float = 0.005
    """Standard deviation of the noise of one step."""
    gradient_clip: float | None = 0.03
    """Largest component of the energy's gradient; None for no bound."""
    persistent: bool = True
    """Whether chains live in a buffer; else they start at the data (CD-``n_steps``)."""
    replay_size: int = 2000
    """Chains in that buffer. Fewer grow older: see :meth:`chain_age`."""
    restart_fraction: float = 0.05
    """Share of the drawn chains that restart from noise; 1 makes every chain a short run from noise (Nijkamp et al.,
    "Learning Non-Convergent Non-Persistent Short-Run MCMC", 2019)."""
    replay_shift: int = 0
    """Largest number of places by which drawn chains are moved along every axis."""
    kl: float = 0.0
    """Weight of a term with the gradient through the chain; 0 for none."""
    entropy: float = 0.0
    """Weight of the chains' entropy in that term."""
    l2: float = 0.1
    """Weight of the squared energies."""
    data_noise: float = 0.005
    """Standard deviation of the noise on the data."""
    learning_rate: float = 1e-4
    schedule: Literal["constant", "linear", "cosine"] = "constant"
    """How the learning rate falls; one that falls to 0 lets the energy come to rest among its chains' modes."""
    betas: tuple[float, float] = (0.0, 0.999)
    grad_clip: float | None = 0.1
    """Largest norm of the weights' gradient; None for no bound."""
    energy_gap_bound: float = 50.0
    """A larger |energy gap| counts as divergence."""

    def sampler(self) -> Langevin:
        """The chain of training, which also samples."""
        return Langevin.decoupled(
            self.n_steps, self.step_size, self.noise, gradient_clip=self.gradient_clip, clamp=SIGNED_RANGE
        )

    def replay(self, shape: tuple[int, ...], condition_shape: tuple[int, ...] | None = None) -> ReplayBuffer | None:
        """A new, empty buffer for examples of ``shape``, and for their conditions; None where chains do not persist."""
        if not self.persistent:
            return None
        return ReplayBuffer(
            self.replay_size,
            shape,
            self.restart_fraction,
            shift=self.replay_shift,
            condition_shape=condition_shape,
        )

    def chain_age(self, updates: int, batch_size: int) -> float | None:
        """The steps that a chain of the buffer has made after ``updates`` of ``batch_size`` examples, were it never
        restarted; None if chains do not persist. An energy knows nothing of where longer chains go."""
        if not self.persistent or self.restart_fraction == 1.0:
            return None
        return updates * batch_size * self.n_steps / self.replay_size

    def objective(
        self, shape: tuple[int, ...], replay: ReplayBuffer | None = None, condition: str | None = None
    ) -> ContrastiveDivergence:
        """The criterion for examples of ``shape`` in [-1, 1]. Persistent chains live in ``replay``, the system's own;
        None: a new one. ``condition``: the name in the batch of the condition of a conditional energy."""
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
