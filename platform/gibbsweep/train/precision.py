"""Which arithmetic an update runs in: measured on the machine at hand, once for all runs that are to be compared."""

from __future__ import annotations

import copy
import json
import statistics
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from filelock import FileLock

from gibbsweep.folder.whole import write_json
from gibbsweep.precisions import Precision
from gibbsweep_models import draws, parallel
from gibbsweep_models.types import Batch, System

PAYS = 1.1
"""How many times as fast bf16 must be to be chosen: below that its rounding buys nothing."""
_REPEATS = 3
"""Updates that are timed, after one that is not."""


def autocast(precision: Precision, device: torch.device) -> AbstractContextManager[object]:
    """The context that an objective runs in. Evaluation always runs in fp32."""
    return torch.autocast(device.type, dtype=torch.bfloat16) if precision == "bf16" else nullcontext()


@dataclass(frozen=True)
class Measured:
    """The precision "auto": measured once for each kind of device, by the first run that asks for it.

    That run measures its own configuration for all that share the file: another measurement could choose another
    arithmetic, and give the same run other bits. For example::

        Measured(RunFolder(run_dir).precision, device="NVIDIA H200", run="rbm-0003")
    """

    path: Path
    """The file of what was measured, by kind of device."""
    device: str
    """The kind of the device at hand, in words."""
    run: str
    """The run that asks."""
    say: Callable[[str], None] = field(default=lambda words: None, repr=False, compare=False)
    """Hears that it measures now, and that it has."""

    def precision(self, seconds: Callable[[Precision], float]) -> Precision:
        """The precision on record, or else the one that pays by the ``seconds`` that an update takes.

        Other runs that ask meanwhile wait for the record.
        """
        if self.device not in measurements(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(self.path.with_suffix(".lock")):
                by_device = measurements(self.path)
                if self.device not in by_device:
                    self.say("measuring precision")
                    fp32, bf16 = seconds("fp32"), seconds("bf16")
                    faster: Precision = "bf16" if fp32 > PAYS * bf16 else "fp32"
                    by_device[self.device] = {
                        "precision": faster,
                        "fp32_seconds": fp32,
                        "bf16_seconds": bf16,
                        "run": self.run,
                    }
                    print(f"precision: {describe_measurement(by_device[self.device])}", flush=True)
                    write_json(self.path, by_device)
            self.say("training")
        recorded: Precision = measurements(self.path)[self.device]["precision"]
        return recorded


def measurements(path: Path) -> dict[str, Any]:
    """By kind of device: the ``precision``, the seconds that an update takes in either, and the ``run`` that
    measured."""
    by_device: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return by_device


def describe_measurement(measured: Mapping[str, Any]) -> str:
    """One of :func:`measurements` in words."""
    fp32, bf16 = measured["fp32_seconds"], measured["bf16_seconds"]
    return (
        f"{measured['precision']} (an update takes {1000 * fp32:.3g} ms in fp32 and {1000 * bf16:.3g} ms in bf16, "
        f"which pays where it is more than {PAYS} times as fast)"
    )


def choose_precision(option: Precision | Measured, system: System, batch: Batch, device: torch.device) -> Precision:
    """``option`` itself, or what was measured for it: bf16 where a probe of a few updates shows that it pays, else
    fp32.

    The probe trains a copy. The first worker decides for all of them.
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
            synchronise(device)
            start = time.perf_counter()
            for phase in phases:
                with autocast(precision, device):
                    model = probe if phase.model is None else phase.model
                    loss = phase.objective(model, batch, generator=generator)
                loss.backward()
            synchronise(device)
            timings.append(time.perf_counter() - start)
            probe.zero_grad(set_to_none=True)
    return statistics.median(timings[1:])


def synchronise(device: torch.device) -> None:
    """Wait until ``device`` has done what it was given: a GPU works on while the program goes on."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
