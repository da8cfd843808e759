"""Guidance: a denoiser made of others, so that samplers need no option for it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from gibbsweep_models.noise.shape import expand_like
from gibbsweep_models.types import Denoiser

NoisyLogits = Callable[[Tensor, Tensor], Tensor]
"""Logits of the classes of noisy data: (B, *D), sigma (B,) -> (B, K)."""


def _check(scale: float, interval: tuple[float, float]) -> None:
    if not math.isfinite(scale) or not 0 <= interval[0] < interval[1]:
        raise ValueError(
            f"got scale={scale} and interval={interval}, expected a finite scale and noise levels 0 <= low < high; (0, "
            "inf) guides everywhere"
        )


def _classes(cond: Tensor | None) -> Tensor:
    if cond is None:
        raise ValueError(
            "guidance needs the classes to guide to: got cond=None, expected (B,); pass them to the sampler"
        )
    return cond


def _strength(scale: float, interval: tuple[float, float], sigma: Tensor) -> Tensor:
    """``scale`` where sigma (B,) is in the interval, else 0."""
    return scale * ((sigma >= interval[0]) & (sigma <= interval[1])).to(sigma.dtype)


@dataclass(frozen=True)
class ClassifierFree:
    """D_c + ``scale`` (D_c - D_u): towards the class and away from "no class" (Ho & Salimans 2022, equation 6).

    Classes N(m, s²) whose m are N(0, t²): at a level whose r = (s² + sigma²) / (s² + t² + sigma²), the guided density
    has mean (1 + w) / (1 + w - w r) m and variance (s² + sigma²) / (1 + w - w r).

    >>> from gibbsweep_models.nn.denoisers import NetworkDenoiser
    >>> from gibbsweep_models.nn.noise_networks import UNet
    >>> denoiser = NetworkDenoiser(UNet((1, 8, 8), (8, 8), n_classes=3))
    >>> guided = ClassifierFree(scale=1.5).guide(denoiser)
    >>> guided(torch.zeros(2, 1, 8, 8), torch.ones(2), torch.tensor([0, 2])).shape
    torch.Size([2, 1, 8, 8])
    """

    scale: float = 0.3
    """Strength of the guidance w; other codes' scale is 1 + this one."""
    interval: tuple[float, float] = (0.0, math.inf)
    """Noise levels that are guided (Kynkäänniemi et al. 2024); D_c at all others."""

    def __post_init__(self) -> None:
        _check(self.scale, self.interval)

    def guide(self, denoiser: Denoiser) -> Denoiser:
        """The guided denoiser. ``denoiser`` takes cond=None as "no class". Two evaluations a call inside the interval,
        one outside."""

        def guided(x: Tensor, sigma: Tensor, cond: Tensor | None = None) -> Tensor:
            towards = denoiser(x, sigma, _classes(cond))
            strength = _strength(self.scale, self.interval, sigma)
            if not bool(strength.any()):
                return towards
            return towards + expand_like(strength, x) * (towards - denoiser(x, sigma, None))

        return guided


@dataclass(frozen=True)
class ClassifierGuidance:
    """D + ``scale`` sigma² grad ln p(y | x; sigma), by a classifier of noisy data (Dhariwal & Nichol 2021, algorithm
    1). With the exact classifier, an unconditional denoiser and scale 1, that is the conditional denoiser.

    >>> from gibbsweep_models.nn.denoisers import GaussianMixture
    >>> denoiser = GaussianMixture(torch.eye(2), stds=0.5)
    >>> guided = ClassifierGuidance(scale=2.0).guide(denoiser, lambda x, sigma: x)
    >>> guided(torch.zeros(3, 2), torch.ones(3), torch.tensor([0, 1, 1])).shape
    torch.Size([3, 2])
    """

    scale: float = 1.0
    """Strength of the guidance."""
    interval: tuple[float, float] = (0.0, math.inf)
    """Noise levels that are guided; D at all others."""
    conditional: bool = False
    """Whether the denoiser sees the class as well."""

    def __post_init__(self) -> None:
        _check(self.scale, self.interval)

    def guide(self, denoiser: Denoiser, classifier: NoisyLogits | None) -> Denoiser:
        """The guided denoiser. Two evaluations a call inside the interval, one of them differentiated."""
        if classifier is None:
            raise ValueError(
                "got no classifier, expected one of noisy data, (x, sigma) -> logits (B, K); train one, or use "
                "ClassifierFree with a conditional denoiser"
            )

        def guided(x: Tensor, sigma: Tensor, cond: Tensor | None = None) -> Tensor:
            y = _classes(cond)
            base = denoiser(x, sigma, y if self.conditional else None)
            strength = _strength(self.scale, self.interval, sigma)
            if not bool(strength.any()):
                return base
            return base + expand_like(strength * sigma.square(), x) * _gradient(classifier, x, sigma, y)

        return guided


Guidance = ClassifierFree | ClassifierGuidance


def check_guidance(
    guidance: Guidance | None, *, n_classes: int | None, conditional: bool, label_dropout: float
) -> None:
    """Refuse a ``guidance`` that a score model trained with these numbers cannot follow."""
    if guidance is None:
        return
    if n_classes is None:
        raise ValueError(
            f"{type(guidance).__name__} needs classes to guide to: got n_classes=None, expected their number; choose a "
            "data set with labels, or guidance=None"
        )
    if isinstance(guidance, ClassifierGuidance):
        if guidance.conditional is not conditional:
            raise ValueError(
                f"got guidance.conditional={guidance.conditional} for a score model with conditional={conditional}, "
                "expected the same; change one of them"
            )
    elif not conditional or label_dropout <= 0:
        raise ValueError(
            f"classifier-free guidance compares with no class: got conditional={conditional} and "
            f"label_dropout={label_dropout}, "
            "expected True and a positive share; 0.1 is usual"
        )


class Evaluations:
    """A counter of how often networks are called."""

    def __init__(self) -> None:
        self.count = 0

    def of_denoiser(self, denoiser: Denoiser) -> Denoiser:
        """``denoiser`` with its calls counted."""

        def counted(x: Tensor, sigma: Tensor, cond: Tensor | None = None) -> Tensor:
            self.count += 1
            return denoiser(x, sigma, cond)

        return counted

    def of_classifier(self, classifier: NoisyLogits) -> NoisyLogits:
        """``classifier`` with its calls counted."""

        def counted(x: Tensor, sigma: Tensor) -> Tensor:
            self.count += 1
            return classifier(x, sigma)

        return counted


def _gradient(classifier: NoisyLogits, x: Tensor, sigma: Tensor, y: Tensor) -> Tensor:
    """grad ln p(y | x; sigma): (B, *D)."""
    with torch.enable_grad():
        leaf = x.detach().requires_grad_(True)
        logits = classifier(leaf, sigma)
        if logits.ndim != 2 or len(logits) != len(x):
            raise ValueError(
                f"a classifier maps (B, *D), (B,) to logits (B, K): got {tuple(logits.shape)} for x {tuple(x.shape)}; "
                "return one value a class"
            )
        chosen = torch.log_softmax(logits, dim=1).gather(1, y[:, None]).sum()
        (gradient,) = torch.autograd.grad(chosen, leaf)
    return gradient
