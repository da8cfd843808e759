"""Exponential moving average of a system's weights: what is evaluated and sampled."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class EMA:
    """The average ``shadow <- decay * shadow + (1 - decay) * weight`` after every update.

    The usual ramp ``min(decay, (1 + t) / (10 + t))`` removes the bias of the start. Decay 0 keeps no shadow and
    evaluates the weights themselves. For example::

        ema = EMA(system, decay=0.999)
        ema.update(step)
        with ema.applied():
            evaluate(system)
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        if not 0.0 <= decay < 1.0:
            raise ValueError(f"an EMA decay lies in [0, 1): got {decay}; 0 switches averaging off")
        self.decay = decay
        """The weight of the past; 0 without averaging."""
        self._parameters = dict(model.named_parameters())
        self.shadow: dict[str, Tensor] = (
            {name: p.detach().clone() for name, p in self._parameters.items()} if decay > 0 else {}
        )
        """Averaged weight by name; empty without averaging."""

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Average in the weights after update ``step`` (from 0)."""
        if not self.shadow:
            return
        decay = min(self.decay, (1 + step) / (10 + step))
        names = list(self.shadow)
        torch._foreach_lerp_(
            [self.shadow[n] for n in names], [self._parameters[n].detach() for n in names], 1.0 - decay
        )

    def load(self, shadow: dict[str, Tensor]) -> None:
        """Take over the averages of a checkpoint."""
        for name, tensor in self.shadow.items():
            tensor.copy_(shadow[name])

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Give the model the averaged weights inside the block, and its own back at the end."""
        if not self.shadow:
            yield
            return
        live = {name: self._parameters[name].detach().clone() for name in self.shadow}
        with torch.no_grad():
            for name, tensor in self.shadow.items():
                self._parameters[name].copy_(tensor)
        try:
            yield
        finally:
            with torch.no_grad():
                for name, tensor in live.items():
                    self._parameters[name].copy_(tensor)
