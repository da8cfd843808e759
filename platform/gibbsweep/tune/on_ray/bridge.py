"""The plan as Ray Tune sees it: a Searcher that hands out runs and a TrialScheduler that listens to them.

A trial that pauses at a rung ends for Tune. When it is promoted, it is a new trial of Tune's that continues in the same
folder from the same checkpoint. Tune therefore never holds paused trials, which would count as live, and has no state
to lose.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from ray.tune import Callback, Stopper
from ray.tune.experiment import Trial
from ray.tune.progress_reporter import TrialProgressCallback
from ray.tune.schedulers import FIFOScheduler, TrialScheduler
from ray.tune.search import Searcher

from gibbsweep.folder import Outcome, RunFolder, spent
from gibbsweep.folder.outcome import AGAIN_S, REMEMBERED_S
from gibbsweep.train.checkpoint import goes_on
from gibbsweep.tune.on_ray.deaths import Deaths
from gibbsweep.tune.on_ray.precisions import Precisions
from gibbsweep.tune.on_ray.retries import Death, Retries
from gibbsweep.tune.on_ray.same_folder import ADVICE
from gibbsweep.tune.on_ray.trial import ANNOUNCED, DISK_FULL, NOT_THE_SAME
from gibbsweep.tune.plan.assignments import Assignments
from gibbsweep.tune.resources.devices import Devices
from gibbsweep.tune.resources.gate import Gate


class _NoState:
    """A part of Tune without state. Tune pickles its parts for its own restore; a sweep's state is its journal and its
    run folders."""

    def __getstate__(self) -> dict[str, Any]:
        return {}


class PlanSearcher(_NoState, Searcher):
    """A Searcher that asks the plan for runs. ``devices`` says what resources a run asks for, and bounds the runs in
    flight. That bound also keeps trials with worker groups, whose resources Tune does not see, from waiting for one
    another. A run that goes on after its process died is, like a promoted one, a new trial of Tune's, which may ask for
    more than the last one did.

    For example::

        searcher = PlanSearcher(gate, Assignments(plan, options), devices, retries)
        tune.Tuner(trainable, tune_config=tune.TuneConfig(search_alg=searcher, num_samples=-1))
    """

    def __init__(self, gate: Gate, assignments: Assignments, devices: Devices, retries: Retries) -> None:
        super().__init__()
        self._assignments = assignments
        self._gate, self._plan, self._devices, self._retries = gate, gate.plan, devices, retries
        self._names: dict[str, str] = {}

    def suggest(self, trial_id: str) -> Any:
        """The configuration of Tune's trial ``trial_id``: the next run of the plan."""
        if self._gate.closing or self._plan.finished():
            return Searcher.FINISHED
        if self._devices.is_full(self._gate.in_flight()):
            return None
        planned = self._gate.next()
        if planned is None:
            return Searcher.FINISHED if self._gate.halted else None
        self._names[trial_id] = planned.name
        request = self._devices.start(planned)
        return {
            "name": planned.name,
            "contender": planned.contender,
            "assignment": self._assignments.of(planned),
            "cpus": request.cpus,
            "gpus": request.gpus,
        }

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        """Take the end of a trial of Tune's, which need not be the end of its run."""
        name = self._names[trial_id]
        planned = self._plan.running[name]
        with self._gate.guarded():
            self._end(name, int((result or {}).get("step", -1)), self._retries.death_of(trial_id), error)
        if name not in self._plan.running:
            self._gate.ended(planned)

    def _end(self, name: str, step: int, death: Death | None, error: bool) -> None:
        """Tell the plan how the run ended, if it did. A run that was stopped in its course stays unfinished."""
        run_dir = self._plan.run_dir(name)
        outcome = Outcome.read(run_dir)
        if outcome is None and self._plan.pause(name):
            return
        if outcome is None and self._gate.closing and (self._gate.halted or not error):
            self._plan.interrupt(name)
            return
        if outcome is None:
            message = f"it ended without an outcome: see {RunFolder(run_dir).log}"
            failure: Outcome | None = Outcome("failed", step=step, message=message, **spent(run_dir))
            if death is not None:
                failure = self._retries.outcome_after(self._plan.running[name], death)
            if failure is None:
                self._plan.interrupt(name)
                return
            outcome = self._unless_it_ended(name, failure)
        if outcome is not None:
            self._plan.close(name, outcome)

    def _unless_it_ended(self, name: str, failure: Outcome) -> Outcome | None:
        """``failure``, which is then on record, unless the run did end, or pauses (None), on another machine: what it
        wrote there may be seen here only after a while. A person who stops the sweep meanwhile leaves it unfinished."""
        run_dir, wait_s = self._plan.run_dir(name), REMEMBERED_S if self._devices.on_several else 0.0
        deadline = time.monotonic() + wait_s
        while time.monotonic() < deadline:
            time.sleep(AGAIN_S)
            outcome = Outcome.read(run_dir)
            if outcome is not None:
                return outcome
            if self._plan.pause(name):
                return None
            if self._gate.closing:
                self._plan.interrupt(name)
                return None
        return failure.write_first(run_dir, wait_s)

    def save(self, checkpoint_path: str) -> None:
        """Write an empty file, which Tune expects."""
        Path(checkpoint_path).touch()

    def restore(self, checkpoint_path: str) -> None:
        """Refuse: a sweep is resumed from its journal."""
        raise RuntimeError("a sweep is resumed from its journal, never from Tune's searcher state")


