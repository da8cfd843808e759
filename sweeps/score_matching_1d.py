"""Do explicit, implicit, sliced and denoising score matching find the same score?

On a line, where everything is known. Up to constants the four are one criterion: explicit score matching needs the true
score, implicit score matching a derivative of the learned one, denoising score matching noise of a level sigma. What
they pay differs: the target of denoising, -n / sigma, has a variance without bound as sigma goes to 0, and with it what
is learned. Each level has a model of its own, and each criterion is minimised to the end, so nothing but the criterion
and the draws it saw is compared. The error of the learned score at each level answers the question.

    python sweeps/score_matching_1d.py                      a normal density and a line as score: closed forms to 1 %
    python sweeps/score_matching_1d.py --density gauss1d    two normal densities and a network
    python sweeps/score_matching_1d.py --budget long        four million draws

A network can cheat implicit score matching: a spike between draws has a steep slope at them and costs little elsewhere.
In one dimension the directions of sliced score matching are signs and change nothing: its row must equal the implicit
one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gibbsweep import Choice, Contender, DataNeeds, Goal, Results, Study, Target
from gibbsweep.cli import run_study_of
from gibbsweep.evaluate import ScoreError
from gibbsweep.results.figures import ByLevel
from gibbsweep.study import equal_updates
from gibbsweep_models.score.fitted_score import FittedScoreConfig, Matching


@dataclass(frozen=True)
class Options:
    density: Literal["normal1d", "gauss1d"] = "normal1d"
    """The data: a normal density with a line as score, or two with a network."""


SIGMAS = (0.01, 0.1, 0.5, 1.0, 2.0)
LEARNED: tuple[Matching, ...] = ("explicit", "implicit", "sliced", "denoising")
DRAWS = {
    "normal1d": {"smoke": 1_000, "laptop": 1_000_000, "long": 4_000_000, "gpu": 4_000_000, "paper": 4_000_000},
    "gauss1d": {"smoke": 500, "laptop": 10_000, "long": 100_000, "gpu": 1_000_000, "paper": 1_000_000},
}


def contender(matching: Matching, density: str) -> Contender:
    searched = density == "gauss1d" and matching != "exact"
    at: dict[str, dict[str, int]] = {name: {"draws": draws} for name, draws in DRAWS[density].items()}
    return Contender(
        FittedScoreConfig(matching, density, "linear" if density == "normal1d" else "mlp", SIGMAS),
        kind="baseline" if matching == "exact" else "score",
        space={"hidden": Choice((8,), (12, 12), (24, 24)), "iterations": Choice(20, 50, 100)} if searched else {},
        by_budget={**at, "smoke": {**at["smoke"], "iterations": 5}},
    )


def findings(results: Results) -> list[str]:
    """Where denoising score matching saw too few draws: std / (sigma sqrt(n)), std that of the data, about 1 or .53."""
    std = 0.53 if results.data == "gauss1d" else 1.0
    draws = [row.best_config.get("draws") for row in results.rows if row.contender == "denoising"]
    errors = [(n, sigma, std / (sigma * n**0.5)) for n in draws if n for sigma in SIGMAS]
    return [
        f"Warning: denoising score matching at sigma {sigma:g} from {n:,} draws leaves even the slope of the "
        f"score uncertain by {error:.0%}; the other criteria do not depend on sigma in this way."
        for n, sigma, error in errors
        if error > 0.05
    ]


# For a normal density everything has a closed form. The least loss of explicit score matching is 0.
EXACT_TARGETS = (
    *(
        Target(f"{name}: the slope at sigma {sigma:g} to 1 %", f"test/slope_error_{sigma:g}", "<", (name,), 0.01)
        for name in LEARNED
        for sigma in SIGMAS[2:]
    ),
    *(
        Target(f"{name}: the least loss at every sigma to 1 %", "test/minimum_error_worst", "<", (name,), 0.01)
        for name in LEARNED[1:]
    ),
)


def study(options: Options) -> Study:
    """The study of one density."""
    normal = options.density == "normal1d"
    return Study(
        name="score_matching_1d" if normal else "score_matching_1d_mixture",
        question="Do explicit, implicit, sliced and denoising score matching find the same score?",
        data=options.density,
        needs=DataNeeds(dims=1),
        contenders={
            **{name: contender(name, options.density) for name in LEARNED},
            "exact_gradient": contender("exact", options.density),
        },
        goal=Goal("validation/score_error", "minimize"),
        evaluators=(ScoreError(SIGMAS),),
        final_evaluators=(ScoreError(SIGMAS, picture=True),),
        columns={
            "test/score_error": "score error",
            **{f"test/score_error_{sigma:g}": f"at σ {sigma:g}" for sigma in SIGMAS},
            **{f"test/slope_{sigma:g}": f"slope {sigma:g}" for sigma in SIGMAS},
        },
        budgets=equal_updates(1, batch_size=1),
        targets=EXACT_TARGETS if normal else (),
        # Errors below 1e-9 are the arithmetic's, not the criterion's.
        figures={
            "errors": ByLevel(
                "test/score_error", SIGMAS, "σ", "E|s - s*|² / E|s*|²", y_scale="log", nothing_below=1e-9
            ).with_metrics({"test/slope_error": "error of the slope, over the slope"})
        },
        findings=findings,
        pictures=("scores",),
        note=(
            "An error is E|s - s*|² over E|s*|², under the true density blurred by σ; explicit and exact_gradient know "
            "the true score."
        ),
    )


STUDY = study(Options())

if __name__ == "__main__":
    run_study_of(study, Options)
