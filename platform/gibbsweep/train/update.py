"""One update: every phase once."""

from __future__ import annotations

import torch
from torch import Tensor

from gibbsweep.train.divergence import check_divergence
from gibbsweep.train.precision import Precision, autocast
from gibbsweep_models import parallel
from gibbsweep_models.types import Batch, Phase, System


def update(
    system: System,
    phases: list[Phase],
    optimizers: list[torch.optim.Optimizer],
    batch: Batch,
    *,
    step: int,
    updates: int,
    precision: Precision,
    generator: torch.Generator,
) -> dict[str, float]:
    """Run update ``step`` (from 0) in place; returns ``phase/part`` -> value, each the mean over the global batch;
    ``phase/nfe`` where the objective states the network evaluations of its sampler.

    Raises Diverged before the optimiser step of the phase in which something left its bounds.
    """
    report: dict[str, float] = {}
    for phase, optimizer in zip(phases, optimizers, strict=True):
        if not phase.runs_at(step):
            continue
        for group in optimizer.param_groups:
            group["lr"] = phase.learning_rate_at(step, updates)
        for parameter in phase.parameters:
            parameter.grad = None  # zero_grad's hooks cost a small model a fiftieth of its update
        with autocast(precision, batch["x"].device):
            loss = phase.objective(system if phase.model is None else phase.model, batch, generator=generator)
        loss.backward()
        parallel.average_gradients(phase.parameters)
        parts = _numbers({"loss": loss.total.detach(), **loss.parts})
        check_divergence(step, phase.name, parts, phase.bounds)
        if phase.grad_clip is not None:
            norm = torch.nn.utils.clip_grad_norm_(phase.parameters, phase.grad_clip)
            parts["grad_norm"] = float(norm)
            check_divergence(step, phase.name, parts, phase.bounds)
        optimizer.step()
        if loss.nfe is not None:
            parts["nfe"] = loss.nfe
        report |= {f"{phase.name}/{name}": value for name, value in parts.items()}
    return report


def _numbers(scalars: dict[str, Tensor]) -> dict[str, float]:
    """Their means over the workers, so that every worker stops or none does."""
    if parallel.world_size() == 1 and all(scalar.device.type == "cpu" for scalar in scalars.values()):
        return {name: scalar.item() for name, scalar in scalars.items()}
    values = torch.stack([scalar.float() for scalar in scalars.values()])  # one transfer for all numbers
    return dict(zip(scalars, parallel.all_mean(values).tolist(), strict=True))
