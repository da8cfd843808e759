"""Does a longer chain buy likelihood and stability?

Contrastive divergence starts its negative chains at the data and runs them for k steps. Small k is cheap and biased; this sweep
asks what a larger k is worth, each k tuned by itself with the same number of trials and the same updates.

    python sweeps/cd_k.py                                   the RBM on mnist5k, a few minutes on two cores
    python sweeps/cd_k.py --contenders rbm conv_ebm --trials 16 --data mnist
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gibbsweep.cli import run_study
from gibbsweep.evaluate import ChainGrid, ChainMixing, EnergyGap, LogLikelihood, SampleGrid
from gibbsweep.study import Choice, Contender, Float, Goal, Results, Study
from gibbsweep.train import Budget
from gibbsweep_models.energy.conv_ebm import ConvEBMConfig
from gibbsweep_models.energy.rbm import RBMConfig
from gibbsweep_models.objectives.cd import LangevinCD

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RBM = Contender(
    RBMConfig(n_hidden=64, learning_rate=0.05, momentum=0.5),
    kind="energy",
    compare="k",
    space={
        "k": Choice(1, 3, 10, 25),
        "persistent": Choice(False, True),
        "centred": Choice(True, False),
        "learning_rate": Float(0.005, 0.2, log=True),
        "momentum": Float(0.0, 0.9),
        "weight_decay": Float(1e-6, 1e-3, log=True),
    },
)

CONV_EBM = Contender(
    ConvEBMConfig(cd=LangevinCD(n_steps=20)),
    kind="energy",
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
    budgets={
        "smoke": Budget(updates=10, batch_size=32, report_every=5),
        "laptop": Budget(updates=300, batch_size=64, report_every=100),
        "long": Budget(updates=2_000, batch_size=64, report_every=500),
        "gpu": Budget(updates=10_000, batch_size=128, report_every=1_000),
        "paper": Budget(updates=100_000, batch_size=128, report_every=5_000),
    },
)


def likelihood_against_k(results: Results) -> Figure:
    """Test log-likelihood of each k's best configuration: the bracket as a bar, the mean over seeds as a point."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 4.2))
    axes = figure.subplots()
    for contender in dict.fromkeys(row.contender for row in results.rows):
        rows = [r for r in results.rows if r.contender == contender and "test/log_likelihood" in r.metrics]
        if not rows:
            continue
        k = [next(iter(r.compared.values())) for r in rows]
        middle = [r.metrics["test/log_likelihood"].mean for r in rows]
        ends = [
            sorted((r.metrics["test/log_likelihood_ais"].mean, r.metrics["test/log_likelihood_reverse_ais"].mean))
            for r in rows
        ]
        line = axes.plot(k, middle, marker="o", label=contender)[0]
        axes.vlines(
            k, [low for low, _ in ends], [high for _, high in ends], color=line.get_color(), alpha=0.4, linewidth=6
        )
    axes.set_xscale("log")
    ticks = sorted({value for row in results.rows for value in row.compared.values()})
    axes.set_xticks(ticks, [str(tick) for tick in ticks])
    axes.minorticks_off()
    axes.set_xlabel("steps of the negative chain, k")
    axes.set_ylabel("test log-likelihood, nats per image")
    axes.set_title(f"{results.question} ({results.data}, {results.budget})", fontsize=10)
    axes.grid(alpha=0.3)
    if axes.lines:
        axes.legend(frameon=False)
    return figure


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
    columns={
        "test/log_likelihood": "log p",
        "test/log_likelihood_ais": "AIS",
        "test/log_likelihood_reverse_ais": "rev. AIS",
        "test/energy_gap": "gap",
        "test/mixing_autocorrelation": "autocorr.",
    },
    budgets={
        "smoke": Budget(updates=40, report_every=20),
        "laptop": Budget(updates=1_000, report_every=250),
        "long": Budget(updates=20_000, report_every=2_000),
        "gpu": Budget(updates=50_000, report_every=5_000),
        "paper": Budget(updates=150_000, report_every=10_000),
    },
    trials=8,
    seeds=3,
    figures={"likelihood": likelihood_against_k},
)

if __name__ == "__main__":
    run_study(STUDY)
