"""An energy trained by denoising score matching over many noise levels."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from gibbsweep_models.nn.energy_denoiser import EnergyDenoiser
from gibbsweep_models.nn.patches import PatchUNet
from gibbsweep_models.noise.geometric import GeometricSchedule
from gibbsweep_models.objectives.denoising_loss import DenoisingLoss
from gibbsweep_models.samplers.annealed_inpainting import AnnealedInpainting
from gibbsweep_models.types import DataSpec, OptimizerConfig, Phase, SignedUnits, System


@dataclass(frozen=True)
class DSMEnergyConfig(SignedUnits):
    """``schedule``: the noise levels of training, in data units. ``blind_at``: None for an energy E(x; sigma) that is told the
    noise level, else one energy for all levels, whose Tweedie step is taken as if the level were ``blind_at``.
    ``inpainting``: the sampler that fills holes. ``patch``: the network sees blocks of so many pixels squared as channels."""

    channels: tuple[int, ...] = (32, 64)
    blocks: int = 1
    patch: int = 2
    schedule: GeometricSchedule = field(default_factory=lambda: GeometricSchedule(0.1, 1.1))
    blind_at: float | None = None
    sigma_data: float | None = None
    inpainting: AnnealedInpainting = field(default_factory=AnnealedInpainting)
    learning_rate: float = 2e-3
    betas: tuple[float, float] = (0.9, 0.99)
    warmup: int = 20
    grad_clip: float | None = 1.0
    ema_decay: float = 0.98

    def build(self, spec: DataSpec) -> DSMEnergySystem:
        """The system for images of ``spec.shape`` (C, H, W) in [-1, 1]."""
        self.check_units(spec)
        return DSMEnergySystem(self, spec)


class DSMEnergySystem(System):
    """``denoiser``: D(x; sigma) = x - sigma² grad E(x; sigma). Trained by its squared error, which is denoising score matching
    (Vincent 2011): |D - x_0|² = sigma⁴ |-grad E + n / sigma|²."""

    def __init__(self, config: DSMEnergyConfig, spec: DataSpec) -> None:
        super().__init__()
        self.config = config
        self.shape = spec.shape
        self.ema_decay = config.ema_decay
        network = PatchUNet(spec.shape, config.channels, config.blocks, config.patch)
        self.denoiser = EnergyDenoiser(
            network, 0.5 if config.sigma_data is None else config.sigma_data, config.blind_at
        )

    def initialise(self, x: Tensor) -> None:
        """Measure ``sigma_data`` on ``x`` (N, *D) unless the config gives it."""
        if self.config.sigma_data is None:
            self.denoiser.sigma_data.fill_(x.std(correction=0))

    def phases(self) -> list[Phase]:
        config = self.config
        optimizer = OptimizerConfig("adam", config.learning_rate, config.betas, schedule="cosine", warmup=config.warmup)
        return [
            Phase(
                "energy", list(self.parameters()), DenoisingLoss(config.schedule), optimizer, grad_clip=config.grad_clip
            )
        ]

    def energy(self, x: Tensor, cond: Tensor | None = None) -> Tensor:
        """(B, C, H, W) -> (B,): of data blurred by the lowest noise level (a blind energy: by the level of ``blind_at``)."""
        if cond is not None:
            raise ValueError(f"DSMEnergy is unconditional: got cond {tuple(cond.shape)}, expected None; leave it out")
        self._check(x)
        sigma = self.config.schedule.sigma_min
        return self.denoiser.energy(x, self.denoiser.told(x.new_full((len(x),), sigma)))

    @torch.no_grad()
    def denoise(self, x: Tensor, sigma: Tensor | None, *, generator: torch.Generator) -> Tensor:
        """Tweedie's step x - sigma² grad E: (B, C, H, W), (B,) or None where blind -> (B, C, H, W). It draws nothing."""
        del generator
        self._check(x)
        if sigma is None:
            if self.config.blind_at is None:
                raise ValueError(
                    "this energy must be told the noise level: got sigma=None, expected (B,); train a blind one with "
                    "blind_at"
                )
            sigma = x.new_full((len(x),), self.config.blind_at)
        denoised: Tensor = self.denoiser(x, sigma)
        return denoised

    @torch.no_grad()
    def inpaint(self, x: Tensor, known: Tensor, *, generator: torch.Generator) -> Tensor:
        """Annealed Langevin dynamics on the unknown pixels: (B, C, H, W), bool (B, C, H, W) -> (B, C, H, W)."""
        if self.config.blind_at is not None:
            raise ValueError(
                "annealing needs an energy that is told the noise level: got a blind one; pass blind_at=None"
            )
        self._check(x)
        return self.config.inpainting.inpaint(self.denoiser, x, known, generator=generator)

    def _check(self, x: Tensor) -> None:
        if x.shape[1:] != self.shape:
            raise ValueError(
                f"got x {tuple(x.shape)}, expected (B, {', '.join(map(str, self.shape))}); build the system with the "
                "data's shape"
            )
