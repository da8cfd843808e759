"""Logistic regression on raw pixels, by scikit-learn."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from gibbsweep_models.types import Batch, DataSpec, Phase, SignedUnits, System


@dataclass(frozen=True)
class LogisticRegressionConfig(SignedUnits):
    """Logistic regression with an L2 penalty on raw pixels.

    >>> system = LogisticRegressionConfig(c=1.0).build(DataSpec((4,), n_classes=2))
    >>> system.logits(torch.zeros(3, 4)).shape
    torch.Size([3, 2])
    """

    c: float = 0.1
    """Inverse strength of the L2 penalty, as scikit-learn defines it."""
    iterations: int = 200
    """Most iterations of the solver (L-BFGS)."""

    def build(self, spec: DataSpec) -> LogisticRegressionSystem:
        """The system for labelled examples of ``spec.shape`` in [-1, 1]."""
        self.check_units(spec)
        if spec.n_classes is None:
            raise ValueError("logistic regression needs classes: got data without labels; choose a labelled data set")
        return LogisticRegressionSystem(self, spec, spec.n_classes)


class LogisticRegressionSystem(System):
    """Logits W x + b of pixels in [0, 1]. They are zero, an even guess, until the system is fitted."""

    weight: Tensor
    """W, (K, D)."""
    bias: Tensor
    """b, (K,)."""

    def __init__(self, config: LogisticRegressionConfig, spec: DataSpec, n_classes: int) -> None:
        super().__init__()
        self.config = config
        self.register_buffer("weight", torch.zeros(n_classes, math.prod(spec.shape)))
        self.register_buffer("bias", torch.zeros(n_classes))

    def phases(self) -> list[Phase]:
        return []

    def fit(self, batch: Batch, *, generator: torch.Generator) -> None:
        """Fit all of ``batch["x"]`` (N, *D) and ``batch["y"]`` (N,). There is one optimum, so nothing is drawn."""
        from sklearn.linear_model import LogisticRegression

        del generator
        if "y" not in batch:
            raise ValueError(f"got a batch of {sorted(batch)}, expected labels 'y'; choose a labelled data set")
        if len(torch.unique(batch["y"])) < 2:
            raise ValueError("got examples of one class, expected two or more; choose a data set with more classes")
        model = LogisticRegression(C=self.config.c, max_iter=self.config.iterations)
        model.fit(_unit(batch["x"]).cpu().numpy(), batch["y"].cpu().numpy())
        weight, bias = torch.as_tensor(model.coef_), torch.as_tensor(model.intercept_)
        if len(weight) == 1:  # of two classes scikit-learn keeps the difference
            weight, bias = torch.cat([-weight, weight]) / 2, torch.cat([-bias, bias]) / 2
        if len(weight) != len(self.weight):
            raise ValueError(
                f"got examples of {len(weight)} classes, expected all {len(self.weight)}; keep one of each in the split"
            )
        self.weight.copy_(weight)
        self.bias.copy_(bias)

    def logits(self, x: Tensor) -> Tensor:
        """(B, *D) -> (B, K)."""
        return nn.functional.linear(_unit(x), self.weight, self.bias)


def _unit(x: Tensor) -> Tensor:
    """Pixels in [0, 1], flat: a penalty on W should not see the background, which is 0 there."""
    return (x.flatten(1) + 1.0) / 2.0
