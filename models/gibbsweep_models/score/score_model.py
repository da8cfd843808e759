"""A trained score model of images, voxels or vectors: one network, in every way that it is trained and sampled."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Literal, Self

import torch
from torch import Tensor

from gibbsweep_models.bases.denoiser_anomaly import AnomalyScoreConfig, DenoisingErrors
from gibbsweep_models.bases.denoiser_system import DenoiserSystem, DenoiserTraining
from gibbsweep_models.capabilities import Density
from gibbsweep_models.draws import randint
from gibbsweep_models.likelihood.probability_flow import FlowLikelihood
from gibbsweep_models.nn.denoisers.guidance import ClassifierGuidance, Evaluations, Guidance, check_guidance
from gibbsweep_models.nn.denoisers.parametrisation import NetworkDenoiser, Prediction
from gibbsweep_models.nn.noise_networks.configs import UNetConfig, VectorNetConfig
from gibbsweep_models.nn.noise_networks.noisy_classifier import NoisyClassifier, NoisyClassifierConfig
from gibbsweep_models.noise.edm import EDMSchedule
from gibbsweep_models.noise.geometric import GeometricSchedule
from gibbsweep_models.noise.ladder import DDPMLadder
from gibbsweep_models.noise.linear import LinearSchedule
from gibbsweep_models.noise.shape import expand_like
from gibbsweep_models.noise.vp import VPSchedule
from gibbsweep_models.objectives.classification.noisy_cross_entropy import NoisyCrossEntropy
from gibbsweep_models.objectives.score_matching.denoising_loss import DenoisingLoss, Weight
from gibbsweep_models.objectives.score_matching.vlb import VariationalBound
from gibbsweep_models.samplers.diffusion.ancestral import Ancestral
from gibbsweep_models.samplers.diffusion.heun import Heun
from gibbsweep_models.samplers.diffusion.in_parts import sample_in_parts
from gibbsweep_models.samplers.diffusion.predictor_corrector import PredictorCorrector
from gibbsweep_models.samplers.diffusion.probability_flow import ProbabilityFlow
from gibbsweep_models.samplers.diffusion.trained_levels import DenoiserSampler, Schedule, check_levels
from gibbsweep_models.types import DataSpec, Objective, OptimizerConfig, Phase, Samples, Trace

_BYTES = 256
"""Values of a byte."""


@dataclass(frozen=True)
class ScoreModelConfig(DenoiserTraining):
    """EDM (Karras et al. 2022) by default; :meth:`ve` and :meth:`vp` are those of Song et al. (2021), :meth:`ddpm` that
    of Ho et al. (2020), :meth:`flow_matching` that of Lipman et al. (2023).

    ``schedule``, the path from data to noise, and ``predicts``, what the network says of a place on it, are axes of
    their own: every combination is a model, and exact networks of all predictions are one denoiser.

    >>> system = ScoreModelConfig(UNetConfig((8, 8)), sampler=Heun(3)).build(DataSpec((1, 8, 8)))
    >>> system.sample(2, generator=seeded(0)).x.shape
    torch.Size([2, 1, 8, 8])
    """

    network: UNetConfig | VectorNetConfig = field(default_factory=UNetConfig)
    """The network."""
    schedule: Schedule = field(default_factory=EDMSchedule)
    """Noise levels of training, in data units."""
    predicts: Prediction = "edm"
    """What the network's output means."""
    weight: Weight | Literal["vlb"] = "edm"
    """Weight of its error at each level, or ``vlb``, the variational bound of bytes, dequantised."""
    sampler: DenoiserSampler = field(default_factory=Heun)
    """The sampler. It has levels of its own, which need no retraining and must lie among those of training."""
    conditional: bool = False
    """Whether the data's classes are an input."""
    label_dropout: float = 0.1
    """Share of the examples whose class is dropped."""
    batch_size: int = 250
    """Examples sampled at once."""
    tolerance: float = 1e-3
    """Tolerance of the likelihood along the probability flow, from the lowest level of ``schedule`` to the highest."""
    n_probes: int = 1
    """Random directions that estimate a trace for it."""
    anomaly: AnomalyScoreConfig = field(default_factory=DenoisingErrors)
    """The anomaly score."""
    guidance: Guidance | None = None
    """How samples are led to their classes; None: not."""
    classifier: NoisyClassifierConfig = field(default_factory=NoisyClassifierConfig)
    """The classifier, where it guides; it learns beside the score, at the same levels."""

    @classmethod
    def ve(cls, sigma_min: float = 0.01, sigma_max: float = 50.0, n_steps: int = 1000) -> Self:
        """Variance explodes: levels even in their logarithm, the score predicted, samples by predictor and corrector
        (NCSN++)."""
        schedule = GeometricSchedule(sigma_min, sigma_max)
        return cls(
            schedule=schedule,
            predicts="score",
            weight="sigma2",
            sampler=PredictorCorrector(n_steps, schedule=schedule),
        )

    @classmethod
    def vp(cls, n_steps: int = 1000, t_min: float = 1e-3) -> Self:
        """Variance is preserved: beta on a line in continuous time, the noise predicted, ancestral steps (DDPM++)."""
        schedule = VPSchedule(t_min=t_min)
        return cls(schedule=schedule, predicts="eps", weight="sigma2", sampler=Ancestral(n_steps, schedule))

    @classmethod
    def ddpm(cls, n_levels: int = 1000) -> Self:
        """The discrete DDPM, whose ``n_levels`` levels are its steps."""
        ladder = DDPMLadder(n_levels)
        return cls(schedule=ladder, predicts="eps", weight="sigma2", sampler=Ancestral(n_levels, ladder))

    @classmethod
    def flow_matching(cls, n_steps: int = 50, t_min: float = 1e-3, t_max: float = 0.995) -> Self:
        """The straight path, its velocity predicted, samples by Heun's method on the flow (Lipman et al. 2023)."""
        schedule = LinearSchedule(t_min, t_max)
        return cls(schedule=schedule, predicts="velocity", weight="velocity", sampler=Heun(n_steps, schedule))

    def build(self, spec: DataSpec) -> ScoreModelSystem:
        """The system for data of ``spec.shape``: (C, L), (C, H, W) or (C, D, H, W) by a U-Net, any by a vector
        network."""
        self.check_units(spec)
        if self.conditional and spec.n_classes is None:
            raise ValueError(
                "a conditional score model needs classes: got n_classes=None, expected their number; pass "
                "conditional=False or a data set with labels"
            )
        if self.conditional and self.weight == "vlb":
            raise ValueError(
                "the variational bound trains without classes: got conditional=True, expected False; choose another "
                "weight"
            )
        check_levels(self.sampler, self.schedule, skips=self.predicts != "x0")
        check_guidance(
            self.guidance, n_classes=spec.n_classes, conditional=self.conditional, label_dropout=self.label_dropout
        )
        return ScoreModelSystem(self, spec)


