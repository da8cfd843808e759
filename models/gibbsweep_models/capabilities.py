"""The abilities of systems, one protocol each: evaluators ask for these, systems offer them as methods.

B = batch, D = the shape of one example, K = classes, F = features.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from gibbsweep_models.types import Batch, Samples, Trace


@runtime_checkable
class HasEnergy(Protocol):
    """A system with an energy."""

    def energy(self, x: Tensor, cond: Tensor | None = None) -> Tensor:
        """The energy, low = likely: (B, *D) -> (B,)."""
        ...


@runtime_checkable
class CanSample(Protocol):
    """A system that samples."""

    def sample(self, n: int, *, generator: torch.Generator, trace: Trace | None = None) -> Samples:
        """``n`` examples drawn from noise, never from training data."""
        ...


@runtime_checkable
class CanSampleClasses(Protocol):
    """A system that samples a given class."""

    def sample_classes(self, y: Tensor, *, generator: torch.Generator) -> Samples:
        """An example of each class of ``y`` (n,), int64, drawn from noise: (n, *D)."""
        ...


@runtime_checkable
class CanSampleGuided(Protocol):
    """A system whose samples are guided to their class, by any strength."""

    def sample_guided(self, y: Tensor, scale: float, *, generator: torch.Generator) -> Samples:
        """An example of each class of ``y`` (n,), int64, drawn from noise with another scale of the model's own
        guidance: (n, *D)."""
        ...


@runtime_checkable
class HasChain(Protocol):
    """A system with a Markov chain of its own."""

    def run_chain(self, x: Tensor, n_steps: int, *, generator: torch.Generator, trace: Trace | None = None) -> Samples:
        """``n_steps`` steps of the model's own Markov chain started at ``x`` (B, *D)."""
        ...


@runtime_checkable
class HasReplay(Protocol):
    """A system whose chains live in a replay buffer."""

    def replayed(self, n: int, *, generator: torch.Generator) -> Tensor:
        """Up to ``n`` different chains (n, *D) of the replay buffer as training left them, or as many as were ever
        written: samples that no number of steps from noise limits."""
        ...


@dataclass(frozen=True)
class Bracket:
    """A mean log-likelihood in nats per example, estimated by a partition function from below and, as far as the chains
    behind it start in the model's distribution, from above."""

    ais: float
    """Overestimates the log-likelihood in expectation."""
    reverse_ais: float
    """Underestimates it in expectation if its chains start in equilibrium; chains that do not may flatter as well."""
    exact: float | None = None
    """The exact value, where enumeration allows; else None."""
    ais_se: float = 0.0
    """Standard error of the estimate of log Z behind ``ais``."""
    reverse_ais_se: float = 0.0
    """Standard error of the estimate of log Z behind ``reverse_ais``."""

    @property
    def inverted(self) -> bool:
        """Whether reverse AIS lies above AIS by more than two standard errors of their difference: its chains were not
        in equilibrium, and the two enclose nothing."""
        return self.reverse_ais - self.ais > 2.0 * math.hypot(self.ais_se, self.reverse_ais_se)


@runtime_checkable
class HasLogLikelihood(Protocol):
    """A system with a log-likelihood by annealing."""

    def log_likelihood(self, x: Tensor, *, generator: torch.Generator, n_temperatures: int) -> Bracket:
        """Mean log-likelihood of ``x`` (N, *D), with ``n_temperatures`` annealing steps each way."""
        ...


@dataclass(frozen=True)
class Density:
    """Log-densities of a batch and what they cost."""

    log_prob: Tensor
    """ln p, (B,), in nats."""
    nfe: int
    """Network evaluations of the slowest example."""


@runtime_checkable
class HasDensity(Protocol):
    """A system with an exact density."""

    def density(self, x: Tensor, *, generator: torch.Generator) -> Density:
        """ln p of real values ``x`` (B, *D), exact up to a solver's tolerance and an unbiased estimate of a trace."""
        ...


@runtime_checkable
class HasVariationalBound(Protocol):
    """A system with a variational bound on its likelihood."""

    def variational_bits(self, x: Tensor, *, generator: torch.Generator) -> dict[str, Tensor]:
        """The terms of an upper bound on -log2 p of ``x`` (B, *D), 256 even values in [-1, 1], in bits per dimension,
        (B,) each. What differs between examples by design, such as a noise level, differs least between neighbours, of
        which the first and the last are two: their differences are the bound's error."""
        ...


@runtime_checkable
class CanSampleInSteps(Protocol):
    """A system that samples in any number of steps."""

    def sample_in(self, n: int, n_steps: int, *, generator: torch.Generator) -> Samples:
        """``n`` examples by the model's own sampler with another number of steps."""
        ...


@runtime_checkable
class CanLeaveOutLastStep(Protocol):
    """A system whose sampler ends in a step that denoises, which can be left out."""

    def sample_with_last_step(self, n: int, *, generator: torch.Generator) -> tuple[Samples, Samples]:
        """``n`` chains (n, *D) from noise as they end at the lowest noise level, and the same chains after a last step
        that denoises."""
        ...


