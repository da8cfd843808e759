"""Search by a model of what trials end with, learned from all that they have reported on the way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gibbsweep.study.constraint import total
from gibbsweep.study.goal import Goal
from gibbsweep.study.space import Space
from gibbsweep.tune.journal.record import Record
from gibbsweep.tune.samplers import unit_cube
from gibbsweep.tune.samplers.encoding import encode
from gibbsweep.tune.samplers.end_model import END, EndModel, fidelity

HYPERPARAMETERS = "gp:hyperparameters"
"""Of the attribute in which a trial keeps those that were fitted when it was asked for: a resumed sweep decides by the same."""

_REFIT = 1.06  # the trials between two fits, as a factor of how many there are
_MOST = 120  # observations of a model: a fit costs their cube, and is to be over long before a trial is
_DRAWN, _NEAR, _BEST = 400, 32, 8
_STEPS = (0.05, 0.15)  # of what is drawn near the best, in the unit cube


class MultiFidelity:
    """For one goal, of trials that report at ``rungs`` and after ``updates``. Draws at random until ``startup`` trials have reported;
    then suggests what is expected to improve the most on the best end, and ranks the trials that wait at a rung by the end that it
    expects of them. ``earlier``: trials of another sweep."""

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
        self._space, self._rungs, self._updates = space, tuple(rungs), updates
        self._seed, self._startup, self._earlier = seed, startup, earlier
        self._expected: tuple[tuple[int, int, int], list[float] | None] = (0, 0, 0), None
        # By the identity of the records' values, which live as long as the search: a population changes them.
        self._encoded: dict[int, NDArray[np.float64]] = {}

    def suggest(
        self, number: int, goal: Goal, records: Sequence[Record], fixed: Mapping[str, Any]
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Values of trial ``number``, and what must be found on its record again. Paths of ``fixed`` have those values."""
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
        candidates = [
            unit_cube.at(self._space, point, fixed) for point in _drawn(self._space, best, self._seed, number)
        ]
        model.expect(self._points([record for record in records if record.state == "running"]))
        gains = model.expected_improvement(np.array([encode(self._space, c) for c in candidates]), float(ends.min()))
        return candidates[int(np.argmax(gains))], {HYPERPARAMETERS: model.hyperparameters} if refit else {}

    def expected_ends(self, goal: Goal, records: Sequence[Record]) -> list[float] | None:
        """What each of ``records`` is expected to end with, as losses that can be compared with each other; None before the model's
        first fit."""
        fit = _last_fit(records)
        if fit is None:
            return None
        # Asked for whenever a worker is free, also where nothing has happened since.
        known = len(records), sum(len(r.reports) for r in records), sum(r.ended for r in records)
        if known != self._expected[0]:
            model = self._model(goal, records, fit.attrs[HYPERPARAMETERS])
            ends = None if model is None else model.predict(self._points(records))[0].tolist()
            self._expected = known, ends
        return self._expected[1]

    def _model(self, goal: Goal, records: Sequence[Record], hyperparameters: list[float] | None) -> EndModel | None:
        known = [record for record in (*self._earlier, *records) if record.reports or record.ended]
        if len(known) < self._startup:
            return None
        seen = _capped(list(self._observations(goal, known)))
        if not seen:
            return None
        points = self._points([record for record, _, _ in seen])
        fidelities = np.array([at for _, at, _ in seen])
        losses = np.array([loss for _, _, loss in seen])
        return EndModel(points, fidelities, losses, hyperparameters)

    def _observations(self, goal: Goal, records: Sequence[Record]) -> Iterator[tuple[Record, float, float]]:
        """Trials with a fidelity and the loss there: at every rung, at the last report, at the end. A trial that diverged ends with
        the worst loss of all."""
        reported = [self._reported(goal, record) for record in records]
        losses = _behind([pair for found in reported for pair in found.values()])
        worst = max(losses, default=None)
        following = iter(losses)
        for record, found in zip(records, reported, strict=True):
            last = max(found, default=self._rungs[0])
            lost = record.state in ("diverged", "lost")
            for step, loss in zip(found, islice(following, len(found)), strict=True):
                if step in self._rungs or step == last:
                    yield record, fidelity(step, self._rungs[0], self._updates), loss
            if lost and worst is not None:
                yield record, END, worst

    def _reported(self, goal: Goal, record: Record) -> dict[int, tuple[float, float]]:
        """The loss, and how far the trial is from the constraints, by updates."""
        found = {
            step: (goal.loss(value), total(record.violations.get(step, {})))
            for step, value in sorted(record.reports.items())
        }
        if record.value is not None:
            found[self._updates] = goal.loss(record.value), record.violation
        return found

    def _points(self, records: Sequence[Record]) -> NDArray[np.float64]:
        for record in records:
            if id(record.values) not in self._encoded:
                self._encoded[id(record.values)] = encode(self._space, record.values)
        return np.array([self._encoded[id(record.values)] for record in records])


def _behind(reported: Sequence[tuple[float, float]]) -> list[float]:
    """The losses of (loss, violation): one that violates a constraint is behind all that satisfy them, by its violation in units of their
    range, so that the model knows on which side to search. Where none satisfies them it is the violation itself."""
    kept = [loss for loss, beyond in reported if not beyond]
    if not kept:
        return [beyond for _, beyond in reported]
    worst, width = max(kept), max(kept) - min(kept)
    return [worst + width * beyond if beyond else loss for loss, beyond in reported]


def _last_fit(records: Sequence[Record]) -> Record | None:
    """The trial at which hyperparameters were fitted last."""
    return next((record for record in reversed(records) if HYPERPARAMETERS in record.attrs), None)


def _capped(seen: list[tuple[Record, float, float]]) -> list[tuple[Record, float, float]]:
    """At most ``_MOST`` observations, in their order: half of them the best of those nearer to the end than to the first rung, the others
    the latest."""
    if len(seen) <= _MOST:
        return seen
    best = sorted(range(len(seen)), key=lambda i: (seen[i][1] > 0.5, seen[i][2]))[: _MOST // 2]
    chosen = set(best)
    latest = [i for i in reversed(range(len(seen))) if i not in chosen]
    return [seen[i] for i in sorted([*best, *latest[: _MOST - len(best)]])]


def _drawn(space: Space, best: Sequence[Mapping[str, Any]], seed: int, number: int) -> Iterator[dict[str, float]]:
    """Coordinates of candidates for trial ``number``: anywhere, and near the ``best`` in about half of their coordinates."""
    random = np.random.default_rng((seed, number))
    paths = unit_cube.paths_of(space)
    for row in random.random((_DRAWN, len(paths))):
        yield dict(zip(paths, row, strict=True))
    for values in best:
        own = unit_cube.coordinates(space, values)
        for step in _STEPS:
            # What lies in a branch that the best did not take is drawn anew.
            start = np.where(
                [path in own for path in paths], [own.get(path, 0.0) for path in paths], random.random(len(paths))
            )
            moved = start + step * random.standard_normal((_NEAR, len(paths)))
            for row in np.where(random.random(moved.shape) < 0.5, np.clip(moved, 0.0, np.nextafter(1.0, 0.0)), start):
                yield dict(zip(paths, row, strict=True))
