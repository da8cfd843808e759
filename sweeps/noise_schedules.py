"""Which way from noise to data, when the score is known and nothing is trained?

The score is exact: of two modes in the plane that hold 80 % and 20 % of the data (Song & Ermon 2019, figure 3, with every length
over 10). Plain Langevin dynamics mixes within a mode and never between them, so it gives each mode what its chains started with.
What annealing, reverse time and the probability flow make of the same score is a matter of their levels, steps and step sizes,
which are searched for each sampler at each number of evaluations. A trial costs seconds.

    python sweeps/noise_schedules.py                          every sampler at 30, 100, 300 and 1000 evaluations
    python sweeps/noise_schedules.py --model examples         the exact score of a thousand examples of a ring, at up to 300
    python sweeps/noise_schedules.py --contenders annealed annealed_noisy        with and without the final denoising
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from gibbsweep.cli import run_study_of
from gibbsweep.data import DataNeeds
from gibbsweep.evaluate import ModeBalance
from gibbsweep.evaluate.contract import Evaluator
from gibbsweep.study import Choice, Contender, Float, Goal, Results, Space, Study
from gibbsweep.study.targets import Target
from gibbsweep.train import Budget
from gibbsweep_models.samplers.form import SamplerForm, SamplerName
from gibbsweep_models.score.stored_score import StoredScoreConfig

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Options:
    model: Literal["two_modes", "examples"] = "two_modes"
    """Whose exact score: the two modes', or the training examples' of any labelled set of vectors."""


NFE = {"two_modes": Choice(30, 100, 300, 1000), "examples": Choice(30, 100, 300)}
LEVELS: Space = {
    "sampling.sigma_max": Choice(0.5, 1.0, 2.0, 4.0, 8.0),
    "sampling.sigma_min": Choice(0.002, 0.01, 0.05),
}
SPACED: Space = {"sampling.schedule": Choice("geometric", "rho", "vp", "cosine"), **LEVELS}
ANNEALED: Space = {
    "sampling.levels": Choice(5, 10, 20),
    "sampling.step_size": Float(0.02, 1.5, log=True),
    **SPACED,
}
SPACES: Mapping[str, tuple[SamplerName, Space]] = {
    "langevin": ("langevin", {"sampling.step_size": Float(5e-5, 1e-2, log=True)}),
    "annealed": ("annealed_langevin", ANNEALED),
    "annealed_noisy": ("annealed_langevin", ANNEALED),
    "predictor_corrector": ("predictor_corrector", {"sampling.snr": Float(0.05, 0.5, log=True), **SPACED}),
    "ancestral": ("ancestral", SPACED),
    "euler": ("euler", SPACED),
    "heun": ("heun", {"sampling.s_churn": Choice(0.0, 10.0, 40.0), **SPACED}),
}
TOLERANCE: Space = {"sampling.tolerance": Choice(0.1, 0.01, 1e-3, 1e-4)}


def contender(name: str, options: Options) -> Contender:
    sampler, space = SPACES[name]
    form = SamplerForm(sampler, sigma_max=2.0, denoise=name != "annealed_noisy")
    if name == "langevin":
        form = replace(form, sigma_min=0.01, sigma_max=0.8, step_size=5e-4)
    return Contender(
        StoredScoreConfig(form, options.model, n_examples=1000),
        kind="score",
        space={"sampling.nfe": NFE[options.model], **space},
        compare="sampling.nfe",
    )


def flow(options: Options) -> Contender:
    """The adaptive one, whose evaluations follow from its tolerance."""
    config = StoredScoreConfig(SamplerForm("probability_flow", sigma_max=2.0), options.model, n_examples=1000)
    return Contender(config, kind="score", space={**TOLERANCE, **LEVELS}, compare="sampling.tolerance")


def measured(options: Options, picture: bool) -> Callable[[str], tuple[Evaluator, ...]]:
    """By budget; a score of a thousand components takes its time."""
    n = 2000 if options.model == "two_modes" else 500
    return lambda budget: (ModeBalance(100 if budget == "smoke" else n, picture),)


def against_evaluations(results: Results) -> Figure:
    """Left, the energy distance to the test split, right, how far the modes' shares are off; each against evaluations a sample."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11.0, 3.8), layout="constrained")
    panels: Sequence[Axes] = figure.subplots(1, 2)
    for axes, metric, label in zip(
        panels,
        ("test/energy_distance", "test/share_error"),
        ("energy distance to the test split", "error of the modes' shares"),
        strict=True,
    ):
        for name in dict.fromkeys(row.contender for row in results.rows):
            rows = [row for row in results.rows if row.contender == name and metric in row.metrics]
            rows.sort(key=lambda row: row.metrics["test/nfe"].mean)
            if rows:
                means = [row.metrics[metric].mean for row in rows]
                style = "--" if name == "annealed_noisy" else ":" if name == "langevin" else "-"
                axes.plot([row.metrics["test/nfe"].mean for row in rows], means, style, marker="o", ms=4, label=name)
        axes.set_xscale("log")
        axes.set_xlabel("evaluations of the score, a sample")
        axes.set_ylabel(label)
        axes.grid(alpha=0.3)
    # An unbiased distance of equal distributions is negative half of the time; shares that are right have no logarithm.
    panels[0].set_yscale("symlog", linthresh=1e-3)
    panels[0].set_ylim(bottom=-2e-3)
    panels[1].set_yscale("log")
    if panels[0].lines:
        figure.legend(*panels[0].get_legend_handles_labels(), loc="outside right upper", frameon=False, fontsize=8)
    return figure


