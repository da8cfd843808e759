"""Parameter importances: the goal's variance over the completed trials of a search, split among what was searched."""

from __future__ import annotations

import statistics
import warnings
from collections.abc import Mapping, Sequence

import optuna
from optuna.trial import FrozenTrial

from gibbsweep.study.goal import goal_names
from gibbsweep.tune.journal.record import Record
from gibbsweep.tune.search.search import Search

LEAST_TRIALS = 4
"""The fewest completed trials of one option from which the importances of the parameters beneath it are computed."""

MOST_TRIALS = 200
"""The most trials of one option that functional ANOVA is computed on. Its cost grows with their square, to half a
minute for 1,000 trials of six parameters, while shares of the variance change by hundredths."""


def importances(groups: Mapping[str, Sequence[FrozenTrial]], compared: Sequence[str]) -> dict[str, float]:
    """Shares of the variance of all trials' values by what makes them. They sum to at most 1; the rest is interaction
    and noise.

    ``groups``: completed trials by the compared option, ``"form=conv"``; one group, named "", if nothing is compared.
    The law of total variance, Var = Var(mean of a group) + mean of Var(inside a group), gives ``compared`` the first
    term. Each group's part of the second term is split among its parameters by functional ANOVA on a random forest,
    main effects alone (Hutter, Hoos & Leyton-Brown, "An Efficient Approach for Assessing Hyperparameter Importance",
    2014; Optuna's evaluator), under the name ``"form=conv width"``. A group has only the parameters that all its trials
    have: those of its own branch.

    Empty if there are too few trials or all have one value. The variance is that of the trials that were made, and a
    search concentrates them where it is good; a group of few trials says little.
    """
    filled = {name: [_value(trial) for trial in trials] for name, trials in groups.items() if trials}
    values = [value for group in filled.values() for value in group]
    if len(values) < LEAST_TRIALS or not (total := statistics.pvariance(values)) > 0:
        return {}
    mean = statistics.fmean(values)
    shares: dict[str, float] = {}
    if len(filled) > 1:
        between = sum(len(group) * (statistics.fmean(group) - mean) ** 2 for group in filled.values()) / len(values)
        shares[", ".join(compared)] = between / total
    for name, group in filled.items():
        share = statistics.pvariance(group) * len(group) / len(values) / total
        for path, part in _main_effects(groups[name], ignored=compared).items():
            shares[f"{name} {path}".strip()] = share * part
    return shares


def importances_of(search: Search) -> dict[str, dict[str, float]]:
    """The :func:`importances` of each goal of ``search``, under the contender's name; with several goals under
    ``CONTENDER (for GOAL)``. Empty importances are left out."""
    contender, groups = search.contender, dict[str, list[Record]]()
    # The values of a population's member change, so none of them alone explains its goal.
    for arm in search.arms if search.population is None else ():
        completed = [record for record in arm.records if record.state == "completed"]
        if completed:
            groups[", ".join(f"{path}={value}" for path, value in arm.compared.items())] = completed
    names = goal_names(search.goals)
    by_goal = {}
    for i, goal in enumerate(names):
        trials = {name: [record.frozen_for(i) for record in records] for name, records in groups.items()}
        label = f"{contender.name} (for {goal})" if len(names) > 1 else contender.name
        by_goal[label] = importances(trials, contender.contender.compared_paths)
    return {label: shares for label, shares in by_goal.items() if shares}


def _main_effects(trials: Sequence[FrozenTrial], ignored: Sequence[str]) -> dict[str, float]:
    """The share of the variance of ``trials`` that each parameter of all of them explains by itself. Of more than
    :data:`MOST_TRIALS` trials so many are used, evenly spaced from first to last."""
    trials = (
        [trials[i * len(trials) // MOST_TRIALS] for i in range(MOST_TRIALS)] if len(trials) > MOST_TRIALS else trials
    )
    common = set.intersection(*(set(trial.params) for trial in trials)) - set(ignored)
    varied = sorted(path for path in common if len({trial.params[path] for trial in trials}) > 1)
    if len(trials) < LEAST_TRIALS or not varied or statistics.pvariance([_value(trial) for trial in trials]) == 0:
        return {}
    # With scikit-learn, which takes seconds to import: a sweep needs it at its end.
    from optuna.importance import FanovaImportanceEvaluator, get_param_importances

    study = optuna.create_study()  # in memory: the evaluator takes a whole study, not a part of one
    study.add_trials(trials)
    evaluator = FanovaImportanceEvaluator(seed=0)
    with warnings.catch_warnings():  # normalize=False, which gives shares of the variance, is experimental
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        effects = get_param_importances(study, evaluator=evaluator, params=varied, normalize=False)
    return {path: float(effects[path]) for path in varied}


def _value(trial: FrozenTrial) -> float:
    if trial.value is None:
        raise ValueError(f"trial {trial.number} has no value: it is {trial.state.name}; pass completed trials alone")
    return trial.value
