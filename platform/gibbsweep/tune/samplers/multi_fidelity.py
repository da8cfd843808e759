"""Search by a model of the losses that trials end with, learned from all their reports on the way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gibbsweep.study.constraint import total_violation
from gibbsweep.study.goal import Goal
from gibbsweep.study.space import Space
from gibbsweep.tune.journal.record import Record
from gibbsweep.tune.samplers import unit_cube
from gibbsweep.tune.samplers.encoding import encode
from gibbsweep.tune.samplers.end_model import END, EndModel, fidelity

HYPERPARAMETERS = "gp:hyperparameters"
"""Name of the attribute in which a trial keeps the hyperparameters that were fitted when it was suggested: a resumed
sweep decides by the same ones."""

_REFIT = 1.06  # the model is fitted again once there are so many times as many trials as at the last fit
_MOST = 120  # most observations of a model: a fit costs their cube, and must be over long before a trial is
_CANDIDATES = 400  # candidates that are drawn anywhere
_CANDIDATES_NEAR = 32  # candidates that are drawn near each of the best, for each step
_BEST = 8  # trials near which candidates are drawn
_STEPS = (0.05, 0.15)  # deviations of candidates near the best, in the unit cube


class MultiFidelity:
    """Suggests the values of trials that report at rungs, for one goal.

    It draws at random until ``startup`` trials have reported. Then it suggests the values with the largest expected
    improvement on the best end, and ranks trials that wait at a rung by the end that it expects of them::

        search = MultiFidelity(space, rungs=(9, 27), updates=81, seed=0, startup=8)
        values, attributes = search.suggest(number, goal, records, fixed={})
    """

    def __init__(
        self,
        space: Space,
        rungs: Sequence[int],
        updates: int,
        *,
        seed: int,
        startup: int,
        earlier: Sequence[Record] = (),
    ) -> None:
        """``rungs``: updates at which trials report before their end, after ``updates``. ``earlier``: trials of another
        sweep."""
        self._space, self._rungs, self._updates = space, tuple(rungs), updates
        self._seed, self._startup, self._earlier = seed, startup, earlier
        self._expected: tuple[tuple[int, int, int], list[float] | None] = (0, 0, 0), None
        # By the identity of a record's values, which live as long as the search; a population replaces them.
        self._encoded: dict[int, NDArray[np.float64]] = {}

    def suggest(
        self, number: int, goal: Goal, records: Sequence[Record], fixed: Mapping[str, Any]
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """The values of trial ``number``, and the attributes that its record must keep. Paths of ``fixed`` have those
        values."""
        fit = _last_fit(records)
        refit = fit is None or len(records) >= _REFIT * fit.number
        model = self._model(goal, records, None if fit is None or refit else fit.attrs[HYPERPARAMETERS])
        if model is None:
            return unit_cube.random_point(self._space, self._seed, number, fixed), {}
        peers = [
            record
            for record in (*self._earlier, *records)
            if all(record.values.get(path) == value for path, value in fixed.items())
        ]
        ends = model.predict(self._points(peers))[0] if peers else np.zeros(1)
        best = [peers[i].values for i in np.argsort(ends, kind="stable")[:_BEST]] if peers else []
        drawn = _draw_candidates(self._space, best, self._seed, number)
        candidates = [unit_cube.values_at(self._space, point, fixed) for point in drawn]
        model.expect(self._points([record for record in records if record.state == "running"]))
        gains = model.expected_improvement(np.array([encode(self._space, c) for c in candidates]), float(ends.min()))
        return candidates[int(np.argmax(gains))], {HYPERPARAMETERS: model.hyperparameters} if refit else {}

    def expected_ends(self, goal: Goal, records: Sequence[Record]) -> list[float] | None:
        """The loss that each of ``records`` is expected to end with, comparable with each other; None before the
        model's first fit."""
        fit = _last_fit(records)
        if fit is None:
            return None
        # This is asked whenever a worker is free, also where nothing has happened since the last time.
        counts = len(records), sum(len(r.reports) for r in records), sum(r.ended for r in records)
        if counts != self._expected[0]:
            model = self._model(goal, records, fit.attrs[HYPERPARAMETERS])
            ends = None if model is None else model.predict(self._points(records))[0].tolist()
            self._expected = counts, ends
        return self._expected[1]

    def _model(self, goal: Goal, records: Sequence[Record], hyperparameters: list[float] | None) -> EndModel | None:
        """The model of all observations; None before ``startup`` trials have any."""
        with_reports = [record for record in (*self._earlier, *records) if record.reports or record.ended]
        if len(with_reports) < self._startup:
            return None
        observations = _cap(list(self._observations(goal, with_reports)))
        if not observations:
            return None
        points = self._points([record for record, _, _ in observations])
        fidelities = np.array([level for _, level, _ in observations])
        losses = np.array([loss for _, _, loss in observations])
        return EndModel(points, fidelities, losses, hyperparameters)

    def _observations(self, goal: Goal, records: Sequence[Record]) -> Iterator[tuple[Record, float, float]]:
        """Trials with a fidelity and the loss there: at every rung, at the last report, at the end. A trial that
        diverged ends with the worst loss of all."""
        reports = [self._losses_and_violations(goal, record) for record in records]
        losses = _penalise([pair for of_record in reports for pair in of_record.values()])
        worst = max(losses, default=None)
        following = iter(losses)
        for record, of_record in zip(records, reports, strict=True):
            last = max(of_record, default=self._rungs[0])
            for step, loss in zip(of_record, islice(following, len(of_record)), strict=True):
                if step in self._rungs or step == last:
                    yield record, fidelity(step, self._rungs[0], self._updates), loss
            if record.state in ("diverged", "lost") and worst is not None:
                yield record, END, worst

    def _losses_and_violations(self, goal: Goal, record: Record) -> dict[int, tuple[float, float]]:
        """The loss of the trial, and how far it is from satisfying the constraints, by updates."""
        pairs = {
            step: (goal.loss(value), total_violation(record.violations.get(step, {})))
            for step, (value,) in sorted(record.reports.items())
        }
        if record.objectives is not None:
            pairs[self._updates] = goal.loss(record.objectives[0]), record.violation
        return pairs

    def _points(self, records: Sequence[Record]) -> NDArray[np.float64]:
        """The values of ``records`` as points of the unit cube, (n, d)."""
        for record in records:
            if id(record.values) not in self._encoded:
                self._encoded[id(record.values)] = encode(self._space, record.values)
        return np.array([self._encoded[id(record.values)] for record in records])


