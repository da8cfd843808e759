"""The two criteria of a generative adversarial network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal, Protocol, cast

import torch
import torch.nn.functional as F
from torch import Tensor

from gibbsweep_models.draws import rand, randn
from gibbsweep_models.noise.shape import expand_like
from gibbsweep_models.types import Batch, Loss

AdversarialLoss = Literal["non_saturating", "wasserstein"]
"""Names of the adversarial criteria."""


class Adversarial(Protocol):
    """A GAN as the criteria see it."""

    @property
    def latent_dim(self) -> int: ...

    def generate(self, z: Tensor) -> Tensor:
        """(B, latent_dim) -> (B, *D)."""
        ...

    def discriminate(self, x: Tensor) -> Tensor:
        """(B, *D) -> (B,): the logit of "real", or the critic's value."""
        ...


class Shuffling(Adversarial, Protocol):
    """A GAN whose discriminator moves its input at random."""

    def discriminate(self, x: Tensor, *, generator: torch.Generator | None = None) -> Tensor: ...


class ConditionalAdversarial(Adversarial, Protocol):
    """A GAN of classes (B,)."""

    def generate(self, z: Tensor, cond: Tensor | None = None) -> Tensor: ...

    def discriminate(self, x: Tensor, cond: Tensor | None = None) -> Tensor: ...


Judge = Callable[[Tensor], Tensor]
"""A discriminator of examples alone: (B, *D) -> (B,)."""


def _generator(model: Adversarial, batch: Batch, conditional: bool) -> Callable[[Tensor], Tensor]:
    return (
        partial(cast(ConditionalAdversarial, model).generate, cond=_classes(batch)) if conditional else model.generate
    )


def _discriminator(
    model: Adversarial, batch: Batch, conditional: bool, shuffled: bool, generator: torch.Generator
) -> Judge:
    judge: Judge = model.discriminate
    if conditional:
        judge = partial(cast(ConditionalAdversarial, model).discriminate, cond=_classes(batch))
    return partial(cast(Callable[..., Tensor], judge), generator=generator) if shuffled else judge


def _classes(batch: Batch) -> Tensor:
    if "y" not in batch:
        raise ValueError(
            f"a conditional GAN needs labels: got a batch of {sorted(batch)}, expected 'y'; choose a labelled data set"
        )
    return batch["y"]


@dataclass(frozen=True)
class DiscriminatorLoss:
    """The discriminator's criterion. Parts: ``logit_real``, ``logit_fake``, ``logit_gap`` (their difference), and
    ``penalty`` where there is one.

    >>> from gibbsweep_models.baselines.gan import GANConfig
    >>> system = GANConfig(channels=(4, 8)).build(DataSpec((1, 8, 8)))
    >>> loss = DiscriminatorLoss(r1=0.5)(system, {"x": torch.zeros(4, 1, 8, 8)}, generator=seeded(0))
    """

    loss: AdversarialLoss = "non_saturating"
    """``non_saturating``: E softplus(-D(x)) + E softplus(D(G(z))) (Goodfellow et al. 2014, equation 1, as logits),
    which is 2 log 2 at D = 0 and 2 log 2 - 2 JSD(data, G) for the optimal D. ``wasserstein``: E D(G(z)) - E D(x)
    (Arjovsky et al. 2017)."""
    r1: float = 0.0
    """Adds r1 / 2 E |grad D(x)|² at the data (Mescheder et al. 2018, equation 9)."""
    gradient_penalty: float = 0.0
    """Adds gradient_penalty E (|grad D| - 1)² at uniform mixtures of data and samples (Gulrajani et al. 2017, equation
    3)."""
    shuffled: bool = False
    """Whether the model is a :class:`Shuffling` one, which gets the generator."""
    conditional: bool = False
    """Whether the model is a :class:`ConditionalAdversarial` one: examples and samples are judged as the classes
    ``batch["y"]`` (B,), which samples are made of, so that both have the data's mix of classes."""

    def __post_init__(self) -> None:
        if self.r1 < 0 or self.gradient_penalty < 0:
            raise ValueError(
                f"got r1={self.r1} and gradient_penalty={self.gradient_penalty}, expected weights >= 0; pass 0 for none"
            )

    def __call__(self, model: Adversarial, batch: Batch, *, generator: torch.Generator) -> Loss:
        """``batch["x"]``: (B, *D)."""
        x = batch["x"]
        with torch.no_grad():
            generate = _generator(model, batch, self.conditional)
            fake = generate(randn((len(x), model.latent_dim), generator=generator))
        discriminate = _discriminator(model, batch, self.conditional, self.shuffled, generator)
        real_logit, fake_logit = discriminate(x), discriminate(fake)
        if self.loss == "wasserstein":
            total = fake_logit.mean() - real_logit.mean()
        else:
            total = F.softplus(-real_logit).mean() + F.softplus(fake_logit).mean()
        real_mean, fake_mean = real_logit.detach().mean(), fake_logit.detach().mean()
        parts = {"logit_real": real_mean, "logit_fake": fake_mean, "logit_gap": real_mean - fake_mean}
        if self.r1 > 0 or self.gradient_penalty > 0:
            penalty = self._penalty(discriminate, x, fake, generator)
            total = total + penalty
            parts["penalty"] = penalty.detach()
        return Loss(total, parts)

    def _penalty(self, discriminate: Judge, x: Tensor, fake: Tensor, generator: torch.Generator) -> Tensor:
        penalty = x.new_zeros(())
        if self.r1 > 0:
            norm = gradient_norm(discriminate, x)
            penalty = penalty + 0.5 * self.r1 * norm.square().mean()
        if self.gradient_penalty > 0:
            share = expand_like(rand((len(x),), generator=generator), x)
            norm = gradient_norm(discriminate, torch.lerp(fake.to(x.dtype), x, share))
            penalty = penalty + self.gradient_penalty * (norm - 1.0).square().mean()
        return penalty


@dataclass(frozen=True)
class GeneratorLoss:
    """The generator's criterion.

    >>> from gibbsweep_models.baselines.gan import GANConfig
    >>> system = GANConfig(channels=(4, 8)).build(DataSpec((1, 8, 8)))
    >>> loss = GeneratorLoss()(system, {"x": torch.zeros(4, 1, 8, 8)}, generator=seeded(0))
    """

    loss: AdversarialLoss = "non_saturating"
    """``non_saturating``: E softplus(-D(G(z))) (Goodfellow et al. 2014, section 3); ``wasserstein``: -E D(G(z))."""
    shuffled: bool = False
    """As for the discriminator."""
    conditional: bool = False
    """As for the discriminator."""

    def __call__(self, model: Adversarial, batch: Batch, *, generator: torch.Generator) -> Loss:
        """Draws as many latents as ``batch["x"]`` has examples; the examples themselves are not used."""
        z = randn((len(batch["x"]), model.latent_dim), generator=generator)
        discriminate = _discriminator(model, batch, self.conditional, self.shuffled, generator)
        logit = discriminate(_generator(model, batch, self.conditional)(z))
        return Loss(-logit.mean() if self.loss == "wasserstein" else F.softplus(-logit).mean())


def gradient_norm(function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """|grad f(x)| (B,) of f: (B, *D) -> (B,), differentiable in f's parameters."""
    leaf = x.detach().requires_grad_(True)
    (gradient,) = torch.autograd.grad(function(leaf).sum(), leaf, create_graph=True)
    norm: Tensor = torch.linalg.vector_norm(gradient.flatten(1), dim=1)
    return norm
