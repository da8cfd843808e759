"""A convolutional generative adversarial network."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gibbsweep_models.draws import randint, randn
from gibbsweep_models.nn.encoders.class_conditional import ClassDecoder, ProjectionEncoder
from gibbsweep_models.nn.encoders.convnets import ConvDecoder, ConvEncoder
from gibbsweep_models.noise.masks import check_mask
from gibbsweep_models.objectives.generation.gan import AdversarialLoss, DiscriminatorLoss, GeneratorLoss
from gibbsweep_models.types import DataSpec, OptimizerConfig, Phase, Samples, SignedUnits, System, Trace


@dataclass(frozen=True)
class GANConfig(SignedUnits):
    """A convolutional GAN: non-saturating with R1 by default (Mescheder et al. 2018), or :meth:`wgan_gp` (Gulrajani et
    al. 2017), which with ``phase_shuffle=2`` on waveforms is WaveGAN (Donahue et al. 2019).

    >>> system = GANConfig(channels=(4, 8), latent_dim=5).build(DataSpec((1, 8, 8)))
    >>> system.sample(3, generator=seeded(0)).x.shape
    torch.Size([3, 1, 8, 8])
    """

    step_sizes: ClassVar[tuple[str, ...]] = ("discriminator_learning_rate", "generator_learning_rate")

    channels: tuple[int, ...] = (32, 64)
    """Channels of the discriminator's stages; the generator mirrors them."""
    latent_dim: int = 32
    """Dimensions of z."""
    loss: AdversarialLoss = "non_saturating"
    """The adversarial criterion."""
    r1: float = 0.5
    """Weight of the gradient penalty at the data (Mescheder et al. 2018); 0 for none."""
    gradient_penalty: float = 0.0
    """Weight of the penalty between data and samples (Gulrajani et al. 2017); 0 for none."""
    generator_every: int = 1
    """Discriminator updates per generator update."""
    discriminator_learning_rate: float = 1e-3
    generator_learning_rate: float = 1e-3
    betas: tuple[float, float] = (0.5, 0.99)
    """Adam's averages, of both networks."""
    ema_decay: float = 0.99
    """Decay per update of the averaged weights."""
    logit_bound: float = 1000.0
    """A larger |logit_gap| counts as divergence."""
    search_steps: int = 60
    """Steps of Adam on z when a hole is filled by latent search."""
    search_learning_rate: float = 0.1
    """Learning rate of that search."""
    search_realism: float = 0.003
    """Weight of the discriminator's judgement in that search."""
    phase_shuffle: int = 0
    """Largest random shift of a waveform's maps in the discriminator; 0 for none."""
    conditional: bool = False
    """Whether samples have a class: a vector in the generator and a projection in the discriminator (Miyato & Koyama
    2018)."""

    @classmethod
    def wgan_gp(cls, learning_rate: float) -> Self:
        """The Wasserstein loss with a gradient penalty; both networks learn at one ``learning_rate``."""
        return cls(
            loss="wasserstein",
            r1=0.0,
            gradient_penalty=10.0,
            generator_every=5,
            betas=(0.0, 0.9),
            discriminator_learning_rate=learning_rate,
            generator_learning_rate=learning_rate,
        )

    @classmethod
    def wavegan(cls, learning_rate: float, channels: tuple[int, ...], latent_dim: int) -> Self:
        """WaveGAN (Donahue et al., "Adversarial Audio Synthesis", 2019), of waveforms: a Wasserstein loss with a
        gradient penalty, and a
        critic whose phases are shuffled."""
        recipe = cls.wgan_gp(learning_rate)
        return replace(recipe, channels=channels, latent_dim=latent_dim, betas=(0.5, 0.9), phase_shuffle=2)

    def build(self, spec: DataSpec) -> GANSystem:
        """The system for waveforms (C, L), images (C, H, W) or voxels (C, X, Y, Z) of ``spec.shape`` in [-1, 1]."""
        self.check_units(spec)
        if self.conditional and spec.n_classes is None:
            raise ValueError(
                "a conditional GAN needs classes: got n_classes=None, expected their number; pass conditional=False or "
                "a data set with labels"
            )
        return GANSystem(self, spec)


