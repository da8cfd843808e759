"""Systems that want memory: one whose activations are known, and RBMs whose training takes all there is, or is killed
for it."""

from __future__ import annotations

import json
import os
import resource
import signal
from dataclasses import dataclass, replace
from pathlib import Path

import psutil
import torch
from torch import Tensor, nn

from gibbsweep.tune.on_ray.threads import VARIABLES
from gibbsweep_models.energy.rbm import RBMConfig, RBMSystem
from gibbsweep_models.types import Batch, DataSpec, Loss, OptimizerConfig, Phase, Samples, System, Units

EAT = 32 * 2**20
LIMIT = 256 * 2**20


@dataclass(frozen=True)
class WideConfig:
    """Two layers of ``width`` units."""

    width: int = 64
    samples: int = 1
    units: Units = "signed"

    def build(self, spec: DataSpec) -> WideSystem:
        return WideSystem(self, spec)


class WideSystem(System):
    """An update keeps two activations (B, width) until its backward pass; a sample makes ``samples`` floats at once."""

    def __init__(self, config: WideConfig, spec: DataSpec) -> None:
        super().__init__()
        self.config, self.shape = config, spec.shape
        self.inner = nn.Linear(torch.Size(spec.shape).numel(), config.width)
        self.scale = nn.Parameter(torch.ones(config.width))

    def phases(self) -> list[Phase]:
        return [Phase("fit", list(self.parameters()), self.loss, OptimizerConfig())]

    def loss(self, model: WideSystem, batch: Batch, *, generator: torch.Generator) -> Loss:
        return Loss(torch.tanh(torch.tanh(self.inner(batch["x"].flatten(1))) * self.scale).square().mean())

    def sample(self, n: int, *, generator: torch.Generator, trace: object = None) -> Samples:
        noise = torch.randn(n, self.config.samples, generator=generator).mean(dim=1)
        return Samples(noise.reshape(n, *[1] * len(self.shape)).expand(n, *self.shape), nfe=1)


@dataclass(frozen=True)
class HungryConfig(RBMConfig):
    """What happens at update ``at`` of each process, as ``how`` says: ``greedy`` takes all memory while its trial has
    one CPU, ``glutton`` always; ``killed`` and ``crashed`` end their process once. ``marks``: a folder that remembers
    it."""

    at: int = 7
    how: str = "greedy"
    marks: str = ""

    def build(self, spec: DataSpec) -> HungrySystem:
        return HungrySystem(self, spec)


class HungrySystem(RBMSystem):
    def phases(self) -> list[Phase]:
        (phase,) = super().phases()
        assert isinstance(self.config, HungryConfig)
        return [replace(phase, objective=Hungry(phase.objective, self.config))]


class Hungry(nn.Module):
    def __init__(self, objective: object, config: HungryConfig) -> None:
        super().__init__()
        self.objective, self.config, self.calls = objective, config, 0

    def forward(self, model: object, batch: Batch, *, generator: torch.Generator) -> Loss:
        self.calls += 1
        if self.calls == self.config.at:
            self.want()
        loss: Loss = self.objective(model, batch, generator=generator)  # type: ignore[operator]
        return loss

    def want(self) -> None:
        how, mark = self.config.how, Path(self.config.marks) / self.config.how
        note_threads(mark.with_suffix(".json"))
        if how == "glutton" or (how == "greedy" and cpus() < 2):
            eat()
        elif how in ("killed", "crashed") and not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)


def eat() -> None:
    """Take memory until the system refuses it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (psutil.Process().memory_info().vms + LIMIT, hard))
    eaten: list[Tensor] = []
    try:
        while True:
            eaten.append(torch.ones(EAT // 4))
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def cpus() -> float:
    """Of this trial."""
    import ray

    return float(ray.get_runtime_context().get_assigned_resources()["CPU"])


def note_threads(path: Path) -> None:
    from threadpoolctl import threadpool_info

    pools = sorted({pool["num_threads"] for pool in threadpool_info()})
    variables = {name: os.environ.get(name) for name in VARIABLES}
    path.write_text(json.dumps({"torch": torch.get_num_threads(), "pools": pools, **variables}))