def _penalise(pairs: Sequence[tuple[float, float]]) -> list[float]:
    """One loss for each pair (loss, violation). A pair that violates a constraint has a worse loss than all that
    satisfy them, by its violation in units of their range, so that the model knows on which side to search. Where none
    satisfies the constraints, the loss is the violation itself."""
    satisfying = [loss for loss, violation in pairs if not violation]
    if not satisfying:
        return [violation for _, violation in pairs]
    worst, width = max(satisfying), max(satisfying) - min(satisfying)
    return [worst + width * violation if violation else loss for loss, violation in pairs]


def _last_fit(records: Sequence[Record]) -> Record | None:
    """The trial with which hyperparameters were fitted last; None before the first fit."""
    return next((record for record in reversed(records) if HYPERPARAMETERS in record.attrs), None)


def _cap(observations: list[tuple[Record, float, float]]) -> list[tuple[Record, float, float]]:
    """Choose at most ``_MOST`` of the ``observations``, in their order: half of them the best of those nearer to the
    end than to the first rung, the others the latest."""
    if len(observations) <= _MOST:
        return observations
    indices = range(len(observations))
    best = sorted(indices, key=lambda i: (observations[i][1] > 0.5, observations[i][2]))[: _MOST // 2]
    chosen = set(best)
    latest = [i for i in reversed(indices) if i not in chosen]
    return [observations[i] for i in sorted([*best, *latest[: _MOST - len(best)]])]


def _draw_candidates(
    space: Space, best: Sequence[Mapping[str, Any]], seed: int, number: int
) -> Iterator[dict[str, float]]:
    """Coordinates of candidates for trial ``number``: anywhere, and near the ``best`` in about half of their
    coordinates."""
    random = np.random.default_rng((seed, number))
    paths = unit_cube.paths_of(space)
    for row in random.random((_CANDIDATES, len(paths))):
        yield dict(zip(paths, row, strict=True))
    for values in best:
        center = unit_cube.coordinates(space, values)
        for step in _STEPS:
            # A coordinate of a branch that the best trial did not choose is drawn anew.
            start = np.where(
                [path in center for path in paths],
                [center.get(path, 0.0) for path in paths],
                random.random(len(paths)),
            )
            moved = start + step * random.standard_normal((_CANDIDATES_NEAR, len(paths)))
            for row in np.where(random.random(moved.shape) < 0.5, np.clip(moved, 0.0, np.nextafter(1.0, 0.0)), start):
                yield dict(zip(paths, row, strict=True))
