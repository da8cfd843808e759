"""Which way from noise to data, when the score is known and nothing is trained?

The score is exact: of two modes in the plane that hold 80 % and 20 % of the data (Song & Ermon 2019, figure 3, with every length
over 10). Plain Langevin dynamics mixes within a mode and never between them, so it gives each mode what its chains started with.
What annealing, reverse time and the probability flow make of the same score is a matter of their levels, steps and step sizes,
which are searched for each sampler at each number of evaluations. A trial costs seconds.

    python sweeps/noise_schedules.py                          every sampler at 30, 100, 300 and 1000 evaluations
    python sweeps/noise_schedules.py --model examples         the exact score of a thousand examples of a ring, at up to 300
    python sweeps/noise_schedules.py --contenders annealed annealed_noisy        with and without the final denoising
    python sweeps/noise_schedules.py --model runs/SWEEP/trials/RUN       the network of a run of another sweep, as it was trained
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from gibbsweep.cli import run_study_of
from gibbsweep.data import DataNeeds
from gibbsweep.errors import UserError
from gibbsweep.evaluate import ModeBalance, SampleDistances, SampleGrid, SamplingCost
from gibbsweep.evaluate.contract import Evaluator
from gibbsweep.results.targets import Target
from gibbsweep.run.stored import StoredRun, stored_run
from gibbsweep.study import Choice, Contender, Float, Goal, Results, Space, Study
from gibbsweep.train import Budget
from gibbsweep_models.noise import CosineSchedule, EDMSchedule, VPSchedule
from gibbsweep_models.samplers.diffusion import DenoiserSamplerConfig, DenoiserSamplerName
from gibbsweep_models.score.stored_score import StoredScoreConfig
from gibbsweep_models.score.trained_score import TrainedScoreConfig

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Options:
    model: str = "two_modes"
    """Whose score: two_modes, or examples, those that the training examples of any labelled set of vectors have exactly; or the folder
    of a run that trained a score model, runs/SWEEP/trials/RUN."""


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
SPACES: Mapping[str, tuple[DenoiserSamplerName, Space]] = {
    "langevin": ("langevin", {"sampling.step_size": Float(5e-5, 1e-2, log=True)}),
    "annealed": ("annealed_langevin", ANNEALED),
    "annealed_noisy": ("annealed_langevin", ANNEALED),
    "predictor_corrector": ("predictor_corrector", {"sampling.snr": Float(0.05, 0.5, log=True), **SPACED}),
    "ancestral": ("ancestral", SPACED),
    "euler": ("euler", SPACED),
    "heun": ("heun", {"sampling.s_churn": Choice(0.0, 10.0, 40.0), **SPACED}),
}
TOLERANCE: Space = {"sampling.tolerance": Choice(0.1, 0.01, 1e-3, 1e-4)}


PICTURES_NFE = Choice(20, 50, 100)


def contender(name: str, options: Options) -> Contender:
    sampler, space = SPACES[name]
    form = DenoiserSamplerConfig(sampler, sigma_max=2.0, denoise=name != "annealed_noisy")
    if name == "langevin":
        form = replace(form, sigma_min=0.01, sigma_max=0.8, step_size=5e-4)
    return Contender(
        StoredScoreConfig(form, known(options.model), n_examples=1000),
        kind="score",
        space={"sampling.nfe": NFE[options.model], **space},
        compare="sampling.nfe",
    )


def flow(options: Options) -> Contender:
    """The adaptive one, whose evaluations follow from its tolerance."""
    config = StoredScoreConfig(
        DenoiserSamplerConfig("probability_flow", sigma_max=2.0), known(options.model), n_examples=1000
    )
    return Contender(config, kind="score", space={**TOLERANCE, **LEVELS}, compare="sampling.tolerance")


def known(model: str) -> Literal["two_modes", "examples"]:
    return "two_modes" if model == "two_modes" else "examples"


def trained(name: str, stored: StoredRun) -> Contender:
    """A sampler of a network, between the levels of its training."""
    low, high = trained_levels(stored)
    sampler, space = SPACES.get(name, ("probability_flow", {**TOLERANCE, **LEVELS}))
    levels: Space = {
        "sampling.sigma_max": Choice(high, high / 2, high / 4),
        "sampling.sigma_min": Choice(low, 3 * low, 10 * low),
    }
    flow = name not in SPACES
    nfe: Space = {} if flow else {"sampling.nfe": NFE["examples"] if len(stored.shape) == 1 else PICTURES_NFE}
    return Contender(
        TrainedScoreConfig(
            stored.config, stored.weights, DenoiserSamplerConfig(sampler, sigma_min=low, sigma_max=high)
        ),
        kind="score",
        space={**nfe, **space, **levels},
        compare="sampling.tolerance" if flow else "sampling.nfe",
    )


def trained_levels(stored: StoredRun) -> tuple[float, float]:
    for part in vars(stored.config).values():
        if isinstance(part, EDMSchedule):  # a lognormal, which has no end: its sampler's levels
            return part.sigma_min, part.sigma_max
        if hasattr(part, "sigma_range"):
            low, high = part.sigma_range
            # Where each of the schedules that are searched still has levels.
            return float(low), min(
                float(high), *(0.999 * kind().sigma_range[1] for kind in (VPSchedule, CosineSchedule))
            )
    raise UserError(
        f"{type(stored.config).__name__} names no noise schedule, so between which levels it can be sampled is not known: "
        "name a run of a score model with --model."
    )


def measured(options: Options, picture: bool) -> Callable[[str], tuple[Evaluator, ...]]:
    """By budget; a score of a thousand components takes its time."""
    n = 2000 if options.model == "two_modes" else 500
    return lambda budget: (ModeBalance(100 if budget == "smoke" else n, picture),)


MODES = {"test/energy_distance": "energy distance to the test split", "test/share_error": "error of the modes' shares"}
PICTURES = {"test/frechet_distance": "Fréchet distance", "test/recall": "recall"}


def against_evaluations(results: Results) -> Figure:
    """Left, the distance to the test split, right, how far the modes' shares are off (of pictures, recall); each against evaluations a
    sample."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11.0, 3.8), layout="constrained")
    panels: Sequence[Axes] = figure.subplots(1, 2)
    modes = "test/nfe" in results.columns
    nfe = "test/nfe" if modes else "test/sampling_nfe"
    for axes, (metric, label) in zip(panels, (MODES if modes else PICTURES).items(), strict=True):
        for name in dict.fromkeys(row.contender for row in results.rows):
            rows = [row for row in results.rows if row.contender == name and metric in row.metrics]
            rows.sort(key=lambda row: row.metrics[nfe].mean)
            if rows:
                means = [row.metrics[metric].mean for row in rows]
                style = "--" if name == "annealed_noisy" else ":" if name == "langevin" else "-"
                axes.plot([row.metrics[nfe].mean for row in rows], means, style, marker="o", ms=4, label=name)
        axes.set_xscale("log")
        axes.set_xlabel("evaluations of the score, a sample")
        axes.set_ylabel(label)
        axes.grid(alpha=0.3)
    # An unbiased distance of equal distributions is negative half of the time; shares that are right have no logarithm.
    if modes:
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
REVERSE = tuple(name for name in NAMES if name not in ("langevin", "annealed_noisy"))
EVERY = {name: Budget(updates=1, batch_size=1, report_every=1) for name in ("smoke", "laptop", "long", "gpu", "paper")}


