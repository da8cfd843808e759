"""Gradients of energies with respect to their input alone: no parameter gradient is ever written."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from gibbsweep_models.capabilities import HasEnergy
from gibbsweep_models.types import EnergyFn

ScoreFn = Callable[[Tensor], Tensor]
"""A score: (B, *D) -> (B, *D)."""


def energy_of(model: EnergyFn | HasEnergy) -> EnergyFn:
    """The energy of a system (its method), or the energy itself."""
    if isinstance(model, HasEnergy):
        return model.energy
    return model


def value_of(energy: EnergyFn, x: Tensor, cond: Tensor | None = None) -> Tensor:
    """E(x) (B,). An energy without conditions need not take any: a module with ``forward(x)`` is one."""
    return energy(x) if cond is None else energy(x, cond)


def check_energy(energy: Tensor, x: Tensor) -> Tensor:
    """``energy`` (B,), or an error that says what is wrong with it."""
    if energy.shape != x.shape[:1]:
        raise ValueError(
            f"an energy maps (B, ...) to (B,): got {tuple(energy.shape)} for x {tuple(x.shape)}; "
            "squeeze the last axis, and sum over all axes but the first"
        )
    return energy


def energy_and_gradient(energy: EnergyFn, x: Tensor, cond: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """E(x) (B,) and its gradient in x (B, *D), both without a graph. Examples of a batch must not interact."""
    with torch.enable_grad():
        leaf = x.detach().requires_grad_(True)
        value = check_energy(value_of(energy, leaf, cond), leaf)
        (gradient,) = torch.autograd.grad(value.sum(), leaf)
    return value.detach(), gradient


def score_of(energy: EnergyFn, *, create_graph: bool = False) -> ScoreFn:
    """-grad_x E(x), the score of p(x) ∝ exp(-E(x)). With ``create_graph`` it can be differentiated in the
    parameters."""

    def score(x: Tensor) -> Tensor:
        with torch.enable_grad():
            leaf = x.detach().requires_grad_(True)
            value = check_energy(energy(leaf), leaf)
            (gradient,) = torch.autograd.grad(value.sum(), leaf, create_graph=create_graph)
        return -gradient

    return score


def refuse_condition(cond: Tensor | None, network: nn.Module) -> None:
    """Refuse a condition for an unconditional energy, which must not ignore it in silence."""
    if cond is not None:
        raise ValueError(
            f"{type(network).__name__} is unconditional: got cond {tuple(cond.shape)}, expected None; use a "
            "conditional energy"
        )


def check_shape(x: Tensor, shape: tuple[int, ...]) -> None:
    """Refuse examples (B, *D) of another shape D than a network was built for, before a layer does in its own words."""
    if x.shape[1:] != shape:
        raise ValueError(
            f"got x {tuple(x.shape)}, expected (B, {', '.join(map(str, shape))}); build the model with the data's shape"
        )


def trace_estimate(output: Tensor, x: Tensor, probe: Tensor, *, create_graph: bool = False) -> Tensor:
    """v . grad(v . f) per example (B,), which is the trace of f's Jacobian on average over ``probe`` v with unit
    covariance (Hutchinson 1990). ``output``: f(x) (B, *D), with a graph to ``x`` (B, *D); examples must not
    interact."""
    (product,) = torch.autograd.grad(
        output, x, probe, create_graph=create_graph, retain_graph=True, materialize_grads=True
    )
    return (product * probe).flatten(1).sum(dim=1)


def jacobian_trace(output: Tensor, x: Tensor, *, create_graph: bool = False) -> Tensor:
    """The trace of f's Jacobian per example (B,), by one differentiation a component; as :func:`trace_estimate`
    otherwise."""
    trace = x.new_zeros(len(x))
    probe = torch.zeros_like(x, memory_format=torch.contiguous_format)
    flat = probe.view(len(x), -1)
    for component in range(flat.shape[1]):
        flat.zero_()[:, component] = 1.0
        trace = trace + trace_estimate(output, x, probe.clone(), create_graph=create_graph)
    return trace