class GANSystem(System):
    """A generator x = G(z), z ~ N(0, I), and its discriminator. It has no density; it samples, and fills holes by
    searching z."""

    def __init__(self, config: GANConfig, spec: DataSpec) -> None:
        super().__init__()
        self.config = config
        self.latent_dim = config.latent_dim
        self.ema_decay = config.ema_decay
        self.n_classes = spec.n_classes if config.conditional else None
        self.generator: ConvDecoder | ClassDecoder
        self.discriminator: ConvEncoder | ProjectionEncoder
        if self.n_classes is None:
            self.generator = ConvDecoder(spec.shape, config.latent_dim, config.channels)
            self.discriminator = self._encoder(spec)
        else:
            self.generator = ClassDecoder(spec.shape, config.latent_dim, self.n_classes, config.channels)
            self.discriminator = ProjectionEncoder(self._encoder(spec), self.n_classes)

    def _encoder(self, spec: DataSpec) -> ConvEncoder:
        # No normalisation: gradient penalties are defined per example, and a small discriminator trains without.
        return ConvEncoder(
            spec.shape,
            1,
            self.config.channels,
            normalise=False,
            activation=lambda: nn.LeakyReLU(0.2),
            shuffle=self.config.phase_shuffle,
        )

    def phases(self) -> list[Phase]:
        config = self.config
        options = (config.phase_shuffle > 0, config.conditional)
        return [
            Phase(
                "discriminator",
                list(self.discriminator.parameters()),
                DiscriminatorLoss(config.loss, config.r1, config.gradient_penalty, *options),
                OptimizerConfig("adam", config.discriminator_learning_rate, config.betas),
                bounds={"logit_gap": config.logit_bound},
            ),
            Phase(
                "generator",
                list(self.generator.parameters()),
                GeneratorLoss(config.loss, *options),
                OptimizerConfig("adam", config.generator_learning_rate, config.betas),
                every=config.generator_every,
            ),
        ]

    def generate(self, z: Tensor, cond: Tensor | None = None) -> Tensor:
        """Examples of latents: (B, latent_dim), and the classes (B,) of a conditional GAN -> (B, *D) in [-1, 1]."""
        return torch.tanh(self.generator(z, *self._classes(cond)))

    def discriminate(
        self, x: Tensor, cond: Tensor | None = None, *, generator: torch.Generator | None = None
    ) -> Tensor:
        """The logit of "real", or the critic's value: (B, *D), and the classes (B,) of a conditional GAN -> (B,). With
        a ``generator`` the phases of waveforms are shuffled."""
        logit: Tensor = self.discriminator(x, *self._classes(cond), generator=generator)
        return logit.squeeze(1)

    def _classes(self, cond: Tensor | None) -> tuple[Tensor, ...]:
        if (cond is None) is not (self.n_classes is None):
            raise ValueError(
                f"got cond={None if cond is None else tuple(cond.shape)} for a GAN with "
                f"conditional={self.config.conditional}, expected "
                "classes (B,) for a conditional one and None for another"
            )
        return () if cond is None else (cond,)

    def sample(self, n: int, *, generator: torch.Generator, trace: Trace | None = None) -> Samples:
        """``n`` examples (n, *D), one evaluation each; of classes drawn evenly where there are any."""
        z = randn((n, self.latent_dim), generator=generator)
        cond = None if self.n_classes is None else randint(self.n_classes, (n,), generator=generator)
        return self._sampled(z, cond, trace)

    def sample_classes(self, y: Tensor, *, generator: torch.Generator) -> Samples:
        """An example of each class of ``y`` (n,): (n, *D), one evaluation each."""
        return self._sampled(randn((len(y), self.latent_dim), generator=generator), y, None)

    @torch.no_grad()
    def _sampled(self, z: Tensor, cond: Tensor | None, trace: Trace | None) -> Samples:
        x = self.generate(z, cond)
        if trace is not None:
            trace(1, x)
        return Samples(x, nfe=1)

    def inpaint(self, x: Tensor, known: Tensor, *, generator: torch.Generator) -> Tensor:
        """The hole of the G(z) that fits the known pixels best: ``search_steps`` steps of Adam on z from N(0, I) down
        the squared error there plus ``search_realism`` softplus(-D(G(z))) (Yeh et al. 2017, equations 2 to 5). (B, *D),
        bool like it -> (B, *D); every draw of z ends in a completion of its own."""
        config = self.config
        if config.conditional:
            raise ValueError(
                "latent search fills holes without a class: got conditional=True, expected False; train an "
                "unconditional GAN"
            )
        seen = check_mask(known).to(x.dtype)
        z = randn((len(x), self.latent_dim), generator=generator).requires_grad_(True)
        search = torch.optim.Adam([z], lr=config.search_learning_rate)
        with torch.enable_grad():
            for _ in range(config.search_steps):
                image = self.generate(z)
                misfit = ((image - x).where(known, 0.0).square()).flatten(1).sum(dim=1) / seen.flatten(1).sum(dim=1)
                unreal = F.softplus(-self.discriminate(image))
                (z.grad,) = torch.autograd.grad((misfit + config.search_realism * unreal).sum(), z)
                search.step()
        return torch.where(known, x, self.generate(z).detach())
