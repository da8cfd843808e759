"""What a system can do, one protocol each: evaluators ask for these, systems offer them as methods.

B = batch, D = the shape of one example, K = classes, F = features.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from gibbsweep_models.types import Batch, Samples, Trace


@runtime_checkable
class HasEnergy(Protocol):
    def energy(self, x: Tensor, cond: Tensor | None = None) -> Tensor:
        """(B, *D) -> (B,)."""
        ...


@runtime_checkable
class CanSample(Protocol):
    def sample(self, n: int, *, generator: torch.Generator, trace: Trace | None = None) -> Samples:
        """``n`` examples drawn from noise, never from training data."""
        ...


@runtime_checkable
class CanSampleClasses(Protocol):
    def sample_classes(self, y: Tensor, *, generator: torch.Generator) -> Samples:
        """An example of each class of ``y`` (n,), int64, drawn from noise: (n, *D)."""
        ...


@runtime_checkable
class CanSampleGuided(Protocol):
    def sample_guided(self, y: Tensor, scale: float, *, generator: torch.Generator) -> Samples:
        """An example of each class of ``y`` (n,), int64, drawn from noise with another scale of the model's own guidance: (n, *D)."""
        ...


@runtime_checkable
class HasChain(Protocol):
    def run_chain(self, x: Tensor, n_steps: int, *, generator: torch.Generator, trace: Trace | None = None) -> Samples:
        """``n_steps`` steps of the model's own Markov chain started at ``x`` (B, *D)."""
        ...


@runtime_checkable
class HasReplay(Protocol):
    def replayed(self, n: int, *, generator: torch.Generator) -> Tensor:
        """Up to ``n`` different chains (n, *D) of the replay buffer as training left them, as many as were ever written: samples
        that no number of steps from noise limits."""
        ...


@dataclass(frozen=True)
class Bracket:
    """A mean log-likelihood in nats per example. ``ais`` overestimates and ``reverse_ais`` underestimates it in
    expectation (a partition function estimated from below and from above); ``exact`` where enumeration allows.
    ``ais_se`` and ``reverse_ais_se`` are the standard errors of the two estimates of log Z."""

    ais: float
    reverse_ais: float
    exact: float | None = None
    ais_se: float = 0.0
    reverse_ais_se: float = 0.0


@runtime_checkable
class HasLogLikelihood(Protocol):
    def log_likelihood(self, x: Tensor, *, generator: torch.Generator, n_temperatures: int) -> Bracket:
        """Mean log-likelihood of ``x`` (N, *D), with ``n_temperatures`` annealing steps each way."""
        ...


@dataclass(frozen=True)
class Density:
    """``log_prob`` (B,) in nats; ``nfe``: network evaluations of the slowest example."""

    log_prob: Tensor
    nfe: int


@runtime_checkable
class HasDensity(Protocol):
    def density(self, x: Tensor, *, generator: torch.Generator) -> Density:
        """ln p of real values ``x`` (B, *D), exact up to a solver's tolerance and an unbiased estimate of a trace."""
        ...


@runtime_checkable
class HasVariationalBound(Protocol):
    def variational_bits(self, x: Tensor, *, generator: torch.Generator) -> dict[str, Tensor]:
        """The terms of an upper bound on -log2 p of ``x`` (B, *D), 256 even values in [-1, 1], in bits per dimension, (B,) each."""
        ...


@runtime_checkable
class CanSampleInSteps(Protocol):
    def sample_in(self, n: int, n_steps: int, *, generator: torch.Generator) -> Samples:
        """``n`` examples by the model's own sampler with another number of steps."""
        ...


@runtime_checkable
class CanLeaveOutLastStep(Protocol):
    def sample_with_last_step(self, n: int, *, generator: torch.Generator) -> tuple[Samples, Samples]:
        """``n`` chains (n, *D) from noise as they end at the lowest noise level, and the same ones with a last step that denoises."""
        ...


@runtime_checkable
class DenoisesLevels(Protocol):
    def noise_levels(self) -> Tensor:
        """The noise levels (L,) that the model was trained for, descending."""
        ...

    def denoise(self, x: Tensor, sigma: Tensor | None, *, generator: torch.Generator) -> Tensor:
        """As :class:`CanDenoise`."""
        ...


