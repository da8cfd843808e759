"""Which arithmetic an update runs in: measured on the machine at hand, not guessed, and once for all runs that are to be compared."""

from __future__ import annotations

import copy
import json
import statistics
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
import torch.distributed as dist
from filelock import FileLock

from gibbsweep.train.files import write_atomically
from gibbsweep_models import draws, parallel
from gibbsweep_models.types import Batch, System

Precision = Literal["fp32", "bf16"]
PrecisionOption = Literal["auto", "fp32", "bf16"]

PAYS = 1.1  # bf16 must be this much faster to be chosen: below that its rounding buys nothing
_REPEATS = 3


def autocast(precision: Precision, device: torch.device) -> AbstractContextManager[object]:
    """The context an objective runs in. Evaluation always runs in fp32."""
    return torch.autocast(device.type, dtype=torch.bfloat16) if precision == "bf16" else nullcontext()


@dataclass(frozen=True)
class Measured:
    """ "auto". The file ``path`` has what was measured, by ``device`` (its kind, in words): the first run that asks on a kind measures,
    with its own configuration, for all that share the file, as another measurement could come out another way, and with it their
    bits. ``run``: the one that asks."""

    path: Path
    device: str
    run: str

    def precision(self, seconds: Callable[[Precision], float]) -> Precision:
        """What is on record, or else what the ``seconds`` that an update takes say. Whoever asks meanwhile waits."""
        if self.device not in measurements(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(self.path.with_suffix(".lock")):
                known = measurements(self.path)
                if self.device not in known:
                    fp32, bf16 = seconds("fp32"), seconds("bf16")
                    chosen: Precision = "bf16" if fp32 > PAYS * bf16 else "fp32"
                    known[self.device] = {
                        "precision": chosen,
                        "fp32_seconds": fp32,
                        "bf16_seconds": bf16,
                        "run": self.run,
                    }
                    print(f"precision: {said(known[self.device])}", flush=True)
                    write_atomically(self.path, json.dumps(known, indent=1).encode())
        found: Precision = measurements(self.path)[self.device]["precision"]
        return found


def measurements(path: Path) -> dict[str, Any]:
    """By kind of device: the ``precision``, what an update takes in either, and the ``run`` that measured."""
    found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return found


def said(measured: Mapping[str, Any]) -> str:
    """One of :func:`measurements` in words."""
    fp32, bf16 = measured["fp32_seconds"], measured["bf16_seconds"]
    return (
        f"{measured['precision']} (an update takes {1000 * fp32:.3g} ms in fp32 and {1000 * bf16:.3g} ms in bf16, which pays where it "
        f"is more than {PAYS} times as fast)"
    )


def choose_precision(option: Precision | Measured, system: System, batch: Batch, device: torch.device) -> Precision:
    """``option`` itself, or what it has measured: bf16 where a probe of a few updates on copies shows that it pays, else fp32.

    The first worker decides for all of them.
    """
    if not isinstance(option, Measured):
        return option
    decision = torch.zeros((), device=device)
    if parallel.rank() == 0:
        chosen = option.precision(lambda p: _seconds_per_update(p, system, batch, device))
        decision.fill_(float(chosen == "bf16"))
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
