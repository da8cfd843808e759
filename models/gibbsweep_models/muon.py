"""Muon: momentum whose singular values are all made one, for the matrices of a network."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any, overload

import torch
from torch import Tensor, nn

_COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Of the quintic a s + b s³ + c s⁵ that carries singular values from (0, 1] near 1, fast rather than exactly (Jordan et
al. 2024)."""
_EPSILON = 1e-8


def orthogonalised(matrix: Tensor, steps: int = 5) -> Tensor:
    """About U V^T of ``matrix`` = U S V^T (m, n), by ``steps`` of Newton and Schulz: singular values within .68 and
    1.13 unless they were below some thousandth of the largest."""
    a, b, c = _COEFFICIENTS
    wide = matrix.T if matrix.shape[0] > matrix.shape[1] else matrix
    x = wide / (wide.norm() + _EPSILON)
    for _ in range(steps):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.T if matrix.shape[0] > matrix.shape[1] else x


class Muon(torch.optim.Optimizer):
    """Parameters of two or more axes (kernels of convolutions flattened to (out, in x places)) move along their
    orthogonalised Nesterov momentum, all others by AdamW (Jordan et al., "Muon: An optimizer for hidden layers in
    neural networks", 2024). Steps of a matrix (m, n) are multiplied by 0.2 sqrt(max(m, n)), which gives them the size
    of Adam's (Liu et al., "Muon is Scalable for LLM Training", 2025), so Adam's learning rates and decays hold.

    PyTorch's own ``torch.optim.Muon`` takes matrices alone, and no kernels.

    >>> optimizer = Muon([nn.Parameter(torch.ones(4, 3)), nn.Parameter(torch.ones(4))], lr=1e-3)
    """

    def __init__(
        self,
        parameters: Iterable[nn.Parameter],
        lr: float = 1e-3,
        momentum: float = 0.95,
        betas: tuple[float, float] = (0.9, 0.999),
        weight_decay: float = 0.0,
    ) -> None:
        if lr < 0 or not 0 <= momentum < 1 or not all(0 <= beta < 1 for beta in betas) or weight_decay < 0:
            raise ValueError(
                f"got lr={lr}, momentum={momentum}, betas={betas} and weight_decay={weight_decay}, expected "
                "non-negative numbers, and momentum and betas below 1; correct the one that is not"
            )
        super().__init__(parameters, {"lr": lr, "momentum": momentum, "betas": betas, "weight_decay": weight_decay})

    @overload
    def step(self, closure: None = None) -> None: ...

    @overload
    def step(self, closure: Callable[[], float]) -> float: ...

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:
        """Move every parameter that has a gradient."""
        loss: float | None = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                parameter.mul_(1 - group["lr"] * group["weight_decay"])
                move = self._along_momentum if parameter.ndim >= 2 else self._by_adam
                move(parameter, parameter.grad, self.state[parameter], group)
        return loss

    @staticmethod
    def _along_momentum(parameter: Tensor, gradient: Tensor, state: dict[str, Any], group: dict[str, Any]) -> None:
        if not state:
            state["momentum_buffer"] = torch.zeros_like(parameter)
        average: Tensor = state["momentum_buffer"]
        average.lerp_(gradient, 1 - group["momentum"])
        ahead = gradient.lerp(average, group["momentum"]).flatten(1)
        size = 0.2 * math.sqrt(max(ahead.shape))
        parameter.add_(orthogonalised(ahead).reshape(parameter.shape), alpha=-group["lr"] * size)

    @staticmethod
    def _by_adam(parameter: Tensor, gradient: Tensor, state: dict[str, Any], group: dict[str, Any]) -> None:
        if not state:
            state["step"] = torch.zeros(())
            state["exp_avg"] = torch.zeros_like(parameter)
            state["exp_avg_sq"] = torch.zeros_like(parameter)
        beta, beta_square = group["betas"]
        state["step"] += 1
        n = float(state["step"])
        state["exp_avg"].lerp_(gradient, 1 - beta)
        state["exp_avg_sq"].lerp_(gradient.square(), 1 - beta_square)
        root = (state["exp_avg_sq"] / (1 - beta_square**n)).sqrt_().add_(_EPSILON)
        parameter.addcdiv_(state["exp_avg"], root, value=-group["lr"] / (1 - beta**n))