class ScoreModelSystem(DenoiserSystem):
    """A denoiser ``denoiser``, D(x; sigma), or D(x; sigma, class) where there are classes, and ``classifier``, of noisy
    data, where one guides."""

    def __init__(self, config: ScoreModelConfig, spec: DataSpec) -> None:
        n_classes = spec.n_classes if config.conditional else None
        network = config.network.build(spec.shape, n_classes=n_classes)
        super().__init__(config, spec, NetworkDenoiser(network, config.predicts, config.first_sigma_data))
        self.config = config
        self.n_classes = n_classes
        self.anomaly = config.anomaly.build(config.schedule)
        self.classifier: NoisyClassifier | None = None
        if isinstance(config.guidance, ClassifierGuidance):
            assert spec.n_classes is not None  # build refuses it
            self.classifier = config.classifier.build(spec.shape, spec.n_classes)
        self.samples_classes = None if n_classes is None and self.classifier is None else spec.n_classes

    def phases(self) -> list[Phase]:
        config = self.config
        phases = [config.phase("denoiser", self.denoiser, self._objective())]
        if self.classifier is not None:
            form = config.classifier
            optimizer = OptimizerConfig(
                "adamw", form.learning_rate, weight_decay=form.weight_decay, schedule=config.decay, warmup=config.warmup
            )
            objective = NoisyCrossEntropy(config.schedule)
            phases.append(Phase("classifier", list(self.classifier.parameters()), objective, optimizer))
        return phases

    def _objective(self) -> Objective:
        config = self.config
        if config.weight == "vlb":
            return VariationalBound(config.schedule, dequantise=_BYTES)
        dropout = 0.0 if self.n_classes is None else config.label_dropout
        return DenoisingLoss(config.schedule, self.n_classes, dropout, config.weight)

    def sample(
        self, n: int, *, generator: torch.Generator, trace: Trace | None = None, cond: Tensor | None = None
    ) -> Samples:
        """``n`` examples (n, *D) from noise; of the classes ``cond`` (n,), or where the model knows classes, of classes
        drawn evenly, by its guidance if it has one."""
        cond = self._even(n, generator) if cond is None else cond
        return self._sampled(self.config.sampler, n, cond, generator, trace)

    def sample_classes(self, y: Tensor, *, generator: torch.Generator) -> Samples:
        """An example of each class of ``y`` (n,): (n, *D)."""
        if self.samples_classes is None:
            raise ValueError(
                "this score model knows no classes: got labels, expected sample(n); train it with conditional=True, or "
                "guide it by a classifier"
            )
        return self._sampled(self.config.sampler, len(y), y, generator, None)

    def sample_guided(self, y: Tensor, scale: float, *, generator: torch.Generator) -> Samples:
        """An example of each class of ``y`` (n,), guided as the config says but for the ``scale``: (n, *D)."""
        if self.config.guidance is None:
            raise ValueError(
                f"this score model has no guidance: got scale={scale}, expected sample_classes(y); pass guidance="
            )
        guidance = replace(self.config.guidance, scale=scale)
        return self._sampled(self.config.sampler, len(y), y, generator, None, guidance)

    def sample_in(self, n: int, n_steps: int, *, generator: torch.Generator) -> Samples:
        """``n`` examples (n, *D) in ``n_steps`` steps of the config's sampler, of classes drawn evenly where there are
        any."""
        if isinstance(self.config.sampler, ProbabilityFlow):
            raise TypeError(
                f"an adaptive sampler chooses its steps: got n_steps={n_steps}, expected a tolerance; change "
                "sampler.rtol"
            )
        cond = self._even(n, generator)
        return self._sampled(replace(self.config.sampler, n_steps=n_steps), n, cond, generator, None)

    def noisy_logits(self, x: Tensor, sigma: Tensor) -> Tensor:
        """Logits of the classes of ``x`` at noise level ``sigma``, scaled for the classifier as for the denoiser: (B,
        *D), (B,) -> (B, K)."""
        if self.classifier is None:
            raise ValueError(
                "this score model has no classifier: pass guidance=ClassifierGuidance() to train one beside it"
            )
        c = self.denoiser.coefficients(sigma)
        logits: Tensor = self.classifier(expand_like(c.c_in, x) * x, c.c_noise)
        return logits

    def _even(self, n: int, generator: torch.Generator) -> Tensor | None:
        return None if self.samples_classes is None else randint(self.samples_classes, (n,), generator=generator)

    def _sampled(
        self,
        sampler: DenoiserSampler,
        n: int,
        cond: Tensor | None,
        generator: torch.Generator,
        trace: Trace | None,
        guidance: Guidance | None = None,
    ) -> Samples:
        guidance = guidance or self.config.guidance
        evaluations = Evaluations()
        denoiser = evaluations.of_denoiser(self.denoiser)
        if isinstance(guidance, ClassifierGuidance):
            denoiser = guidance.guide(denoiser, evaluations.of_classifier(self.noisy_logits))
        elif guidance is not None:
            denoiser = guidance.guide(denoiser)
        size = self.config.batch_size
        made = sample_in_parts(
            sampler, denoiser, n, self.shape, cond=cond, generator=generator, batch_size=size, trace=trace
        )
        if guidance is None:
            return made
        # A sampler counts calls of the guided denoiser, which are two evaluations where it guides.
        parts = 1 if trace is not None else math.ceil(n / size)
        return replace(made, nfe=math.ceil(evaluations.count / parts))

    def density(self, x: Tensor, *, generator: torch.Generator) -> Density:
        """ln p (B,) of ``x`` (B, *D), blurred by the lowest level of training, without a class."""
        config = self.config
        flow = FlowLikelihood(config.schedule, config.n_probes, config.tolerance, config.tolerance)
        density = flow(self.denoiser, x, generator=generator)
        return Density(density.log_prob, density.nfe)

    @torch.no_grad()
    def variational_bits(self, x: Tensor, *, generator: torch.Generator) -> dict[str, Tensor]:
        """``prior``, ``diffusion`` and ``reconstruction`` in bits per dimension of bytes ``x`` (B, *D), (B,) each,
        without a class; neighbours at neighbouring levels."""
        return VariationalBound(self.config.schedule, _BYTES).terms(self.denoiser, x, generator=generator)

    @property
    def calibration_examples(self) -> int:
        """The number of training examples that the anomaly score is fitted to, once the denoiser is trained."""
        return self.anomaly.n_examples

    @torch.no_grad()
    def calibrate(self, x: Tensor, *, generator: torch.Generator) -> None:
        """Fit the anomaly score to ``calibration_examples`` training examples ``x`` (N, *D)."""
        self.anomaly.fit(self.denoiser, x, generator=generator)

    @torch.no_grad()
    def anomaly_score(self, x: Tensor, *, generator: torch.Generator) -> Tensor:
        """The anomaly score of the config, without a class: (B, *D) -> (B,)."""
        score: Tensor = self.anomaly(self.denoiser, x, generator=generator)
        return score