@runtime_checkable
class DenoisesLevels(Protocol):
    """A system that denoises at a list of levels."""

    def noise_levels(self) -> Tensor:
        """The noise levels (L,) that the model was trained for, descending."""
        ...

    def denoise(self, x: Tensor, sigma: Tensor | None, *, generator: torch.Generator) -> Tensor:
        """The clean example in noisy ``x``, as :class:`CanDenoise` says."""
        ...


@runtime_checkable
class CanReconstruct(Protocol):
    """A system that reconstructs examples."""

    def reconstruct(self, x: Tensor, *, generator: torch.Generator) -> Tensor:
        """The reconstructions: (B, *D) -> (B, *D)."""
        ...


@runtime_checkable
class CanDenoise(Protocol):
    """A system that denoises."""

    def denoise(self, x: Tensor, sigma: Tensor | None, *, generator: torch.Generator) -> Tensor:
        """The clean example in noisy ``x``: (B, *D), (B,) -> (B, *D). ``sigma`` None: the noise level is not known."""
        ...


@runtime_checkable
class HasScore(Protocol):
    """A system with the score of blurred data."""

    def score(self, x: Tensor, sigma: float) -> Tensor:
        """The score of data blurred by ``sigma``: (B, *D) -> (B, *D)."""
        ...


@runtime_checkable
class HasMinimum(Protocol):
    """A system whose criterion has a known minimum."""

    def minimum(self, sigma: float, fisher: float) -> tuple[float, float]:
        """The loss at noise level ``sigma`` as fitting left it, and the least that it can be for data whose blurred
        density has the Fisher information E|grad ln p|² = ``fisher``. Nan, nan where there is no loss."""
        ...


@runtime_checkable
class HasLogits(Protocol):
    """A system that classifies."""

    def logits(self, x: Tensor) -> Tensor:
        """Unnormalised log-probabilities of the classes: (B, *D) -> (B, K)."""
        ...


@runtime_checkable
class HasNoisyLogits(Protocol):
    """A system that classifies noisy examples."""

    def noisy_logits(self, x: Tensor, sigma: Tensor) -> Tensor:
        """Unnormalised log-probabilities of the classes of noisy ``x``: (B, *D), sigma (B,) -> (B, K)."""
        ...


@runtime_checkable
class HasFeatures(Protocol):
    """A system with features."""

    def features(self, x: Tensor) -> Tensor:
        """The features that the model has learned: (B, *D) -> (B, F)."""
        ...


@runtime_checkable
class CanCluster(Protocol):
    """A system that clusters."""

    def clusters(self, x: Tensor) -> Tensor:
        """The number of the cluster that each example belongs to: (B, *D) -> (B,), int64."""
        ...


@runtime_checkable
class HasAnomalyScore(Protocol):
    """A system that scores anomalies."""

    def anomaly_score(self, x: Tensor, *, generator: torch.Generator) -> Tensor:
        """The unlikeness of ``x`` to the training data, high = anomalous: (B, *D) -> (B,)."""
        ...


@runtime_checkable
class CanInpaint(Protocol):
    """A system that fills holes."""

    def inpaint(self, x: Tensor, known: Tensor, *, generator: torch.Generator) -> Tensor:
        """A completion (B, *D) of ``x`` (B, *D) that equals ``x`` exactly where ``known`` (B, *D), bool, is True. The
        other values of ``x`` are not read."""
        ...


@runtime_checkable
class CanEmbedPairs(Protocol):
    """A system that embeds pictures and captions in one space."""

    def embed_pairs(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Pictures and captions of ``batch`` as unit vectors (B, F) each, in one space."""
        ...

    def pair_energy(self, picture: Tensor, caption: Tensor) -> Tensor:
        """The energy of embedded pairs: (..., F), (..., F) -> (...), low = matched. Shapes broadcast."""
        ...


@runtime_checkable
class CanDepict(Protocol):
    """A system that draws pictures of captions."""

    def depict(self, text: Tensor, *, generator: torch.Generator) -> Samples:
        """A picture of each caption: (B, L) int64 -> (B, *D)."""
        ...


@runtime_checkable
class CanFit(Protocol):
    """A system with a closed form, or a library's solver, in place of phases: it sees the whole training split once."""

    def fit(self, batch: Batch, *, generator: torch.Generator) -> None: ...


@runtime_checkable
class CanCalibrate(Protocol):
    """A trained system that looks at training examples once more, with the weights that will be evaluated: a detector
    fitted to its features, for example. What it learns is in its buffers, and so in the checkpoint."""

    @property
    def calibration_examples(self) -> int:
        """The number of examples it asks for; 0: none, and :meth:`calibrate` is not called."""
        ...

    def calibrate(self, x: Tensor, *, generator: torch.Generator) -> None:
        """Learn from ``calibration_examples`` training examples ``x`` (N, *D)."""
        ...
