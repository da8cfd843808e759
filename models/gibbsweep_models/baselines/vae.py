"""A convolutional variational autoencoder."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from gibbsweep_models.draws import bernoulli, randn
from gibbsweep_models.likelihood.complexity import compressed_bits
from gibbsweep_models.likelihood.probability_flow import bits_per_dim
from gibbsweep_models.nn.encoders.convnets import ConvDecoder, ConvEncoder
from gibbsweep_models.objectives.generation.elbo import ELBO, elbo_terms, importance_log_likelihood
from gibbsweep_models.objectives.generation.reconstruction import bernoulli_log_prob, gaussian_log_prob
from gibbsweep_models.types import DataSpec, OptimizerConfig, Phase, Samples, System, Trace, Units


@dataclass(frozen=True)
class VAEConfig:
    """A convolutional VAE: Kingma & Welling, "Auto-Encoding Variational Bayes" (2014). Binary units have a Bernoulli
    decoder; signed units a Gaussian one whose single variance is learned (Rybkin et al. 2021), so that beta = 1 needs
    no hand-tuned scale.

    >>> system = VAEConfig(channels=(4, 8), latent_dim=3).build(DataSpec((1, 8, 8)))
    >>> x = torch.zeros(2, 1, 8, 8)
    >>> system.elbo(x, generator=seeded(0)).shape
    torch.Size([2])
    """

    units: Units = "signed"
    """What the data is, which decides the decoder."""
    channels: tuple[int, ...] = (32, 64)
    """Channels of the encoder's stages; the decoder mirrors them."""
    latent_dim: int = 16
    """Dimensions of z."""
    beta: float = 1.0
    """Weight of the KL term; 1 bounds the likelihood, other values are Higgins et al.'s (2017)."""
    learning_rate: float = 2e-3
    betas: tuple[float, float] = (0.9, 0.999)
    grad_clip: float | None = None
    """Largest norm of the gradient; None for no bound."""
    ema_decay: float = 0.99
    """Decay per update of the averaged weights."""
    corrected: bool = False
    """Whether an image's anomaly score is its bits under the model less the bits of its compressed file, a likelihood
    ratio against a universal code (Serrà et al., "Input complexity and out-of-distribution detection with
    likelihood-based generative models", 2020)."""

    def build(self, spec: DataSpec) -> VAESystem:
        """The system for images (C, H, W) or voxels (C, X, Y, Z) of ``spec.shape``."""
        if self.corrected and (self.units == "binary" or len(spec.shape) != 3):
            raise ValueError(
                f"bits of a compressed file are those of images of bytes: got {self.units} units of shape "
                f"{spec.shape}, expected signed ones (C, H, W); pass corrected=False"
            )
        if spec.units != self.units:
            raise ValueError(f"got {spec.units!r} data, expected {self.units!r}; pass VAEConfig(units={spec.units!r})")
        return VAESystem(self, spec)


class VAESystem(System):
    """The model p(x, z) = p(x | z) N(z; 0, I), with a diagonal Gaussian q(z | x)."""

    def __init__(self, config: VAEConfig, spec: DataSpec) -> None:
        super().__init__()
        self.config = config
        self.ema_decay = config.ema_decay
        self.encoder = ConvEncoder(spec.shape, 2 * config.latent_dim, config.channels)
        self.decoder = ConvDecoder(spec.shape, config.latent_dim, config.channels)
        self.log_variance = nn.Parameter(torch.zeros(())) if config.units == "signed" else None

    def initialise(self, x: Tensor) -> None:
        """Start the variance of a Gaussian decoder at a tenth of that of ``x`` (N, *D), near where it will settle: one
        parameter that moves by a learning rate per update would hold back all others."""
        if self.log_variance is not None:
            with torch.no_grad():
                self.log_variance.copy_(torch.log(0.1 * x.var()))

    def phases(self) -> list[Phase]:
        config = self.config
        optimizer = OptimizerConfig("adam", config.learning_rate, config.betas)
        return [Phase("elbo", list(self.parameters()), ELBO(config.beta), optimizer, grad_clip=config.grad_clip)]

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log_variance of q(z | x): (B, *D) -> (B, latent_dim) each."""
        mean, log_variance = self.encoder(x).chunk(2, dim=1)
        return mean, log_variance

    def decode(self, z: Tensor) -> Tensor:
        """E[x | z]: (B, latent_dim) -> (B, *D), in [-1, 1] (signed) or [0, 1] (binary)."""
        output = self.decoder(z)
        return torch.sigmoid(output) if self.log_variance is None else torch.tanh(output)

    def log_prob_given_latent(self, x: Tensor, z: Tensor) -> Tensor:
        """ln p(x | z): (B, *D), (B, latent_dim) -> (B,), in nats."""
        if self.log_variance is None:
            return bernoulli_log_prob(self.decoder(z), x)
        return gaussian_log_prob(self.decode(z), self.log_variance, x)

    @torch.no_grad()
    def sample(self, n: int, *, generator: torch.Generator, trace: Trace | None = None) -> Samples:
        """``n`` examples (n, *D) from z ~ N(0, I): binary units are drawn; of signed units it is the mean E[x | z],
        as usual for Gaussian decoders. ``info["mean"]`` holds E[x | z] in both cases."""
        mean = self.decode(randn((n, self.config.latent_dim), generator=generator))
        x = bernoulli(mean, generator=generator) if self.config.units == "binary" else mean
        if trace is not None:
            trace(1, x)
        return Samples(x, nfe=1, info={"mean": mean})

    @torch.no_grad()
    def reconstruct(self, x: Tensor, *, generator: torch.Generator) -> Tensor:
        """E[x | z] at the mean of q(z | x), which needs no draw: (B, *D) -> (B, *D)."""
        del generator
        return self.decode(self.features(x))

    @torch.no_grad()
    def features(self, x: Tensor) -> Tensor:
        """The mean of q(z | x): (B, *D) -> (B, latent_dim)."""
        return self.encode(x)[0]

    @torch.no_grad()
    def elbo(self, x: Tensor, *, generator: torch.Generator) -> Tensor:
        """A lower bound on ln p(x) in expectation, one draw each: (B, *D) -> (B,), in nats."""
        log_prob, kl = elbo_terms(self, x, generator=generator)
        return log_prob - kl

    def importance_log_likelihood(self, x: Tensor, *, n_samples: int, generator: torch.Generator) -> Tensor:
        """A tighter lower bound on ln p(x) in expectation, ``n_samples`` draws each: (B, *D) -> (B,), in nats."""
        return importance_log_likelihood(self, x, n_samples=n_samples, generator=generator)

    @torch.no_grad()
    def anomaly_score(self, x: Tensor, *, generator: torch.Generator) -> Tensor:
        """-ELBO in nats, or where ``corrected`` bits per dimension of bytes less those of the compressed file: (B, *D)
        -> (B,)."""
        nats = -self.elbo(x, generator=generator)
        if not self.config.corrected:
            return nats
        dim = x[0].numel()
        return bits_per_dim(-nats, dim, bin_width=2 / 255) - compressed_bits(x) / dim
