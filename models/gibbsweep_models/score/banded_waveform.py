"""A score model of waveforms in the bands of a lapped transform, where a spoken word is a picture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from gibbsweep_models.nn.transforms.lapped import CompandedBands
from gibbsweep_models.objectives.composed.shifted import Shifted
from gibbsweep_models.objectives.composed.transformed import Transformed
from gibbsweep_models.score.score_model import ScoreModelConfig, ScoreModelSystem
from gibbsweep_models.types import DataSpec, Phase, Samples, SignedUnits, System, Trace


@dataclass(frozen=True)
class BandedWaveformConfig(SignedUnits):
    """A :class:`~gibbsweep_models.score.score_model.ScoreModelConfig` of the companded bands of a waveform
    (:class:`~gibbsweep_models.nn.transforms.lapped.CompandedBands`): (C, n_bands, L / n_bands). The map is invertible,
    so this is a score model of waveforms, in other coordinates.

    >>> from gibbsweep_models.nn.noise_networks import UNetConfig
    >>> from gibbsweep_models.samplers.diffusion import Heun
    >>> config = BandedWaveformConfig(ScoreModelConfig(UNetConfig((4, 8)), sampler=Heun(3)), n_bands=8, shift=2)
    >>> system = config.build(DataSpec((1, 64)))
    >>> system.sample(2, generator=seeded(0)).x.shape
    torch.Size([2, 1, 64])
    """

    score: ScoreModelConfig = field(default_factory=ScoreModelConfig)
    """The score model of the bands, with its network, its noise levels and its sampler."""
    n_bands: int = 64
    """Bands of frequency."""
    shift: int = 200
    """Most samples that a recording is shifted by in training, at random; what leaves on one side comes back on the
    other."""

    def build(self, spec: DataSpec) -> BandedWaveformSystem:
        """The system for waveforms (C, L) of ``spec.shape``, L a multiple of the bands."""
        self.check_units(spec)
        if self.shift < 0:
            raise ValueError(f"got shift={self.shift}, expected at least 0 samples; pass 0 for none")
        return BandedWaveformSystem(self, spec)


class BandedWaveformSystem(System):
    """A score model ``score`` of z = ``view``(x)."""

    def __init__(self, config: BandedWaveformConfig, spec: DataSpec) -> None:
        super().__init__()
        self.config = config
        self.shape = spec.shape
        self.view = CompandedBands(spec.shape, config.n_bands)
        self.score: ScoreModelSystem = config.score.build(replace(spec, shape=self.view.shape))
        self.ema_decay = self.score.ema_decay
        self.n_classes = self.score.n_classes
        self.samples_classes = self.score.samples_classes

    def initialise(self, x: Tensor) -> None:
        """Measure the deviation of each band on ``x`` (N, *D) and, unless the config gives it, that of the view."""
        self.view.measure(x)
        self.score.initialise(self.view(x))

    def phases(self) -> list[Phase]:
        return [
            replace(
                phase,
                objective=Shifted(Transformed(phase.objective, self.view.forward), self.config.shift),
                model=self.score if phase.model is None else phase.model,
            )
            for phase in self.score.phases()
        ]

    def sample(self, n: int, *, generator: torch.Generator, trace: Trace | None = None) -> Samples:
        """``n`` examples (n, *D) from noise, of classes drawn evenly where the model knows them."""
        seen = None if trace is None else self._as_waveforms(trace)
        return self._heard(self.score.sample(n, generator=generator, trace=seen))

    def sample_classes(self, y: Tensor, *, generator: torch.Generator) -> Samples:
        """An example of each class of ``y`` (n,): (n, *D)."""
        return self._heard(self.score.sample_classes(y, generator=generator))

    def sample_guided(self, y: Tensor, scale: float, *, generator: torch.Generator) -> Samples:
        """An example of each class of ``y`` (n,), guided as the config says but for the ``scale``: (n, *D)."""
        return self._heard(self.score.sample_guided(y, scale, generator=generator))

    def sample_in(self, n: int, n_steps: int, *, generator: torch.Generator) -> Samples:
        """``n`` examples (n, *D) in ``n_steps`` steps of the config's sampler."""
        return self._heard(self.score.sample_in(n, n_steps, generator=generator))

    def _heard(self, made: Samples) -> Samples:
        return replace(made, x=self.view.waveform(made.x))

    def _as_waveforms(self, trace: Trace) -> Callable[[int, Tensor], None]:
        def heard(step: int, z: Tensor) -> None:
            trace(step, self.view.waveform(z))

        return heard
