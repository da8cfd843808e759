"""Which arithmetic an update runs in: measured on the machine at hand, not guessed."""

from __future__ import annotations

import copy
import statistics
import time
from contextlib import AbstractContextManager, nullcontext
from typing import Literal

import torch
import torch.distributed as dist

from gibbsweep_models import draws, parallel
from gibbsweep_models.types import Batch, System

Precision = Literal["fp32", "bf16"]
PrecisionOption = Literal["auto", "fp32", "bf16"]

PAYS = 1.1  # bf16 must be this much faster to be chosen: below that its rounding buys nothing
_REPEATS = 3


def autocast(precision: Precision, device: torch.device) -> AbstractContextManager[object]:
    """The context an objective runs in. Evaluation always runs in fp32."""
    return torch.autocast(device.type, dtype=torch.bfloat16) if precision == "bf16" else nullcontext()


def choose_precision(option: PrecisionOption, system: System, batch: Batch, device: torch.device) -> Precision:
    """``option`` itself, or for "auto" bf16 where a probe of a few updates on copies shows that it pays, else fp32.

    The first worker decides for all of them.
    """
    if option != "auto":
        return option
    decision = torch.zeros((), device=device)
    if parallel.rank() == 0:
        seconds = {p: _seconds_per_update(p, system, batch, device) for p in ("fp32", "bf16")}
        decision.fill_(float(seconds["fp32"] > PAYS * seconds["bf16"]))
    if parallel.world_size() > 1:
        dist.broadcast(decision, src=0)
    return "bf16" if bool(decision) else "fp32"


def _seconds_per_update(precision: Precision, system: System, batch: Batch, device: torch.device) -> float:
    # Objectives keep state (replay buffers): the probe works on a copy of the system with objectives of its own.
    probe = copy.deepcopy(system)
    phases = probe.phases()
    generator = draws.seeded(0, device=device)
    timings = []
    with parallel.alone():
        for _ in range(_REPEATS + 1):
            _synchronise(device)
            start = time.perf_counter()
            for phase in phases:
                with autocast(precision, device):
                    model = probe if phase.model is None else phase.model
                    loss = phase.objective(model, batch, generator=generator)
                loss.backward()
            _synchronise(device)
            timings.append(time.perf_counter() - start)
            probe.zero_grad(set_to_none=True)
    return statistics.median(timings[1:])


def _synchronise(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
