"""Several criteria of one phase, added up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from gibbsweep_models.types import Batch, Loss, Objective


class WeightedSum(nn.Module):
    """total = sum of weight * term, each term an objective called with the same model and batch (JEM: cross-entropy
    plus contrastive divergence).

    Parts are named ``TERM_loss`` and ``TERM_PART``. Terms that keep state (a replay buffer) are submodules, so that it
    is saved and moved with this one. A term of weight 0 is not evaluated.

    >>> from gibbsweep_models.objectives.cd import LangevinCD
    >>> from gibbsweep_models.objectives.classification import CrossEntropy
    >>> objective = WeightedSum({"ce": (1.0, CrossEntropy()), "cd": (0.1, LangevinCD().objective((1, 8, 8)))})
    """

    def __init__(self, terms: Mapping[str, tuple[float, Objective]]) -> None:
        super().__init__()
        if not terms:
            raise ValueError("a weighted sum needs at least one term: got none; pass {name: (weight, objective)}")
        self.weights = {name: weight for name, (weight, _) in terms.items()}
        self.terms: dict[str, Objective] = {name: objective for name, (_, objective) in terms.items()}
        for name, objective in self.terms.items():
            if isinstance(objective, nn.Module):
                self.add_module(name, objective)

    def forward(self, model: Any, batch: Batch, *, generator: torch.Generator) -> Loss:
        total = torch.zeros((), device=batch["x"].device)
        parts = {}
        nfe: int | None = None
        for name, objective in self.terms.items():
            if self.weights[name] == 0:
                continue
            loss = objective(model, batch, generator=generator)
            total = total + self.weights[name] * loss.total
            parts[f"{name}_loss"] = loss.total.detach()
            parts |= {f"{name}_{part}": value for part, value in loss.parts.items()}
            if loss.nfe is not None:
                nfe = (nfe or 0) + loss.nfe
        return Loss(total, parts, nfe=nfe)
