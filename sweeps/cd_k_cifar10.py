"""When does CD-1 break on colour images, and what does CD-10 cost?

Energies of whole 32×32 images are trained by contrastive divergence with k = 1 and k = 10 steps at several learning rates, three
seeds each: nothing is tuned, every combination is a row. A run that leaves its bounds is an outcome, "diverged". Beside the
likelihood stand the drop from its peak during training, the drift of the energy along long chains, and the device-seconds.
Pictures (``refinement``) show noise and spoiled photographs after 0, 1, 10, 100 and 1000 sweeps of each model's own chain.

    python sweeps/cd_k_cifar10.py                                   about ten minutes on two cores
    python sweeps/cd_k_cifar10.py --contenders grbm --budget long

Negative chains start at the data (``grbm``, ``conv_rbm``: CD-k), at noise (``grbm_langevin``: the recipe of "Gaussian-Bernoulli
RBMs Without Tears") or in a replay buffer (``conv_energy``: started at the data, its chains hardly move and it stays flat).

Log-likelihoods are densities of pixel values in [-1, 1] on R^3072, so a good model has a large one; values at eight bits were not
dequantised, so they compare models here and with nothing published. The convolutional machine works on whitened images, whose
coordinates alone are worth thousands of nats: its numbers compare across k, not with the dense machines'.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

from gibbsweep.cli import run_study
from gibbsweep.evaluate import EnergyDrift, Evaluator, LogLikelihood, Refinement
from gibbsweep.study import Choice, Contender, Goal, Results, Row, Study
from gibbsweep.train import Budget
from gibbsweep_models.energy.conv_ebm import ConvEBMConfig
from gibbsweep_models.energy.gaussian_rbm import Convolutional, Dense, GaussianRBMConfig
from gibbsweep_models.objectives.cd import LangevinCD

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BUDGETS = {
    "smoke": Budget(updates=4, batch_size=16, report_every=2),
    "laptop": Budget(updates=200, batch_size=64, report_every=40),
    "long": Budget(updates=2_000, batch_size=64, report_every=200),
    "gpu": Budget(updates=10_000, batch_size=256, report_every=500),
    "paper": Budget(updates=300_000, batch_size=512, report_every=10_000),
}
KS = Choice(1, 10)
LIKELIHOOD, DRIFT = "test/log_likelihood", "test/energy_drift"
DROP = "drop/validation/log_likelihood"


def on_validation(budget: str) -> tuple[Evaluator, ...]:
    return (LogLikelihood(n_temperatures=10 if budget == "smoke" else 100, limit=500),)


def on_test(budget: str) -> tuple[Evaluator, ...]:
    if budget == "smoke":
        return LogLikelihood(n_temperatures=10, limit=100), EnergyDrift(5, 8), Refinement((0, 1, 5), n=2)
    return LogLikelihood(n_temperatures=500, limit=2_000), EnergyDrift(500, 64), Refinement()


GRBM = Contender(
    GaussianRBMConfig(Dense(128), annealing_chains=32, equilibration=100),
    kind="energy",
    compare=("k", "learning_rate"),
    space={"k": KS, "learning_rate": Choice(0.1, 0.3, 1.0)},
    at={"gpu": {"hidden.n_hidden": 1024}, "paper": {"hidden.n_hidden": 4096}},
)
GRBM_LANGEVIN = Contender(
    GaussianRBMConfig(Dense(128), chain="gibbs_langevin", start="noise", annealing_chains=32, equilibration=100),
    kind="energy",
    compare=("k", "learning_rate"),
    space={"k": KS, "learning_rate": Choice(0.1, 0.3, 1.0)},
    at={"gpu": {"hidden.n_hidden": 1024}, "paper": {"hidden.n_hidden": 4096}},
)
CONV_RBM = Contender(
    GaussianRBMConfig(Convolutional(24), coordinates="white", annealing_chains=32, equilibration=100),
    kind="energy",
    compare=("k", "learning_rate"),
    space={"k": KS, "learning_rate": Choice(0.003, 0.03, 0.3)},
    at={"gpu": {"hidden.n_maps": 128}, "paper": {"hidden.n_maps": 128}},
)
CONV_ENERGY = Contender(
    ConvEBMConfig(channels=(8, 16, 32, 32), cd=LangevinCD()),
    kind="energy",
    compare=("cd.n_steps", "cd.learning_rate"),
    space={"cd.n_steps": KS, "cd.learning_rate": Choice(1e-4, 1e-3, 1e-2)},
    goal=Goal("validation/energy_drift", "minimize"),
    evaluators=lambda budget: (EnergyDrift(5 if budget == "smoke" else 50, 32),),
    # Every one of its steps is a pass through the network and back.
    budgets={**BUDGETS, "laptop": replace(BUDGETS["laptop"], batch_size=32)},
    final_evaluators=lambda budget: on_test(budget)[1:],
    at={"gpu": {"channels": (32, 64, 128, 128)}, "paper": {"channels": (64, 128, 256, 256)}},
)


def settings(results: Results) -> Iterator[tuple[str, int, list[Row]]]:
    """(contender, k, its rows by rising learning rate)."""
    for contender in dict.fromkeys(row.contender for row in results.rows):
        own = [row for row in results.rows if row.contender == contender]
        for k in dict.fromkeys(k_of(row) for row in own):
            yield contender, k, sorted((row for row in own if k_of(row) == k), key=rate_of)


def k_of(row: Row) -> int:
    k: int = next(iter(row.compared.values()))
    return k


def rate_of(row: Row) -> float:
    return float(list(row.compared.values())[1])


def findings(results: Results) -> list[str]:
    """When each k breaks, and what the longer chain costs."""
    lines = []
    for contender, k, rows in settings(results):
        measured = [row for row in rows if LIKELIHOOD in row.metrics]
        diverged = [f"{rate_of(row):g} ({row.diverged_share:.0%})" for row in rows if row.diverged_share]
        text = f"{contender}, k = {k}: " + (f"runs diverge at a learning rate of {', '.join(diverged)}" if diverged else
                                            "no run diverges")  # fmt: skip
        if measured:
            best = max(measured, key=lambda row: row.metrics[LIKELIHOOD].mean)
            text += f"; best log-likelihood {best.metrics[LIKELIHOOD]} at {rate_of(best):g}"
            falls = [row for row in measured if DROP in row.metrics and row.metrics[DROP].mean > 3 * noise_of(row)]
            text += "; it falls from its peak by " + (
                ", ".join(f"{row.metrics[DROP]} at {rate_of(row):g}" for row in falls)
                if falls
                else "no more than its error"
            )
        lines.append(text + ".")
    for (contender, short, few), (other, long, many) in pairwise(settings(results)):
        ran = [(a, b) for a, b in zip(few, many, strict=True) if a.device_seconds and b.device_seconds]
        if contender == other and ran:
            ratio = sum(b.device_seconds for _, b in ran) / sum(a.device_seconds for a, _ in ran)
            lines.append(f"{contender}: an update with k = {long} costs {ratio:.1f} times one with k = {short}.")
    return lines


def noise_of(row: Row) -> float:
    """How far a likelihood is known: its bracket's half width, a nat at least."""
    uncertainty = row.metrics.get("test/log_likelihood_uncertainty")
    return max(1.0, uncertainty.mean if uncertainty else 0.0)


