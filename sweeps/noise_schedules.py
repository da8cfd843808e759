"""Which way from noise to data, when the score is known and nothing is trained?

The score is exact: of two modes in the plane that hold 80 % and 20 % of the data (Song & Ermon 2019, figure 3, with
every length over 10). Plain Langevin dynamics mixes within a mode and never between them, so it gives each mode what
its chains started with. The study compares what annealing, reverse time and the probability flow make of the same
score. That is a matter of their levels, steps and step sizes, which are searched for each sampler at each number of
evaluations. The distance to the test split and the error of the modes' shares, against evaluations, answer the
question. A trial costs seconds.

    python sweeps/noise_schedules.py                          every sampler at 30, 100, 300 and 1000 evaluations
    python sweeps/noise_schedules.py --model examples         the exact score of a thousand examples of a ring
    python sweeps/noise_schedules.py --contenders annealed annealed_noisy        with and without the final denoising
    python sweeps/noise_schedules.py --model runs/SWEEP/trials/RUN               the network of a run of another sweep
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import takewhile
from pathlib import Path
from typing import Literal

from gibbsweep import Choice, Contender, DataNeeds, Float, Goal, Results, Space, Study, Target
from gibbsweep.cli import run_study_of
from gibbsweep.evaluate import ModeBalance, SampleDistances, SampleGrid, SamplingCost
from gibbsweep.results.figures import AgainstMetric, Panels, Scale, SymLog
from gibbsweep.run.stored import StoredRun, stored_run
from gibbsweep.study import by_budget, columns, equal_updates
from gibbsweep_models.samplers.diffusion import DenoiserSamplerConfig, DenoiserSamplerName
from gibbsweep_models.score.stored_score import StoredScoreConfig
from gibbsweep_models.score.trained_score import TrainedScoreConfig
from gibbsweep_models.types import SystemConfig


@dataclass(frozen=True)
class Options:
    model: str = "two_modes"
    """Whose score: two_modes, or examples, those that the training examples of any labelled set of vectors have
    exactly; or the folder of a run that trained a score model, runs/SWEEP/trials/RUN."""


NFE = {"two_modes": Choice(30, 100, 300, 1000), "examples": Choice(30, 100, 300), "pictures": Choice(20, 50, 100)}
LEVELS: Space = {"sampling.sigma_max": Choice(0.5, 1.0, 2.0, 4.0, 8.0), "sampling.sigma_min": Choice(0.002, 0.01, 0.05)}
SPACED: Space = {"sampling.schedule": Choice("geometric", "rho", "vp", "cosine"), **LEVELS}
ANNEALED: Space = {"sampling.levels": Choice(5, 10, 20), "sampling.step_size": Float(0.02, 1.5, log=True), **SPACED}
SAMPLERS: Mapping[str, tuple[DenoiserSamplerName, Space]] = {
    "langevin": ("langevin", {"sampling.step_size": Float(5e-5, 1e-2, log=True)}),
    "annealed": ("annealed_langevin", ANNEALED),
    "annealed_noisy": ("annealed_langevin", ANNEALED),
    "predictor_corrector": ("predictor_corrector", {"sampling.snr": Float(0.05, 0.5, log=True), **SPACED}),
    "ancestral": ("ancestral", SPACED),
    "euler": ("euler", SPACED),
    "heun": ("heun", {"sampling.s_churn": Choice(0.0, 10.0, 40.0), **SPACED}),
    # The adaptive one, whose evaluations follow from its tolerance.
    "probability_flow": ("probability_flow", {"sampling.tolerance": Choice(0.1, 0.01, 1e-3, 1e-4), **LEVELS}),
}


def searched(config: SystemConfig, nfe: Choice, space: Space) -> Contender:
    """A sampler at each number of evaluations, or at each tolerance where it has one."""
    compare = "sampling.tolerance" if "sampling.tolerance" in space else "sampling.nfe"
    return Contender(config, space={**({} if compare in space else {compare: nfe}), **space}, compare=compare)


def of_exact_score(name: str, model: Literal["two_modes", "examples"]) -> Contender:
    sampler, space = SAMPLERS[name]
    form = DenoiserSamplerConfig(sampler, sigma_max=2.0, denoise=name != "annealed_noisy")
    if name == "langevin":
        form = replace(form, sigma_min=0.01, sigma_max=0.8, step_size=5e-4)
    return searched(StoredScoreConfig(form, model, n_examples=1000), NFE[model], space)


def of_network(name: str, stored: StoredRun) -> Contender:
    """A sampler of a network, between the levels of its training."""
    low, high = stored.noise_levels()
    sampler, space = SAMPLERS[name]
    levels = {
        "sampling.sigma_max": Choice(high, high / 2, high / 4),
        "sampling.sigma_min": Choice(low, 3 * low, 10 * low),
    }
    config = TrainedScoreConfig(
        stored.config, stored.weights, DenoiserSamplerConfig(sampler, sigma_min=low, sigma_max=high)
    )
    return searched(config, NFE["examples" if len(stored.shape) == 1 else "pictures"], {**space, **levels})


def against_evaluations(nfe: str, metric: str, label: str, y_scale: Scale = "linear") -> AgainstMetric:
    words = "evaluations of the score, a sample"
    return AgainstMetric(nfe, metric, words, label, x_scale="log", y_scale=y_scale, join="contender")


# An unbiased distance of equal distributions is negative half of the time; shares that are right have no logarithm.
VECTOR_FIGURE = Panels(
    against_evaluations("test/nfe", "test/energy_distance", "energy distance to the test split", SymLog(1e-3)),
    against_evaluations("test/nfe", "test/share_error", "error of the modes' shares", "log"),
)
PICTURE_FIGURE = Panels(
    against_evaluations("test/sampling_nfe", "test/frechet_distance", "Fréchet distance"),
    against_evaluations("test/sampling_nfe", "test/recall", "recall"),
)


def findings(results: Results) -> list[str]:
    """The number of evaluations from which on each sampler weights the modes to two points: also with every larger
    number, or one lucky row would speak for the others."""
    sentences = []
    for name in dict.fromkeys(row.contender for row in results.rows):
        rows = [row for row in results.rows if row.contender == name and "test/share_error" in row.metrics]
        rows.sort(key=lambda row: row.metrics["test/nfe"].mean, reverse=True)
        good = list(takewhile(lambda row: row.metrics["test/share_error"].mean < 0.02, rows))
        if not rows:
            continue
        if good:
            reached = f"within two points from {good[-1].metrics['test/nfe'].mean:.0f} evaluations on"
        else:
            reached = f"not within two points in the most evaluations, {rows[0].metrics['test/nfe'].mean:.0f}"
        sentences.append(f"{name}: the modes' shares are {reached}.")
    return sentences


TARGETS = (
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
BUDGETS = equal_updates(1, batch_size=1)


def study_of_run(stored: StoredRun) -> Study:
    """The samplers of a trained network: of pictures by the Fréchet distance, of vectors by the energy distance."""
    pictures = len(stored.shape) > 1
    search, final = by_budget(smoke=24, other=200), by_budget(smoke=24, other=500)
    return Study(
        name="noise_schedules_trained",
        question="Which way from noise to data does a trained network take best, and in how many evaluations?",
        data=stored.data,
        needs=DataNeeds(labels=True),
        contenders={name: of_network(name, stored) for name in SAMPLERS if name not in ("langevin", "annealed_noisy")},
        goal=Goal(f"validation/{'frechet' if pictures else 'energy'}_distance", "minimize"),
        evaluators=(SampleDistances(search) if pictures else ModeBalance(search, picture=False),),
        final_evaluators=(SampleDistances(final), SampleGrid(n=64), SamplingCost(n=16))
        if pictures
        else (ModeBalance(final, picture=True),),
        columns=columns("frechet_distance", "recall", "sampling_nfe")
        if pictures
        else columns("energy_distance", "share_error", "nfe"),
        budgets=BUDGETS,
        figures={"nfe": PICTURE_FIGURE if pictures else VECTOR_FIGURE},
        pictures=("samples",) if pictures else ("scatter",),
        note=f"A {type(stored.config).__name__} after {stored.step} updates on {stored.data}; nothing is trained here.",
    )


def study(options: Options) -> Study:
    """The study of one model's score."""
    if options.model not in ("two_modes", "examples"):
        return study_of_run(stored_run(Path(options.model)))
    modes = options.model == "two_modes"
    # The score of a thousand components takes its time.
    n = by_budget(smoke=100, other=2000 if modes else 500)
    return Study(
        name="noise_schedules" if modes else "noise_schedules_examples",
        question="Which way from noise to data, when the score is known and nothing is trained?",
        data="two_modes" if modes else "ring8",
        needs=DataNeeds(labels=True, dims=1),
        contenders={name: of_exact_score(name, "two_modes" if modes else "examples") for name in SAMPLERS},
        goal=Goal("validation/energy_distance", "minimize"),
        evaluators=(ModeBalance(n, picture=False),),
        final_evaluators=(ModeBalance(n, picture=True),),
        columns={
            **columns("energy_distance", "share_error"),
            **({"test/share_large": "in the 80 % mode"} if modes else {}),
            **columns("nfe"),
        },
        budgets=BUDGETS,
        targets=TARGETS if modes else (),
        figures={"nfe": VECTOR_FIGURE},
        findings=findings,
        pictures=("scatter",),
        note=(
            "Distances are between samples and as many test examples; two parts of the data are about 3e-4 apart, "
            "either way."
        ),
    )


STUDY = study(Options())

if __name__ == "__main__":
    run_study_of(study, Options)