def findings(results: Results) -> Sequence[str]:
    """What each sampler needed to weight the modes to two points."""
    said = []
    for name in dict.fromkeys(row.contender for row in results.rows):
        rows = [row for row in results.rows if row.contender == name and "test/share_error" in row.metrics]
        good = sorted(row.metrics["test/nfe"].mean for row in rows if row.metrics["test/share_error"].mean < 0.02)
        reached = f"within two points from {good[0]:.0f} evaluations on" if good else "never within two points"
        said.append(f"{name}: the modes' shares are {reached}.")
    return said


NAMES = tuple(SPACES)
EVERY = {name: Budget(updates=1, batch_size=1, report_every=1) for name in ("smoke", "laptop", "long", "gpu", "paper")}


def study(options: Options) -> Study:
    modes = options.model == "two_modes"
    return Study(
        name="noise_schedules" if modes else "noise_schedules_examples",
        question="Which way from noise to data, when the score is known and nothing is trained?",
        data="two_modes" if modes else "ring8",
        needs=DataNeeds(labels=True, dims=1),
        contenders={**{name: contender(name, options) for name in NAMES}, "probability_flow": flow(options)},
        goal=Goal("validation/energy_distance", "minimize"),
        evaluators=measured(options, picture=False),
        final_evaluators=measured(options, picture=True),
        columns={
            "test/energy_distance": "energy distance",
            "test/share_error": "share error",
            **({"test/share_large": "in the 80 % mode"} if modes else {}),
            "test/nfe": "nfe",
        },
        budgets=EVERY,
        trials=8,
        seeds=3,
        targets=(
            Target("annealed Langevin puts 77 % into the 80 % mode", "test/share_large", ">", ("annealed",), 0.77),
            Target("plain Langevin puts about half there", "test/share_large", "<", ("langevin",), 0.55),
            Target(
                "the final denoising lowers annealed Langevin's distance",
                "test/energy_distance",
                "<",
                ("annealed",),
                ("annealed_noisy",),
            ),
        )
        if modes
        else (),
        figures={"nfe": against_evaluations},
        findings=findings,
        pictures=("scatter",),
        note="Distances are between samples and as many test examples; two parts of the data are about 3e-4 apart, either way.",
    )


STUDY = study(Options())

if __name__ == "__main__":
    run_study_of(study, Options)
