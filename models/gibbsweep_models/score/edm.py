"""A preconditioned U-Net denoiser trained and sampled as in Karras et al. (2022)."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from gibbsweep_models.nn.precondition import EDMPrecondition
from gibbsweep_models.nn.unet import UNet
from gibbsweep_models.noise.edm import EDMSchedule
from gibbsweep_models.objectives.denoising_loss import DenoisingLoss
from gibbsweep_models.samplers.heun import Heun
from gibbsweep_models.types import DataSpec, OptimizerConfig, Phase, Samples, SignedUnits, System, Trace


@dataclass(frozen=True)
class EDMConfig(SignedUnits):
    """``sigma_data=None`` measures the standard deviation of the training data. ``conditional``: condition on the
    data's classes, dropped for a share ``label_dropout`` of the examples. ``sample_steps`` and ``s_churn`` are the
    sampler's and need no retraining."""

    channels: tuple[int, ...] = (32, 64, 64)
    blocks: int = 1
    schedule: EDMSchedule = field(default_factory=EDMSchedule)
    sigma_data: float | None = None
    conditional: bool = False
    label_dropout: float = 0.1
    learning_rate: float = 2e-3
    betas: tuple[float, float] = (0.9, 0.999)
    warmup: int = 50
    grad_clip: float | None = 1.0
    ema_decay: float = 0.995
    sample_steps: int = 18
    s_churn: float = 0.0

    def build(self, spec: DataSpec) -> EDMSystem:
        """The system for data of ``spec.shape``: (C, L), (C, H, W) or (C, D, H, W)."""
        self.check_units(spec)
        if self.conditional and spec.n_classes is None:
            raise ValueError(
                "a conditional EDM needs classes: got n_classes=None, expected their number; pass conditional=False or "
                "a data set with labels"
            )
        return EDMSystem(self, spec)


class EDMSystem(System):
    """``denoiser``: D(x; sigma), whose score is (D - x) / sigma²."""

    def __init__(self, config: EDMConfig, spec: DataSpec) -> None:
        super().__init__()
        self.config = config
        self.shape = spec.shape
        self.n_classes = spec.n_classes if config.conditional else None
        self.ema_decay = config.ema_decay
        network = UNet(spec.shape, config.channels, config.blocks, self.n_classes)
        self.denoiser = EDMPrecondition(network, 0.5 if config.sigma_data is None else config.sigma_data)
        self.sampler = Heun(config.sample_steps, config.schedule, config.s_churn)

    def initialise(self, x: Tensor) -> None:
        """Measure ``sigma_data`` on ``x`` (N, *D) unless the config gives it."""
        if self.config.sigma_data is None:
            self.denoiser.sigma_data.fill_(x.std(correction=0))

    def phases(self) -> list[Phase]:
        config = self.config
        objective = DenoisingLoss(
            config.schedule, self.n_classes, 0.0 if self.n_classes is None else config.label_dropout
        )
        optimizer = OptimizerConfig("adam", config.learning_rate, config.betas, warmup=config.warmup)
        return [Phase("denoiser", list(self.parameters()), objective, optimizer, grad_clip=config.grad_clip)]

    @torch.no_grad()
    def denoise(self, x: Tensor, sigma: Tensor | None, *, generator: torch.Generator) -> Tensor:
        """E[x_0 | x] without a condition: (B, *D), (B,) -> (B, *D). It draws nothing."""
        del generator
        if sigma is None:
            raise ValueError("an EDM denoiser must be told the noise level: got sigma=None, expected (B,)")
        denoised: Tensor = self.denoiser(x, sigma)
        return denoised

    def sample(
        self,
        n: int,
        *,
        generator: torch.Generator,
        trace: Trace | None = None,
        cond: Tensor | None = None,
    ) -> Samples:
        """``n`` examples (n, *D) from noise; ``cond`` (n,) chooses their classes."""
        start = self.sampler.start((n, *self.shape), generator=generator)
        return self.sampler(self.denoiser, start, cond=cond, generator=generator, trace=trace)
