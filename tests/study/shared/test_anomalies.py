"""The detectors and the figure that studies of anomalies have in common."""

from __future__ import annotations

from gibbsweep.results.results import Results
from gibbsweep.results.row import Row
from gibbsweep.results.statistic import Statistic
from gibbsweep.study import Choice, Contender, Float
from gibbsweep.study.shared import auroc_bars, isolation_forest, one_class_svm
from gibbsweep.study.space import with_values
from gibbsweep_models.baselines.one_class_svm import OneClassSVMConfig


def at(contender: Contender, budget: str) -> object:
    return with_values(contender.config, contender.by_budget.get(budget, {}))


def test_a_gpu_s_budgets_change_the_size_alone_and_a_study_says_what_is_searched() -> None:
    share = Float(0.2, 0.8)
    forest = isolation_forest(share)
    assert forest.space["feature_share"] is share
    assert at(forest, "laptop") == forest.config
    assert at(forest, "gpu") == at(forest, "paper") == with_values(forest.config, {"n_trees": 1000})

    config, gamma, components = OneClassSVMConfig(n_components=8), Float(1.0, 2.0), Choice(4, 8)
    svm = one_class_svm(config, gamma=gamma, n_components=components)
    assert (svm.config, svm.space["gamma"], svm.space["n_components"]) == (config, gamma, components)
    assert at(svm, "gpu") == with_values(config, {"n_examples": 20_000})
    assert (forest.kind, svm.kind) == ("baseline", "baseline")


def test_every_outlier_set_has_bars_and_the_mean_stands_behind_them() -> None:
    metrics = {name: Statistic(0.7, 0.1, 3) for name in ("test/auroc", "test/auroc_faces", "test/auroc_emoji")}
    row = Row("energy", "energy", {}, metrics, [1], 1, 20.0, {"completed": 3}, {})
    figure = auroc_bars("test/auroc_(.*)", "outlier set")(Results("s", "?", "digits", "laptop", "cpu", "c", {}, [row]))
    axes = figure.axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["emoji", "faces", "mean"]
    assert axes.get_ylim() == (0.0, 1.0)
    assert [list(line.get_ydata()) for line in axes.lines if line.get_linestyle() == ":"] == [[0.5, 0.5]]
