"""What a system's abilities are asked for: counts, generators and types that cannot be are refused in a sentence."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from gibbsweep_models.draws import check_generator

ABILITIES = {"sample", "energy", "denoise", "anomaly_score", "reconstruct", "features", "logits"}
"""The methods of a system that are called with what a user has at hand."""


def check_asked(ability: Callable[..., Any]) -> Callable[..., Any]:
    """The method ``ability`` of a system, which says what is wrong with what it is given.

    ``n`` and ``generator`` are looked at before it runs; types of numbers only after PyTorch has refused them, as many
    systems work in any.
    """

    @functools.wraps(ability)
    def checked(system: nn.Module, *given: Any, **named: Any) -> Any:
        if ability.__name__ == "sample" and (given or "n" in named):
            check_count(given[0] if given else named["n"])
        if "generator" in named:
            check_generator(named["generator"])
        try:
            return ability(system, *given, **named)
        except torch.OutOfMemoryError:
            raise
        except RuntimeError as error:
            if not (sentence := _mixed(system, [*given, *named.values()])):
                raise
            raise TypeError(f"{type(system).__name__}.{ability.__name__}: {sentence}") from error

    return checked


def check_count(n: Any) -> None:
    """Raise ValueError or TypeError for a number of samples that is none."""
    if isinstance(n, bool) or not hasattr(n, "__index__"):  # NumPy's whole numbers have it, too
        raise TypeError(f"got n={n!r} samples, expected a whole number, 1 or more")
    if n < 1:
        raise ValueError(f"got n={n} samples, expected 1 or more")


def _mixed(system: nn.Module, given: list[Any]) -> str:
    """A sentence where numbers of several types met, "" where all are of one."""
    held: list[Tensor] = [*system.parameters()] or [
        *system.buffers()
    ]  # statistics in float64 are buffers beside weights
    weights = {x.dtype for x in held if x.is_floating_point()}
    numbers = {x.dtype for x in given if isinstance(x, Tensor) and x.is_floating_point()}
    if weights | numbers <= {torch.float32}:
        return ""
    return (
        f"the weights are {_names(weights)}, the input {_names(numbers)}, and noise is drawn as float32; call "
        "system.float(), and x.float() where there is an x"
    )


def _names(types: set[torch.dtype]) -> str:
    return " and ".join(sorted(str(kind).removeprefix("torch.") for kind in types)) or "none"
