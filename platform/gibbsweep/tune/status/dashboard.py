"""Optuna's dashboard on the trials of a sweep: a copy of its journal, in which goals have their names and numbers their
order. Nothing that is done in the dashboard reaches the sweep."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.storages import InMemoryStorage, JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, TrialState, create_trial

from gibbsweep.errors import UserError
from gibbsweep.study.goal import goal_names
from gibbsweep.tune.folder.layout import SweepDir
from gibbsweep.tune.plan.outline import Outline, read_outline


def serve_dashboard(sweep: SweepDir, port: int, started: Callable[[int], None]) -> None:
    """Serve the dashboard of ``sweep`` on ``port`` of 127.0.0.1 until the process is interrupted; ``started`` gets the
    number of trials before. Raises UserError without the package, and without a journal."""
    try:
        from optuna_dashboard import wsgi
    except ImportError as error:
        raise UserError(
            "optuna-dashboard is not installed: install it with pip install 'gibbsweep[ui]', or pip install "
            "optuna-dashboard."
        ) from error
    storage = copied(sweep)
    with make_server("127.0.0.1", port, wsgi(storage), _Threaded, _Quiet) as server:
        started(sum(storage.get_n_trials(study._study_id) for study in storage.get_all_studies()))
        server.serve_forever()


class _Threaded(ThreadingMixIn, WSGIServer):
    """A server that answers a browser's requests side by side."""

    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    """A handler that prints no line for each request."""

    def log_message(self, format: str, *args: Any) -> None:
        pass


def copied(sweep: SweepDir) -> InMemoryStorage:
    """A study for each contender of ``sweep`` with its trials. Raises UserError where the journal cannot be read."""
    outlines = read_outline(sweep)
    if not sweep.journal.exists():  # Optuna would create it
        raise UserError(f"sweep {sweep.name!r} has no trial yet: look again in a moment.")
    storage = InMemoryStorage()
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        journal = JournalStorage(JournalFileBackend(str(sweep.journal)))
        for name, outline in outlines.items():
            _copy(journal, storage, name, outline)
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"the journal of sweep {sweep.name!r} cannot be read ({error}): {sweep.journal}") from error
    finally:
        optuna.logging.set_verbosity(verbosity)
    return storage


def _copy(journal: JournalStorage, storage: InMemoryStorage, name: str, outline: Outline) -> None:
    names = {study.study_name for study in journal.get_all_studies()}
    if name not in names:
        return
    trials = optuna.load_study(study_name=name, storage=journal).get_trials(deepcopy=False)
    study = optuna.create_study(study_name=name, storage=storage, directions=[goal.direction for goal in outline.goals])
    with warnings.catch_warnings():  # the names of goals are experimental in Optuna
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        study.set_metric_names(goal_names(outline.goals))
    study.add_trials([_ordered(trial, len(outline.goals)) for trial in trials])


def _ordered(trial: FrozenTrial, goals: int) -> FrozenTrial:
    """The trial with the numbers of each choice in rising order, which is the order of a figure's axis."""
    values: list[float] | None = trial.values
    return create_trial(
        # A trial that has not ended has no values, and Optuna adds no running one.
        state=trial.state if trial.state.is_finished() else TrialState.WAITING,
        values=values if trial.state == TrialState.COMPLETE else None,
        params=trial.params,
        distributions={path: _in_order(domain) for path, domain in trial.distributions.items()},
        user_attrs=_shown(trial.user_attrs),
        intermediate_values=trial.intermediate_values if goals == 1 else {},
    )


def _in_order(domain: BaseDistribution) -> BaseDistribution:
    if not isinstance(domain, CategoricalDistribution):
        return domain
    numbers = [option for option in domain.choices if isinstance(option, int | float) and not isinstance(option, bool)]
    return CategoricalDistribution(sorted(numbers)) if len(numbers) == len(domain.choices) else domain


def _shown(attrs: Mapping[str, Any]) -> dict[str, Any]:
    """What a person reads of a trial's attributes: how it ended and from where it borrowed."""
    return {key: attrs[key] for key in ("outcome", "runs_to", "borrowed_from") if key in attrs}
