"""Studies of anomalies: the classical detectors that they compare with, and the figure of every AUROC."""

from __future__ import annotations

from gibbsweep.results.figures import GroupedBars
from gibbsweep.study.contender import Contender
from gibbsweep.study.space import Choice, Float
from gibbsweep_models.baselines.isolation_forest import IsolationForestConfig
from gibbsweep_models.baselines.one_class_svm import OneClassSVMConfig


def isolation_forest(feature_share: Float) -> Contender:
    """An isolation forest, of a thousand trees where hardware is not scarce. ``feature_share``: the share of the
    features that a tree sees."""
    return Contender(
        IsolationForestConfig(),
        space={"samples_per_tree": Choice(128, 256, 512, 1024), "feature_share": feature_share},
        by_budget={name: {"n_trees": 1000} for name in ("gpu", "paper")},
    )


def one_class_svm(config: OneClassSVMConfig, *, gamma: Float, n_components: Choice) -> Contender:
    """A one-class SVM, of 20,000 examples where hardware is not scarce. ``gamma``: the sharpness of its kernel."""
    return Contender(
        config,
        space={
            "nu": Float(0.01, 0.3, log=True),
            "gamma": gamma,
            "n_components": n_components,
            "whiten": Choice(False, True),
        },
        by_budget={name: {"n_examples": 20_000} for name in ("gpu", "paper")},
    )


def auroc_bars(groups: str, x_label: str) -> GroupedBars:
    """A figure of the test AUROC: a group of bars for each metric that the regular expression ``groups`` matches, named
    by its one group, and their mean behind them; a line at .5, which is chance."""
    return GroupedBars(groups, x_label, "test AUROC", apart={"test/auroc": "mean"}, bound=0.5, limits=(0, 1))