def study_of_run(stored: StoredRun) -> Study:
    """The samplers of a trained network; pictures are measured by the Fréchet distance, vectors by the energy distance."""
    pictures = len(stored.shape) > 1
    distance = "frechet_distance" if pictures else "energy_distance"

    def evaluators(budget: str, final: bool) -> tuple[Evaluator, ...]:
        n = 24 if budget == "smoke" else 500 if final else 200
        shown: tuple[Evaluator, ...] = (SampleGrid(n=64), SamplingCost(n=16)) if final else ()
        return (SampleDistances(n), *shown) if pictures else (ModeBalance(n, final),)

    columns = {
        f"test/{distance}": "FD" if pictures else "energy distance",
        **({"test/recall": "recall"} if pictures else {"test/share_error": "share error"}),
        **({"test/sampling_nfe": "nfe"} if pictures else {"test/nfe": "nfe"}),
    }
    return Study(
        name="noise_schedules_trained",
        question="Which way from noise to data does a trained network take best, and in how many evaluations?",
        data=stored.data,
        needs=DataNeeds(labels=True),
        contenders={name: trained(name, stored) for name in (*REVERSE, "probability_flow")},
        goal=Goal(f"validation/{distance}", "minimize"),
        evaluators=lambda budget: evaluators(budget, final=False),
        final_evaluators=lambda budget: evaluators(budget, final=True),
        columns=columns,
        budgets=EVERY,
        trials=9,
        seeds=3,
        figures={"nfe": against_evaluations},
        pictures=("samples",) if pictures else ("scatter",),
        note=f"A {type(stored.config).__name__} after {stored.step} updates on {stored.data}; nothing is trained here.",
    )


def study(options: Options) -> Study:
    if options.model not in NFE:
        return study_of_run(stored_run(Path(options.model)))
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