def against_learning_rate(results: Results) -> Figure:
    """Log-likelihood at the end and at its peak, and the energy's drift, against the learning rate for each k."""
    from matplotlib.figure import Figure

    contenders = list(dict.fromkeys(row.contender for row in results.rows))
    figure = Figure(figsize=(3.6 * len(contenders), 6.4), layout="constrained")
    axes = figure.subplots(2, len(contenders), squeeze=False)
    for contender, k, rows in settings(results):
        top, bottom = axes[:, contenders.index(contender)]
        color = f"C{[k for c, k, _ in settings(results) if c == contender].index(k)}"
        seconds = [row.device_seconds for row in rows if row.device_seconds]
        label = f"k = {k}" + (f" ({sum(seconds) / len(seconds):.0f} s a run)" if seconds else "")
        _line(top, rows, "validation/log_likelihood", color, label, "o-")
        _line(top, rows, "peak/validation/log_likelihood", color, f"k = {k}, peak while training", "^:")
        _line(bottom, rows, DRIFT, color, label, "o-")
        for axis in (top, bottom):
            for row in rows:
                if row.diverged_share:
                    height = 0.03 + 0.06 * (color == "C1")
                    axis.annotate(
                        f"✕ {row.diverged_share:.0%}", (rate_of(row), height), xycoords=("data", "axes fraction"), color=color,
                        ha="center", fontsize=8,
                    )  # fmt: skip
    for column, contender in enumerate(contenders):
        top, bottom = axes[:, column]
        top.set_title(contender)
        if not top.lines:
            top.set_axis_off()
            top.text(0.5, 0.5, "likelihood not measured", transform=top.transAxes, ha="center", color="grey")
        bottom.set_yscale("log")
        bottom.set_xlabel("learning rate")
        for axis in (top, bottom):
            rates = sorted({rate_of(row) for row in results.rows if row.contender == contender})
            axis.set_xscale("log")
            axis.set_xlim(rates[0] / 1.6, rates[-1] * 1.6)
            axis.set_xticks(rates, [f"{rate:g}" for rate in rates])
            axis.xaxis.minorticks_off()
            # Room for the marks of diverged runs below all points.
            axis.margins(y=0.2)
            axis.grid(alpha=0.3)
            if axis.lines:
                axis.legend(frameon=False, fontsize=7)
    axes[0, 0].set_ylabel("validation log-likelihood, nats per image")
    axes[1, 0].set_ylabel("drift of the energy, standard deviations")
    figure.suptitle(
        f"{results.question} ({results.data}, {results.budget}; ✕: share of runs that diverged)", fontsize=10
    )
    return figure


def _line(axis: Axes, rows: list[Row], metric: str, color: str, label: str, style: str) -> None:
    found = [row for row in rows if metric in row.metrics]
    if found:
        means, deviations = ([getattr(row.metrics[metric], part) for row in found] for part in ("mean", "sd"))
        rates = [rate_of(row) for row in found]
        axis.errorbar(rates, means, deviations, fmt=style, color=color, label=label, capsize=2, markersize=4)


STUDY = Study(
    name="cd_k_cifar10",
    question="When does CD-1 break on colour images, and what does CD-10 cost?",
    data="cifar10",
    contenders={"grbm": GRBM, "grbm_langevin": GRBM_LANGEVIN, "conv_rbm": CONV_RBM, "conv_energy": CONV_ENERGY},
    default=("grbm", "grbm_langevin", "conv_rbm", "conv_energy"),
    goal=Goal("validation/log_likelihood", "maximize"),
    evaluators=on_validation,
    final_evaluators=on_test,
    columns={
        LIKELIHOOD: "log p",
        "test/log_likelihood_uncertainty": "±",
        "peak/validation/log_likelihood": "peak log p (val.)",
        DROP: "peak − final",
        DRIFT: "energy drift, sd",
    },
    budgets=BUDGETS,
    trials=0,
    seeds=3,
    figures={"rates": against_learning_rate},
    findings=findings,
    pictures=("refinement",),
)

if __name__ == "__main__":
    run_study(STUDY)
