"""A denoiser of waveforms: DiffWave, and networks like it trained and sampled in other ways."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

import torch
from torch import Tensor

from gibbsweep_models.draws import randint
from gibbsweep_models.nn.denoisers.parametrisation import NetworkDenoiser, Prediction
from gibbsweep_models.nn.noise_networks.configs import DilatedNetConfig, UNetConfig
from gibbsweep_models.nn.noise_networks.waveform_patches import PatchedWaveform
from gibbsweep_models.noise.edm import EDMSchedule
from gibbsweep_models.noise.ladder import DDPMLadder
from gibbsweep_models.noise.shape import expand_like
from gibbsweep_models.objectives.composed.transformed import Transformed
from gibbsweep_models.objectives.score_matching.denoising_loss import DenoisingLoss, Weight
from gibbsweep_models.samplers.diffusion.ancestral import Ancestral
from gibbsweep_models.samplers.diffusion.annealed_langevin import AnnealedLangevin
from gibbsweep_models.samplers.diffusion.heun import Heun
from gibbsweep_models.samplers.diffusion.in_parts import sample_in_parts
from gibbsweep_models.types import DataSpec, OptimizerConfig, Phase, Samples, SignedUnits, System, Trace

WaveformSampler = Heun | Ancestral | AnnealedLangevin
"""Samplers of a waveform."""


@dataclass(frozen=True)
class WaveformScoreConfig(SignedUnits):
    """EDM's training and its deterministic sampler by default; :meth:`diffwave` is DiffWave's.

    >>> system = WaveformScoreConfig(DilatedNetConfig(4, 3, 3), sampler=Heun(3)).build(DataSpec((1, 64)))
    >>> system.sample(2, generator=seeded(0)).x.shape
    torch.Size([2, 1, 64])
    """

    network: DilatedNetConfig | UNetConfig = field(default_factory=DilatedNetConfig)
    """The network."""
    patch: int = 8
    """Neighbouring samples that become the channels of one place before the network
    (:class:`~gibbsweep_models.nn.noise_networks.waveform_patches.PatchedWaveform`); the published DiffWave has 1."""
    predicts: Prediction = "edm"
    """What the network's output means."""
    weight: Weight = "edm"
    """Weight of its error at each level."""
    schedule: EDMSchedule | DDPMLadder = field(default_factory=EDMSchedule)
    """Noise levels of training, in the units of the multiplied waveforms."""
    sampler: WaveformSampler = field(default_factory=Heun)
    """The sampler."""
    deviation: float = 0.5
    """Standard deviation of the multiplied training data. Waveforms are multiplied by one number, since speech is much
    quieter than the [-1, 1] it is kept in."""
    conditional: bool = False
    """Whether the data's classes are an input."""
    label_dropout: float = 0.1
    """Share of the examples whose class is dropped."""
    batch_size: int = 250
    """Examples sampled at once."""
    learning_rate: float = 1e-3
    betas: tuple[float, float] = (0.9, 0.999)
    warmup: int = 50
    """Updates over which the learning rate rises."""
    grad_clip: float | None = 1.0
    """Largest norm of the gradient; None for no bound."""
    ema_decay: float = 0.995
    """Decay per update of the averaged weights."""

    def __post_init__(self) -> None:
        if self.deviation <= 0:
            raise ValueError(f"got deviation={self.deviation}, expected a positive one; 0.5 is EDM's, 1 DDPM's")

    @classmethod
    def diffwave(cls, n_levels: int = 200, beta_last: float = 0.02) -> WaveformScoreConfig:
        """Kong et al. (2021): the noise is predicted, levels are drawn evenly from a DDPM's with betas on a line from
        1e-4 and weighted alike, and samples take its ``n_levels`` ancestral steps. Their 50 levels end at .05. Its
        levels are made for unit variance."""
        ladder = DDPMLadder(n_levels, 1e-4, beta_last)
        return cls(
            predicts="eps",
            weight="sigma2",
            schedule=ladder,
            sampler=Ancestral(n_levels, ladder),
            deviation=1.0,
            learning_rate=2e-4,
        )

    def build(self, spec: DataSpec) -> WaveformScoreSystem:
        """The system for waveforms (C, L) of ``spec.shape``."""
        self.check_units(spec)
        if self.conditional and spec.n_classes is None:
            raise ValueError(
                "a conditional WaveformScore needs classes: got n_classes=None, expected their number; pass "
                "conditional=False or a data set with labels"
            )
        return WaveformScoreSystem(self, spec)


