"""A plan carried out by Ray Tune. Ray is imported when it starts."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from gibbsweep.run.provenance import git_commit
from gibbsweep.train import Budget
from gibbsweep.tune.on_ray.precisions import Precisions
from gibbsweep.tune.on_ray.retries import Retries
from gibbsweep.tune.options.options import SweepOptions
from gibbsweep.tune.options.settings import Decided
from gibbsweep.tune.resources.devices import Sharing
from gibbsweep.tune.resources.gate import Gate
from gibbsweep.tune.search.search import Search

if TYPE_CHECKING:
    from gibbsweep.tune.on_ray.bridge import Watcher


def execute(
    gate: Gate,
    options: SweepOptions,
    decided: Decided,
    watcher: Watcher,
    sharing: Sharing,
    say: Callable[[str], None],
) -> None:
    """Start what ``gate`` hands out until it hands out nothing more. ``sharing``: what each run asks for; ``say`` tells a person."""
    from ray import tune

    from gibbsweep.tune.on_ray.bridge import PlanScheduler, PlanSearcher, Silence, StopWhenIdle, Watch
    from gibbsweep.tune.on_ray.trial import Payload, TrialContender, run_trial, tune_request

    plan, study = gate.plan, gate.plan.study
    payload = Payload(
        contenders={
            name: TrialContender(
                config=study.config_of(name, decided.budget),
                budget=decided.budget_of(study, name),
                search_budget=_search_budget(decided.budget_of(study, name), plan.searches[name]),
                goal=study.goals_of(name),
                evaluators=study.evaluators_of(name, decided.budget),
                final_evaluators=study.final_evaluators_of(name, decided.budget),
                halve=study.contenders[name].halve,
                constrained=(
                    *(goal.metric for goal in study.goals_of(name)[1:]),
                    *(constraint.metric for constraint in study.constraints_of(name)),
                ),
                evolves=() if (population := plan.searches[name].population) is None else population.evolves,
            )
            for name in decided.contenders
        },
        data_root=options.data_root.absolute() if options.data_root else None,
        validation=study.validation,
        precision=decided.precision,
        measurements=plan.sweep.precision.absolute(),
        git_commit=git_commit(),
        workers=options.workers_per_trial,
        echo=options.verbose,
        session=uuid.uuid4().hex,
    )
    workers, retries = options.workers_per_trial, Retries(plan.sweep, sharing, say, gate.halt)
    watch = Watch(watcher, retries, Precisions(plan.sweep.precision, say))

    def resources(config: dict[str, Any]) -> tune.PlacementGroupFactory:
        return tune_request(workers, config["cpus"], config["gpus"])

    tuner = tune.Tuner(
        tune.with_resources(tune.with_parameters(run_trial, payload=payload), resources),
        tune_config=tune.TuneConfig(
            search_alg=PlanSearcher(gate, sharing, retries),
            scheduler=PlanScheduler(gate, retries),
            num_samples=-1,  # the searcher says when it is finished: a promoted trial is a new one to Tune
            reuse_actors=True,
        ),
        run_config=tune.RunConfig(
            name="tune",
            storage_path=str(plan.sweep.path.absolute() / "ray"),
            verbose=2 if options.verbose else 0,
            callbacks=[watch] if options.verbose else [watch, Silence()],
            stop=StopWhenIdle(watch, gate),
            failure_config=tune.FailureConfig(max_failures=0),  # it would start again what died with what it had
        ),
    )
    if not options.verbose:
        logging.getLogger("ray.tune").setLevel(logging.CRITICAL)
    with gate.guarded():
        tuner.fit()


def _search_budget(budget: Budget, search: Search) -> Budget:
    """``budget`` with reports at the rungs; a population replaces what diverges, and restarts nothing."""
    return replace(budget, also_at=search.rungs, retries=budget.retries if search.population is None else 0)
