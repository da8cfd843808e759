"""Does a longer chain buy likelihood and stability?

Contrastive divergence starts its negative chains at the data and runs them for k steps. Small k is cheap and biased.
The study compares values of k, each tuned with the same number of trials and the same updates, and told what the best
other k has found; the test log-likelihood, the energy gap and the share of runs that diverged say what a larger k is
worth.

    python sweeps/cd_k.py                                   the RBM on mnist5k, twelve trials each: minutes on two cores
    python sweeps/cd_k.py --contenders rbm conv_ebm --trials 16 --data mnist
"""

from __future__ import annotations

from gibbsweep import Choice, Contender, Float, Goal, Study
from gibbsweep.cli import run_study
from gibbsweep.evaluate import ChainGrid, ChainMixing, EnergyGap, LogLikelihood, SampleGrid
from gibbsweep.results.figures import AgainstCompared
from gibbsweep.study import by_budget, columns, equal_updates
from gibbsweep.study.shared import notes
from gibbsweep_models.energy.conv_ebm import ConvEBMConfig
from gibbsweep_models.energy.rbm import RBMConfig
from gibbsweep_models.objectives.cd import LangevinCD

RBM = Contender(
    RBMConfig(n_hidden=64, learning_rate=0.05, momentum=0.5),
    compare="k",
    space={
        "k": Choice(1, 3, 10, 25),
        "persistent": Choice(False, True),
        "centred": Choice(True, False),
        "learning_rate": Float(0.005, 0.5, log=True),
        "momentum": Float(0.0, 0.95),
        "weight_decay": Float(1e-6, 1e-3, log=True),
    },
)

CONV_EBM = Contender(
    # So few chains that training makes them as long as those that are shown, with k = 5, too.
    ConvEBMConfig(cd=LangevinCD(n_steps=20, replay_size=96)),
    compare="cd.n_steps",
    space={
        "cd.n_steps": Choice(5, 10, 20, 40),
        "cd.persistent": Choice(True, False),
        "cd.step_size": Float(1.0, 30.0, log=True),
        "cd.noise": Float(0.001, 0.05, log=True),
        "cd.gradient_clip": Float(0.01, 0.1, log=True),
        "cd.learning_rate": Float(3e-5, 1e-3, log=True),
    },
    evaluators=(LogLikelihood(n_temperatures=100, limit=64), EnergyGap(n_steps=40, limit=64)),
    final_evaluators=(
        LogLikelihood(n_temperatures=300, limit=128),
        EnergyGap(n_steps=100, limit=256),
        ChainMixing(n_steps=200, burn_in=50, n_chains=16),
        ChainGrid(),
        SampleGrid(),
    ),
    by_budget={
        "long": {"cd.replay_size": 640},
        "gpu": {"cd.replay_size": 2_000},
        "paper": {"cd.replay_size": 10_000},
    },
    budgets=equal_updates(
        by_budget(smoke=10, laptop=300, long=2_000, gpu=10_000, paper=100_000),
        batch_size=by_budget(smoke=32, laptop=64, long=64, other=128),
        reports=by_budget(smoke=2, laptop=3, long=4, gpu=10, paper=20),
    ),
)

STUDY = Study(
    name="cd_k",
    question="Does a longer chain buy likelihood and stability?",
    data="mnist5k",
    contenders={"rbm": RBM, "conv_ebm": CONV_EBM},
    default=("rbm",),
    goal=Goal("validation/log_likelihood", "maximize"),
    evaluators=(LogLikelihood(n_temperatures=200), EnergyGap(n_steps=50)),
    final_evaluators=(
        LogLikelihood(n_temperatures=1_000),
        EnergyGap(n_steps=100),
        ChainMixing(n_steps=500, burn_in=100),
        ChainGrid(),
        SampleGrid(),
    ),
    note=(
        "log p is the exact value where the machine is small enough, else the middle between AIS, which flatters, and "
        f"reverse AIS, which understates where its chains have reached the model and "
        f"lies above AIS where they have not. {notes.INVERTED}"
    ),
    columns={
        **columns("log_likelihood", "log_likelihood_ais", "log_likelihood_reverse_ais", "log_likelihood_inverted"),
        **columns("energy_gap", "mixing_autocorrelation"),
    },
    budgets=equal_updates(
        by_budget(smoke=40, laptop=1_000, long=20_000, gpu=50_000, paper=150_000),
        reports=by_budget(smoke=2, laptop=4, long=10, gpu=10, paper=15),
    ),
    # A training of the laptop budget takes seconds: every trial ends, and the table has the spread over all of them.
    trials=by_budget(smoke=2, laptop=12, other=9),
    scheduler=by_budget(smoke="none", laptop="none", other="halving"),
    figures={
        "likelihood": AgainstCompared(
            {"test/log_likelihood": ""},
            "steps of the negative chain, k",
            "test log-likelihood, nats per image",
            bracket=("test/log_likelihood_ais", "test/log_likelihood_reverse_ais"),
        )
    },
)

if __name__ == "__main__":
    run_study(STUDY)
