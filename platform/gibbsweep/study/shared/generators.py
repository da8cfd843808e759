"""The GANs and VAEs that studies of samples compare with: their spaces, and their sizes at the budgets of a GPU."""

from __future__ import annotations

from collections.abc import Mapping

from gibbsweep.study.contender import Contender, Sizes
from gibbsweep.study.space import Choice, Float, Space
from gibbsweep.train import Budget
from gibbsweep_models.baselines.gan import GANConfig
from gibbsweep_models.baselines.vae import VAEConfig

GAN_RATES: Space = {
    "discriminator_learning_rate": Float(1e-4, 3e-3, log=True),
    "generator_learning_rate": Float(1e-4, 3e-3, log=True),
}
"""The learning rates of both sides of a GAN."""
SMALL_CHANNELS: Sizes = {"smoke": {"channels": (8, 8)}}
"""A convolutional network in a smoke run."""


def wide_channels(latent_dim: int) -> Sizes:
    """A convolutional network with ``latent_dim`` latent dimensions at the budgets of a GPU, its weights averaged."""
    return {
        name: {"channels": (64, 128, 256), "latent_dim": latent_dim, "ema_decay": 0.999} for name in ("gpu", "paper")
    }


def gan(learning_rate: float, budgets: Mapping[str, Budget]) -> Contender:
    """A non-saturating GAN of images, with R1. ``learning_rate``: of both sides, untuned."""
    return Contender(
        GANConfig(discriminator_learning_rate=learning_rate, generator_learning_rate=learning_rate),
        space={**GAN_RATES, "r1": Float(0.05, 5.0, log=True)},
        budgets=budgets,
        by_budget=wide_channels(64),
    )


def wgan_gp(budgets: Mapping[str, Budget]) -> Contender:
    """A WGAN of images, with gradient penalty."""
    return Contender(
        GANConfig.wgan_gp(learning_rate=1e-3),
        space={**GAN_RATES, "generator_every": Choice(2, 5)},
        budgets=budgets,
        by_budget=wide_channels(64),
    )


def vae(latent_dim: int, searched: Choice, *, large: int) -> Contender:
    """A VAE of images with ``latent_dim`` latent dimensions, or those that are ``searched``, for as long as its study
    says; ``large``: its latent dimensions on a GPU."""
    return Contender(
        VAEConfig(latent_dim=latent_dim, learning_rate=3e-3),
        space={"learning_rate": Float(3e-4, 5e-3, log=True), "beta": Float(0.3, 1.0), "latent_dim": searched},
        by_budget=wide_channels(large),
    )


def solid_baselines(
    channels: tuple[int, ...], *, gan: Mapping[str, Budget], vae: Mapping[str, Budget]
) -> dict[str, Contender]:
    """``gan``, a 3-D GAN (Wu et al. 2016; with R1), and ``vae``, of Bernoulli units, both of ``channels`` and trained
    for the budgets given."""
    return {
        "gan": Contender(
            GANConfig(channels=channels),
            space={**GAN_RATES, "r1": Float(0.05, 5.0, log=True)},
            budgets=gan,
            by_budget={**SMALL_CHANNELS, **wide_channels(200)},
        ),
        "vae": Contender(
            VAEConfig(units="binary", channels=channels, latent_dim=32),
            space={"learning_rate": Float(3e-4, 5e-3, log=True), "beta": Float(0.3, 2.0, log=True)},
            budgets=vae,
            by_budget={**SMALL_CHANNELS, **wide_channels(100)},
        ),
    }