class PlanScheduler(_NoState, FIFOScheduler):
    """A TrialScheduler that passes reports to the plan and stops the runs that the plan stops. Once the sweep is to
    stop, it stops every run that has a checkpoint to go on from and more than its end before it.

    For example::

        tune.TuneConfig(scheduler=PlanScheduler(gate, retries))
    """

    def __init__(self, gate: Gate, retries: Retries) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._gate, self._plan, self._retries = gate, gate.plan, retries
        self._deaths = Deaths()
        self._newest: Trial | None = None

    def on_trial_add(self, tune_controller: Any, trial: Trial) -> None:
        """Note the newest trial, and listen for its error."""
        self._newest = trial
        self._deaths.listen(trial)

    def choose_trial_to_run(self, tune_controller: Any) -> Trial | None:
        """The newest trial if it waits, so that it gets the process that has just become free. Tune would give that
        process to the oldest waiting trial, whose own process is about to start, and end the latter. As long as trials
        are shorter than the start of a process, all processes but one would be ended before they had a trial, and
        started again."""
        newest = self._newest
        return newest if newest is not None and newest.status == Trial.PENDING else None

    def on_trial_error(self, tune_controller: Any, trial: Trial) -> None:
        """Pass the cause of a trial's death to the retries."""
        self._retries.on_death(trial.trial_id, self._deaths.of(trial))

    def on_trial_result(self, tune_controller: Any, trial: Trial, result: dict[str, Any]) -> str:
        """Pass a report to the plan, and say whether the trial goes on."""
        name = trial.config["name"]
        if DISK_FULL in result:
            self._gate.out_of_space()
            return str(TrialScheduler.STOP)
        if NOT_THE_SAME in result:
            self._gate.halt(str(result[NOT_THE_SAME]), ADVICE)
            return str(TrialScheduler.STOP)
        if name not in self._plan.running or "step" not in result:
            return str(TrialScheduler.CONTINUE)
        step = int(result["step"])
        metrics = {key.removeprefix(ANNOUNCED): value for key, value in result.items() if key.startswith(ANNOUNCED)}
        stopped = True
        with self._gate.guarded():
            stopped = self._plan.report(name, step, metrics)
        self._gate.reported(name)
        self._retries.on_report(name)
        stopped = stopped or (self._gate.closing and self._may_stop(name, step))
        return str(TrialScheduler.STOP if stopped else TrialScheduler.CONTINUE)

    def _may_stop(self, name: str, step: int) -> bool:
        # A run at its rung or its end only has to write its outcome. So does a run that was fitted at once.
        folder = RunFolder(self._plan.run_dir(name))
        return step < self._plan.running[name].runs_to and goes_on(folder.checkpoint)


class StopWhenIdle(_NoState, Stopper):
    """A Stopper that ends the trials that wait for a process once the sweep is to stop and no trial runs any more.

    For example::

        tune.RunConfig(stop=StopWhenIdle(watch, gate))
    """

    def __init__(self, watch: Watch, gate: Gate) -> None:
        self._watch, self._gate = watch, gate

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        return False

    def stop_all(self) -> bool:
        """Whether Tune is to end now."""
        return self._gate.closing and not any(trial.status == Trial.RUNNING for trial in self._watch.trials)


class Silence(TrialProgressCallback):
    """A callback that prints nothing. It replaces Tune's own, which says of every trial without a report that it
    completed, whatever the verbosity."""

    def _print(self, msg: str) -> None:
        """Print nothing: :class:`Watch` tells the progress."""


class Watcher(Protocol):
    """The contract of what shows a person the progress of a sweep: :class:`gibbsweep.tune.status.live.Progress`."""

    def show(self) -> None:
        """Note that time has passed."""
        ...

    def trials(self, pending: int, running: int) -> None:
        """Note how many trials wait for a device, and how many have one."""
        ...

    def changed(self) -> None:
        """Note that a run has started, reported or ended."""
        ...

    def reported(self, run: str, step: int, metrics: Mapping[str, Any]) -> None:
        """Note that ``run`` has reported ``metrics`` after ``step`` updates."""
        ...


class Watch(_NoState, Callback):
    """A callback that tells the watcher whenever a trial starts, reports or ends, and at regular steps between.

    For example::

        tune.RunConfig(callbacks=[Watch(progress, retries, precisions)])
    """

    def __init__(self, watcher: Watcher, retries: Retries, precisions: Precisions) -> None:
        self._watcher, self._retries, self._precisions = watcher, retries, precisions
        self.trials: list[Trial] = []
        """All trials of Tune's at its last step."""

    def on_step_begin(self, iteration: int, trials: list[Trial], **info: Any) -> None:
        self.trials = trials

    def on_step_end(self, iteration: int, trials: list[Trial], **info: Any) -> None:
        states = [trial.status for trial in trials]
        self._watcher.trials(states.count(Trial.PENDING), states.count(Trial.RUNNING))
        self._watcher.show()

    def on_trial_start(self, iteration: int, trials: list[Trial], trial: Trial, **info: Any) -> None:
        self._retries.on_start(trial.config["name"])
        self._watcher.changed()

    def on_trial_result(
        self, iteration: int, trials: list[Trial], trial: Trial, result: dict[str, Any], **info: Any
    ) -> None:
        if "step" in result:
            self._watcher.reported(trial.config["name"], int(result["step"]), result)
            self._precisions.look(trial.config["contender"])
        self._watcher.changed()

    def on_trial_complete(self, iteration: int, trials: list[Trial], trial: Trial, **info: Any) -> None:
        self._watcher.changed()

    def on_trial_error(self, iteration: int, trials: list[Trial], trial: Trial, **info: Any) -> None:
        self._watcher.changed()