class WaveformScoreSystem(System):
    """A denoiser ``denoiser``, D(z; sigma), of the waveform z = ``gain`` x."""

    gain: Tensor
    """The number that waveforms are multiplied by, ()."""

    def __init__(self, config: WaveformScoreConfig, spec: DataSpec) -> None:
        super().__init__()
        self.config = config
        self.shape = spec.shape
        self.n_classes = spec.n_classes if config.conditional else None
        self.ema_decay = config.ema_decay
        network = PatchedWaveform(spec.shape, config.patch, partial(config.network.build, n_classes=self.n_classes))
        self.denoiser = NetworkDenoiser(network, config.predicts, config.deviation)
        self.register_buffer("gain", torch.ones(()))

    def initialise(self, x: Tensor) -> None:
        """Measure the gain on ``x`` (N, *D)."""
        self.gain.fill_(self.config.deviation / x.std(correction=0))

    def phases(self) -> list[Phase]:
        config = self.config
        dropout = 0.0 if self.n_classes is None else config.label_dropout
        objective = DenoisingLoss(config.schedule, self.n_classes, dropout, config.weight)
        optimizer = OptimizerConfig("adam", config.learning_rate, config.betas, warmup=config.warmup)
        return [
            Phase(
                "denoiser",
                list(self.parameters()),
                Transformed(objective, self._amplified),
                optimizer,
                grad_clip=config.grad_clip,
            )
        ]

    def _amplified(self, x: Tensor) -> Tensor:
        return x * self.gain

    @torch.no_grad()
    def denoise(self, x: Tensor, sigma: Tensor | None, *, generator: torch.Generator) -> Tensor:
        """E[x_0 | x] without a condition, ``sigma`` in the units of ``x``: (B, *D), (B,) -> (B, *D). It draws
        nothing."""
        del generator
        if sigma is None:
            raise ValueError("this denoiser must be told the noise level: got sigma=None, expected (B,)")
        denoised: Tensor = self.denoiser(x * expand_like(self.gain.expand(len(x)), x), sigma * self.gain)
        return denoised / self.gain

    def sample(self, n: int, *, generator: torch.Generator, trace: Trace | None = None) -> Samples:
        """``n`` examples (n, *D) from noise, of classes drawn evenly where the model knows them. A ``trace`` sees them
        at their own loudness."""
        y = None if self.n_classes is None else randint(self.n_classes, (n,), generator=generator)
        return self._sampled(n, y, generator, trace)

    def sample_classes(self, y: Tensor, *, generator: torch.Generator) -> Samples:
        """An example of each class of ``y`` (n,): (n, *D)."""
        if self.n_classes is None:
            raise ValueError(
                "this model knows no classes to sample: got labels, expected sample(n); train it with conditional=True"
            )
        return self._sampled(len(y), y, generator, None)

    def _sampled(self, n: int, y: Tensor | None, generator: torch.Generator, trace: Trace | None) -> Samples:
        def at_own_loudness(step: int, x: Tensor) -> None:
            assert trace is not None
            trace(step, x / self.gain)

        made = sample_in_parts(
            self.config.sampler,
            self.denoiser,
            n,
            self.shape,
            cond=y,
            generator=generator,
            batch_size=self.config.batch_size,
            trace=None if trace is None else at_own_loudness,
        )
        return Samples(made.x / self.gain, made.nfe, made.info)