@runtime_checkable
class CanReconstruct(Protocol):
    def reconstruct(self, x: Tensor, *, generator: torch.Generator) -> Tensor:
        """(B, *D) -> (B, *D)."""
        ...


@runtime_checkable
class CanDenoise(Protocol):
    def denoise(self, x: Tensor, sigma: Tensor | None, *, generator: torch.Generator) -> Tensor:
        """The clean example in noisy ``x``: (B, *D), (B,) -> (B, *D). ``sigma`` None: the noise level is not known."""
        ...


@runtime_checkable
class HasScore(Protocol):
    def score(self, x: Tensor, sigma: float) -> Tensor:
        """The score of data blurred by ``sigma``: (B, *D) -> (B, *D)."""
        ...


@runtime_checkable
class HasMinimum(Protocol):
    def minimum(self, sigma: float, fisher: float) -> tuple[float, float]:
        """The loss at noise level ``sigma`` as fitting left it, and the least that it can be for data whose blurred density has the
        Fisher information E|grad ln p|² = ``fisher``. Nan, nan where there is no loss."""
        ...


@runtime_checkable
class HasLogits(Protocol):
    def logits(self, x: Tensor) -> Tensor:
        """Unnormalised log-probabilities of the classes: (B, *D) -> (B, K)."""
        ...


@runtime_checkable
class HasNoisyLogits(Protocol):
    def noisy_logits(self, x: Tensor, sigma: Tensor) -> Tensor:
        """Unnormalised log-probabilities of the classes of noisy ``x``: (B, *D), sigma (B,) -> (B, K)."""
        ...


@runtime_checkable
class HasFeatures(Protocol):
    def features(self, x: Tensor) -> Tensor:
        """What the model has learned to see in ``x``: (B, *D) -> (B, F)."""
        ...


@runtime_checkable
class CanCluster(Protocol):
    def clusters(self, x: Tensor) -> Tensor:
        """The number of the cluster that each example belongs to: (B, *D) -> (B,), int64."""
        ...


@runtime_checkable
class HasAnomalyScore(Protocol):
    def anomaly_score(self, x: Tensor, *, generator: torch.Generator) -> Tensor:
        """How unlike the training data ``x`` is, high = anomalous: (B, *D) -> (B,)."""
        ...


@runtime_checkable
class CanInpaint(Protocol):
    def inpaint(self, x: Tensor, known: Tensor, *, generator: torch.Generator) -> Tensor:
        """A completion (B, *D) of ``x`` (B, *D) that equals ``x`` exactly where ``known`` (B, *D), bool, is True. What ``x``
        holds elsewhere is not looked at."""
        ...


@runtime_checkable
class CanEmbedPairs(Protocol):
    def embed_pairs(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Pictures and captions of ``batch`` as unit vectors (B, F) each, in one space."""
        ...

    def pair_energy(self, picture: Tensor, caption: Tensor) -> Tensor:
        """Of embedded pairs: (..., F), (..., F) -> (...), low = matched. Shapes broadcast."""
        ...


@runtime_checkable
class CanDepict(Protocol):
    def depict(self, text: Tensor, *, generator: torch.Generator) -> Samples:
        """A picture of each caption: (B, L) int64 -> (B, *D)."""
        ...


@runtime_checkable
class CanFit(Protocol):
    """A system with a closed form, or a library's solver, in place of phases: it sees the whole training split once."""

    def fit(self, batch: Batch, *, generator: torch.Generator) -> None: ...


@runtime_checkable
class CanCalibrate(Protocol):
    """A trained system that looks at training examples once more, with the weights that will be evaluated: a detector that is fitted
    to what those weights make of them. What it learns is in its buffers, and so in the checkpoint."""

    @property
    def calibration_examples(self) -> int:
        """How many it asks for; 0: none, :meth:`calibrate` is not called."""
        ...

    def calibrate(self, x: Tensor, *, generator: torch.Generator) -> None:
        """From ``calibration_examples`` training examples ``x`` (N, *D)."""
        ...
