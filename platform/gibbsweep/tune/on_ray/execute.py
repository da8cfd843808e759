"""Carries out a plan with Ray Tune. Ray is imported when it starts."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from gibbsweep.tune.on_ray import same_folder
from gibbsweep.tune.on_ray.cluster import this_node
from gibbsweep.tune.on_ray.precisions import Precisions
from gibbsweep.tune.on_ray.retries import Retries
from gibbsweep.tune.options.options import SweepOptions
from gibbsweep.tune.plan.assignments import Assignments
from gibbsweep.tune.resources.devices import Devices
from gibbsweep.tune.resources.gate import Gate
from gibbsweep.tune.resources.shortage import Shortages

if TYPE_CHECKING:
    from gibbsweep.tune.on_ray.bridge import Watcher


def execute(
    gate: Gate,
    options: SweepOptions,
    watcher: Watcher,
    devices: Devices,
    say: Callable[[str], None],
) -> None:
    """Start what ``gate`` hands out until it hands out nothing more. ``devices``: the resources that each run asks for;
    ``say`` tells a person a sentence."""
    from ray import tune

    from gibbsweep.tune.on_ray.bridge import PlanScheduler, PlanSearcher, Silence, StopWhenIdle, Watch
    from gibbsweep.tune.on_ray.trial import Payload, run_trial, tune_request

    plan = gate.plan
    payload = Payload(
        workers=options.workers_per_trial,
        echo=options.verbose,
        session=uuid.uuid4().hex,
        patience_s=same_folder.PATIENCE_S,
    )
    same_folder.sign(plan.sweep, payload.session)
    gate.shortages = shortages = Shortages(devices.nodes, this_node(), say=say, halt=gate.halt)
    workers, retries = options.workers_per_trial, Retries(plan.sweep, devices, shortages, say, gate.halt)
    watch = Watch(watcher, retries, Precisions(plan.sweep.precision, say))

    def resources(config: dict[str, Any]) -> tune.PlacementGroupFactory:
        return tune_request(workers, config["cpus"], config["gpus"])

    def run(config: dict[str, Any]) -> None:
        # Not tune.with_parameters, which puts the payload into Ray's object store: where this machine's part of Ray is
        # ended, Ray tries to save the object, and ends this process with code 1 as it fails.
        run_trial(config, payload=payload)

    tuner = tune.Tuner(
        tune.with_resources(run, resources),
        tune_config=tune.TuneConfig(
            search_alg=PlanSearcher(gate, Assignments(plan, options), devices, retries),
            scheduler=PlanScheduler(gate, retries),
            num_samples=-1,  # the searcher ends the sweep: a promoted trial is a new one to Tune
            reuse_actors=True,
        ),
        run_config=tune.RunConfig(
            name="tune",
            storage_path=str(plan.sweep.ray.absolute()),
            verbose=2 if options.verbose else 0,
            callbacks=[watch] if options.verbose else [watch, Silence()],
            stop=StopWhenIdle(watch, gate),
            failure_config=tune.FailureConfig(max_failures=0),  # Retries decides about what died
        ),
    )
    if not options.verbose:
        logging.getLogger("ray.tune").setLevel(logging.CRITICAL)
    with gate.guarded():
        tuner.fit()
