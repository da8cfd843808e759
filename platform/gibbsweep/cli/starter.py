"""Does an energy of my own draw as well as a VAE, after as many updates?

python starter.py --budget smoke        does it run? (seconds)
python starter.py                       the answer, in minutes on two cores
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from torch import Tensor, nn

from gibbsweep import Contender, Float, Goal, Int, Study
from gibbsweep.cli import run_study
from gibbsweep.evaluate import SampleDistances, SampleGrid
from gibbsweep.study import by_budget, columns, equal_updates
from gibbsweep_models.baselines.vae import VAEConfig
from gibbsweep_models.bases.langevin_system import LangevinSystem
from gibbsweep_models.objectives.cd import LangevinCD
from gibbsweep_models.types import DataSpec, Phase, SignedUnits


@dataclass(frozen=True)
class MyEnergyConfig(SignedUnits):
    """Every number of the model; a study searches those that it names by their paths."""

    width: int = 128
    cd: LangevinCD = field(default_factory=lambda: LangevinCD(n_steps=20, learning_rate=1e-3))

    def build(self, spec: DataSpec) -> MyEnergy:
        return MyEnergy(self, spec)


class MyEnergy(LangevinSystem):
    """A density p(x) ∝ exp(-E(x)); training and samples are Langevin chains. Change the network."""

    def __init__(self, config: MyEnergyConfig, spec: DataSpec) -> None:
        super().__init__(config.cd, spec, ema_decay=0.99, sample_steps=200)
        self.cd, self.replay = config.cd, config.cd.replay(spec.shape)
        layers = nn.Linear(math.prod(spec.shape), config.width), nn.SiLU(), nn.Linear(config.width, 1)
        self.network = nn.Sequential(nn.Flatten(), *layers, nn.Flatten(0))

    def phases(self) -> list[Phase]:
        return [self.cd.phase(self.network.parameters(), self.shape, self.replay)]

    def energy(self, x: Tensor, cond: Tensor | None = None) -> Tensor:
        energy: Tensor = self.network(x)  # (B, *D) -> (B,), low = likely
        return energy


STUDY = Study(
    name="starter",
    question="Does an energy of my own draw as well as a VAE, after as many updates?",
    data="mnist5k",
    contenders={
        "mine": Contender(
            MyEnergyConfig(),
            kind="energy",
            space={"width": Int(32, 256, log=True), "cd.learning_rate": Float(1e-4, 1e-2, log=True)},
        ),
        "vae": Contender(VAEConfig(), space={"learning_rate": Float(1e-4, 1e-2, log=True)}),
    },
    goal=Goal("validation/frechet_distance", "minimize"),
    evaluators=(SampleDistances(n=400),),
    final_evaluators=(SampleDistances(n=900), SampleGrid()),
    columns=columns("frechet_distance", "recall"),
    budgets=equal_updates(by_budget(smoke=10, laptop=600, long=5_000, gpu=20_000)),
    pictures=("samples",),
)

if __name__ == "__main__":
    run_study(STUDY)
