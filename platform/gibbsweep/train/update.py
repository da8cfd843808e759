"""One update: every phase once."""

from __future__ import annotations

import torch
from torch import Tensor

from gibbsweep.errors import UserError
from gibbsweep.precisions import Precision
from gibbsweep.train.divergence import check_divergence
from gibbsweep.train.precision import autocast
from gibbsweep_models import draws, parallel
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
    generator: draws.ShardedGenerator,
    accumulate: int = 1,
) -> dict[str, float]:
    """Run update ``step`` (from 0) in place, each phase on ``accumulate`` parts of the batch in turn.

    Returns ``phase/part`` -> value, each the mean over the global batch, and ``phase/nfe`` where the objective states
    the network evaluations of its sampler. Raises Diverged before the optimiser step of the phase in which something
    left its bounds.
    """
    report: dict[str, float] = {}
    for phase, optimizer in zip(phases, optimizers, strict=True):
        if not phase.runs_at(step):
            continue
        rate = phase.learning_rate_at(step, updates)
        for group in optimizer.param_groups if rate is not None else ():
            group["lr"] = rate
        for parameter in phase.parameters:
            parameter.grad = None  # zero_grad's hooks cost a small model a fiftieth of its update
        if accumulate == 1:
            scalars, nfe = _backward(system, phase, batch, precision, generator)
        else:
            scalars, nfe = _backward_in_parts(system, phase, batch, precision, generator, accumulate)
        parallel.average_gradients(phase.parameters)
        parts = _numbers(scalars)
        check_divergence(step, phase.name, parts, phase.bounds)
        if phase.grad_clip is not None:
            norm = torch.nn.utils.clip_grad_norm_(phase.parameters, phase.grad_clip)
            parts["grad_norm"] = float(norm)
            check_divergence(step, phase.name, parts, phase.bounds)
        optimizer.step()
        if nfe is not None:
            parts["nfe"] = nfe
        report |= {f"{phase.name}/{name}": value for name, value in parts.items()}
    return report


def first_part(batch: Batch, parts: int) -> dict[str, Tensor]:
    """The first of ``parts`` equal parts of ``batch``."""
    return {name: tensor[: len(tensor) // parts] for name, tensor in batch.items()}


def _backward(
    system: System, phase: Phase, batch: Batch, precision: Precision, generator: torch.Generator
) -> tuple[dict[str, Tensor], int | None]:
    """Add the gradient of one batch to the parameters' ``grad``.

    Returns the loss and its parts, and the network evaluations of its sampler per chain.
    """
    with autocast(precision, batch["x"].device):
        loss = phase.objective(system if phase.model is None else phase.model, batch, generator=generator)
    loss.backward()
    return {"loss": loss.total.detach(), **loss.parts}, loss.nfe


def _backward_in_parts(
    system: System,
    phase: Phase,
    batch: Batch,
    precision: Precision,
    generator: draws.ShardedGenerator,
    accumulate: int,
) -> tuple[dict[str, Tensor], int | None]:
    """Do what :func:`_backward` does with the whole batch, in ``accumulate`` equal parts of it.

    Gradients, loss and parts are means over them. Every part draws what its examples would see in the whole batch, as
    workers do.
    """
    size = len(batch["x"]) // accumulate
    state = generator.get_state()
    scalars_of_parts: list[dict[str, Tensor]] = []
    nfe: int | None = None  # per chain, so that of every part
    for index in range(accumulate):
        generator.set_state(state)
        part = {name: tensor[index * size : (index + 1) * size] for name, tensor in batch.items()}
        try:
            with generator.part(index, accumulate), parallel.in_parts():
                scalars, nfe = _backward(system, phase, part, precision, generator)
                scalars_of_parts.append(scalars)
        except parallel.WholeBatchNeeded as error:
            raise UserError(
                f"{type(system).__name__} cannot be trained in {accumulate} parts a batch: the objective of its phase "
                f"'{phase.name}' compares or keeps the whole batch. Use accumulate=1, and a smaller batch or more "
                "workers."
            ) from error
    for parameter in phase.parameters:
        if parameter.grad is not None:
            parameter.grad /= accumulate
    return {
        name: torch.stack([scalars[name] for scalars in scalars_of_parts]).mean(dim=0) for name in scalars_of_parts[0]
    }, nfe


def _numbers(scalars: dict[str, Tensor]) -> dict[str, float]:
    """The means of ``scalars`` over the workers, so that every worker stops or none does."""
    if parallel.world_size() == 1 and all(scalar.device.type == "cpu" for scalar in scalars.values()):
        return {name: scalar.item() for name, scalar in scalars.items()}
    values = torch.stack([scalar.float() for scalar in scalars.values()])  # one transfer for all numbers
    return dict(zip(scalars, parallel.all_mean(values).tolist(), strict=True))
