"""When does CD-1 break on colour images, and what does CD-10 cost?

Energies of whole 32×32 images are trained by contrastive divergence with k = 1 and k = 10 steps at several learning
rates, three seeds each: nothing is tuned, every combination is a row. A run that leaves its bounds is an outcome,
"diverged", and where that begins answers the question. Beside the likelihood stand the drop from its peak during
training, the drift of the energy along long chains, and the device-seconds. Pictures (``refinement``) show noise and
spoiled photographs after 0, 1, 10, 100 and 1000 sweeps of each model's own chain.

    python sweeps/cd_k_cifar10.py                                   about ten minutes on two cores
    python sweeps/cd_k_cifar10.py --contenders grbm --budget long

Negative chains start at the data (``grbm``, ``conv_rbm``: CD-k), at noise (``grbm_langevin``: the recipe of
"Gaussian-Bernoulli RBMs Without Tears") or in a replay buffer (``conv_energy``: started at the data, its chains hardly
move and it stays flat).

Log-likelihoods are densities of pixel values in [-1, 1] on R^3072, so a good model has a large one; values at eight
bits were not dequantised, so they compare models here and with nothing published. The convolutional machine works on
whitened images, whose coordinates alone are worth thousands of nats: its numbers compare across k alone.
"""

from __future__ import annotations

from dataclasses import replace

from gibbsweep import Choice, Contender, Goal, Row, Study
from gibbsweep.cli import run_study
from gibbsweep.evaluate import EnergyDrift, LogLikelihood, Refinement
from gibbsweep.results.figures import AgainstCompared, PanelsByContender
from gibbsweep.results.findings import Stability
from gibbsweep.study import by_budget, columns, equal_updates
from gibbsweep.study.shared import notes
from gibbsweep_models.energy.conv_ebm import ConvEBMConfig
from gibbsweep_models.energy.gaussian_rbm import Convolutional, Dense, GaussianRBMConfig
from gibbsweep_models.objectives.cd import LangevinCD

LIKELIHOOD, DRIFT = "test/log_likelihood", "test/energy_drift"
CHAIN = {"cd.n_steps": "k"}
DROP, PEAK = "drop/validation/log_likelihood", "peak/validation/log_likelihood"

BUDGETS = equal_updates(
    by_budget(smoke=4, laptop=200, long=2_000, gpu=10_000, paper=300_000),
    batch_size=by_budget(smoke=16, laptop=64, long=64, gpu=256, paper=512),
    reports=by_budget(smoke=2, laptop=5, long=10, gpu=20, paper=30),
)
CHAINS = (
    EnergyDrift(by_budget(smoke=5, other=500), by_budget(smoke=8, other=64)),
    Refinement(by_budget(smoke=(0, 1, 5), other=(0, 1, 10, 100, 1000)), n=by_budget(smoke=2, other=4)),
)


def machine(config: GaussianRBMConfig, rates: Choice, gpu: dict[str, int], paper: dict[str, int]) -> Contender:
    return Contender(
        replace(config, annealing_chains=32, equilibration=100),
        compare=("k", "learning_rate"),
        space={"k": Choice(1, 10), "learning_rate": rates},
        by_budget={"gpu": gpu, "paper": paper},
    )


DENSE_RATES = Choice(0.1, 0.3, 1.0)
WIDE, WIDER, MAPS = {"hidden.n_hidden": 1024}, {"hidden.n_hidden": 4096}, {"hidden.n_maps": 128}

CONTENDERS = {
    "grbm": machine(GaussianRBMConfig(Dense(128)), DENSE_RATES, gpu=WIDE, paper=WIDER),
    "grbm_langevin": machine(
        GaussianRBMConfig(Dense(128), chain="gibbs_langevin", start="noise"), DENSE_RATES, gpu=WIDE, paper=WIDER
    ),
    "conv_rbm": machine(
        GaussianRBMConfig(Convolutional(24), coordinates="white"), Choice(0.003, 0.03, 0.3), gpu=MAPS, paper=MAPS
    ),
    "conv_energy": Contender(
        # So few chains, and so few restarts, that training makes them as long as those that are shown, with k = 10: an
        # energy knows nothing of where longer ones go. After 1,000 steps from data 6 % of the pixels are black or
        # white at a rate of 1e-4, and with 2,000 chains and 5 % restarts 66 %; of the data's 2 % are (one seed).
        ConvEBMConfig(channels=(8, 16, 32, 32), cd=LangevinCD(replay_size=64, restart_fraction=0.01)),
        compare=("cd.n_steps", "cd.learning_rate"),
        space={"cd.n_steps": Choice(1, 10), "cd.learning_rate": Choice(1e-4, 1e-3, 1e-2)},
        goal=Goal("validation/energy_drift", "minimize"),
        evaluators=(EnergyDrift(by_budget(smoke=5, other=50), 32),),
        # Every one of its steps is a pass through the network and back.
        budgets={**BUDGETS, "laptop": replace(BUDGETS["laptop"], batch_size=32)},
        final_evaluators=CHAINS,
        by_budget={
            "long": {"cd.replay_size": 128},
            "gpu": {"channels": (32, 64, 128, 128), "cd.replay_size": 2_000},
            "paper": {"channels": (64, 128, 256, 256), "cd.replay_size": 10_000},
        },
    ),
}


def noise_of(row: Row) -> float:
    """The least that counts as a change of a likelihood: its bracket's half width, a nat at least."""
    uncertainty = row.metrics.get("test/log_likelihood_uncertainty")
    return max(1.0, uncertainty.mean if uncertainty else 0.0)


STUDY = Study(
    name="cd_k_cifar10",
    question="When does CD-1 break on colour images, and what does CD-10 cost?",
    data="cifar10",
    contenders=CONTENDERS,
    goal=Goal("validation/log_likelihood", "maximize"),
    evaluators=(LogLikelihood(n_temperatures=by_budget(smoke=10, other=100), limit=500),),
    final_evaluators=(
        LogLikelihood(n_temperatures=by_budget(smoke=10, other=500), limit=by_budget(smoke=100, other=2_000)),
        *CHAINS,
    ),
    note=(
        "log p is the middle between AIS and reverse AIS. Their chains are one run's: reverse AIS starts where AIS "
        "ended, and what one misses the other misses. So `± agreement`, half of what lies between them, is no error of "
        f"log p. {notes.INVERTED}"
    ),
    columns={
        **columns("log_likelihood", "log_likelihood_uncertainty", "log_likelihood_inverted"),
        PEAK: "peak log p (val.)",
        DROP: "peak − final",
        **columns("energy_drift"),
    },
    budgets=BUDGETS,
    trials=0,
    figures={
        "rates": PanelsByContender(
            AgainstCompared(
                {"validation/log_likelihood": "", PEAK: "peak while training"},
                "learning rate",
                "validation log-likelihood, nats",
                x=1,
                names=CHAIN,
            ),
            AgainstCompared({DRIFT: ""}, "learning rate", "drift of the energy, sd", x=1, names=CHAIN, y_scale="log"),
        )
    },
    findings=Stability(LIKELIHOOD, "log-likelihood", "learning rate", DROP, noise_of, names=CHAIN),
    pictures=("refinement",),
)

if __name__ == "__main__":
    run_study(STUDY)
