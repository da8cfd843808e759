"""Do explicit, implicit, sliced and denoising score matching find the same score?

On a line, where everything is known. Up to constants the four are one criterion: explicit score matching needs the true score,
implicit score matching a derivative of the learned one, denoising score matching noise of a level sigma. What they pay differs:
the target of denoising, -n / sigma, has a variance without bound as sigma goes to 0, and with it what is learned. Each level has a
model of its own, and each criterion is minimised to the end, so nothing but the criterion and the draws it saw is compared.

    python sweeps/score_matching_1d.py                          a normal density and a line as score: closed forms to 1 %
    python sweeps/score_matching_1d.py --density gauss1d        two normal densities and a network
    python sweeps/score_matching_1d.py --budget long            four million draws

A network can cheat implicit score matching: a spike between draws has a steep slope at them and costs little elsewhere. In one
dimension the directions of sliced score matching are signs and change nothing: its row must equal the implicit one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

from gibbsweep.cli import run_study_of
from gibbsweep.data import DataNeeds
from gibbsweep.evaluate import Evaluator, ScoreError
from gibbsweep.results.targets import Target
from gibbsweep.study import Choice, Contender, Goal, Results, Study
from gibbsweep.train import Budget
from gibbsweep_models.score.fitted_score import FittedScoreConfig, Matching

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Options:
    density: Literal["normal1d", "gauss1d"] = "normal1d"
    """The data: a normal density with a line as score, or two with a network."""


SIGMAS = (0.01, 0.1, 0.5, 1.0, 2.0)
LEARNED: tuple[Matching, ...] = tuple(name for name in get_args(Matching) if name != "exact")
DRAWS = {
    "normal1d": {"smoke": 1_000, "laptop": 1_000_000, "long": 4_000_000, "gpu": 4_000_000, "paper": 4_000_000},
    "gauss1d": {"smoke": 500, "laptop": 10_000, "long": 100_000, "gpu": 1_000_000, "paper": 1_000_000},
}


def contender(matching: Matching, density: str) -> Contender:
    form: Literal["linear", "mlp"] = "linear" if density == "normal1d" else "mlp"
    searched = form == "mlp" and matching != "exact"
    return Contender(
        FittedScoreConfig(matching, density, form, SIGMAS),
        kind="baseline" if matching == "exact" else "score",
        space={"hidden": Choice((8,), (12, 12), (24, 24)), "iterations": Choice(20, 50, 100)} if searched else {},
        at={
            name: {"draws": draws, **({"iterations": 5} if name == "smoke" else {})}
            for name, draws in DRAWS[density].items()
        },
    )


def measured_at_the_end(budget: str) -> tuple[Evaluator, ...]:
    return (ScoreError(SIGMAS, picture=True),)


ROUNDING = 1e-9
"""Errors below it are the arithmetic's, not the criterion's."""


def error_against_sigma(results: Results) -> Figure:
    """The error of the score, left, and of its slope, right, at every level; whiskers are deviations over seeds."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.6, 3.6), layout="constrained")
    panels = figure.subplots(1, 2)
    for axes, metric, label in zip(
        panels,
        ("score_error", "slope_error"),
        ("E|s - s*|² / E|s*|²", "error of the slope, over the slope"),
        strict=True,
    ):
        for row in results.rows:
            found = [(sigma, row.metrics.get(f"test/{metric}_{sigma:g}")) for sigma in SIGMAS]
            points = [(sigma, statistic) for sigma, statistic in found if statistic is not None and statistic.mean > 0]
            if not points or row.kind != "score":
                continue
            means = [s.mean for _, s in points]
            if max(means) < ROUNDING:
                axes.plot([], [], color="0.6", label=f"{row.contender} (below {ROUNDING:g})")
                continue
            # On a logarithmic axis a whisker cannot reach below 0.
            whiskers = [[min(s.sd, 0.9 * s.mean) for _, s in points], [s.sd for _, s in points]]
            style = "--" if row.contender == "sliced" else "-"
            axes.errorbar(
                [sigma for sigma, _ in points], means, whiskers, ls=style, marker="o", ms=4, label=row.contender
            )
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xlabel("σ")
        axes.set_ylabel(label)
        axes.grid(alpha=0.3)
    if panels[1].lines:
        figure.legend(*panels[1].get_legend_handles_labels(), loc="outside right upper", frameon=False, fontsize=8)
    return figure


def findings(results: Results) -> Sequence[str]:
    """Where denoising score matching saw too few draws: std / (sigma sqrt(n)), with std that of the data, about 1 and .53."""
    std = 0.53 if results.data == "gauss1d" else 1.0
    said = []
    for row in results.rows:
        draws = row.best_config.get("draws")
        if row.contender == "denoising" and draws:
            for sigma in SIGMAS:
                error = std / (sigma * draws**0.5)
                if error > 0.05:
                    said.append(
                        f"Warning: denoising score matching at sigma {sigma:g} from {draws:,} draws leaves even the slope of the "
                        f"score uncertain by {error:.0%}; the other criteria do not depend on sigma in this way."
                    )
    return said


def study(options: Options) -> Study:
    normal = options.density == "normal1d"
    exactly = (
        *(
            Target(f"{name}: the slope at sigma {sigma:g} to 1 %", f"test/slope_error_{sigma:g}", "<", (name,), 0.01)
            for name in LEARNED
            for sigma in SIGMAS[2:]
        ),
        *(
            Target(f"{name}: the least loss at every sigma to 1 %", "test/minimum_error_worst", "<", (name,), 0.01)
            for name in LEARNED
            if name != "explicit"  # its least loss is 0
        ),
    )
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
        final_evaluators=measured_at_the_end,
        columns={
            "test/score_error": "score error",
            **{f"test/score_error_{sigma:g}": f"at σ {sigma:g}" for sigma in SIGMAS},
            **{f"test/slope_{sigma:g}": f"slope {sigma:g}" for sigma in SIGMAS},
        },
        budgets={name: Budget(updates=1, batch_size=1, report_every=1) for name in DRAWS[options.density]},
        trials=4,
        seeds=3,
        targets=exactly if normal else (),
        figures={"errors": error_against_sigma},
        findings=findings,
        pictures=("scores",),
        note="An error is E|s - s*|² over E|s*|², under the true density blurred by σ; explicit and exact_gradient know the true score.",
    )


STUDY = study(Options())

if __name__ == "__main__":
    run_study_of(study, Options)
