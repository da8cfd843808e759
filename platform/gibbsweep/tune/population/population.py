"""The generations of one contender's trials. When all members of an arm wait at a boundary, one decision is made for
all of them and written to the journal; then they go on. Knows no files:
:mod:`gibbsweep.tune.population.checkpoint_copies` copies checkpoints."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from optuna.storages import BaseStorage

from gibbsweep.study.space import Space
from gibbsweep.train import OutcomeKind, Segment
from gibbsweep.tune.journal.attributes import DONOR, LOST, VALUES, DonorCheckpoint
from gibbsweep.tune.journal.entries import go_on
from gibbsweep.tune.journal.record import Record
from gibbsweep.tune.population.evolution import Member, evolve
from gibbsweep.tune.population.lineage import median_report, schedule_of, schedule_with_trials
from gibbsweep.tune.schedulers.generations import Generations

_WAITING = ("paused", "lost")


class Population:
    """Decides at the end of each generation which members go on from which checkpoints.

    It is synchronous: a decision is a function of the seed and of the reports at the boundary, whichever member came
    first. It is written before any member goes on, and each member's ``runs_to`` when it goes on. What a kill left
    undone is decided again, with the same result.

    ``members``: how many members each arm has (trial n belongs to arm n modulo their number). ``loss``: the loss that a
    reported value and its violations are ranked by.

    For example::

        population = Population(
            storage, search.records, Generations(800, 8), space, ("learning_rate",),
            lambda value, violations: value, members=(8,), seed=0, window=1,
        )
        population.promote()  # None until all eight members wait at update 100
    """

    def __init__(
        self,
        storage: BaseStorage,
        records: Sequence[Record],
        generations: Generations,
        space: Space,
        evolves: Collection[str],
        loss: Callable[[float, Mapping[str, float]], float],
        *,
        members: Sequence[int],
        seed: int,
        window: int,
    ) -> None:
        self.evolves = tuple(evolves)
        self._storage, self._records, self._generations, self._space = storage, records, generations, space
        self._loss, self._members_of, self._seed, self._window = loss, members, seed, window
        self._ready: list[int] = []

    def schedule(self, number: int) -> tuple[Segment, ...]:
        """The values by updates that a member's weights have been trained with, up to now."""
        return schedule_of(self._records, number)

    def schedule_as_json(self, number: int, search: str) -> list[dict[str, Any]]:
        """That schedule for the results of ``search``: the values that evolve, and the trials that trained with
        them."""
        return schedule_with_trials(self._records, number, self.evolves, search)

    def recover(self) -> None:
        """Decide again for a generation that a kill interrupted after some of its members had gone on."""
        for option in range(len(self._members_of)):
            furthest = max((record.runs_to for record in self._of(option)), default=0)
            waiting = [r for r in self._open(option) if r.state in _WAITING and r.runs_to < furthest]
            if waiting:
                self._decide(option, waiting[0].runs_to)

    def promote(self) -> Record | None:
        """A member that goes on, running again; None while no generation is complete."""
        for option in () if self._ready else range(len(self._members_of)):
            if self._whole(option):
                self._decide(option, self._open(option)[0].runs_to)
        if not self._ready:
            return None
        record = self._records[self._ready[0]]
        runs_to = self._generations.after(record.runs_to)
        go_on(self._storage, record, runs_to)
        self._ready.pop(0)
        return record

    def lose(self, record: Record, kind: OutcomeKind) -> bool:
        """Mark as lost a member that diverged or failed before the last generation; it waits for the end of its
        generation and is replaced then. False if the member ends instead."""
        if kind not in ("diverged", "failed") or record.runs_to >= self._generations.updates:
            return False
        self._storage.set_trial_user_attr(record.trial_id, f"{LOST}{record.runs_to}", kind)
        record.lost[record.runs_to] = kind
        record.state = "lost"
        return True

    def stranded(self, option: int) -> list[Record]:
        """The lost members of a generation in which no member is left to replace them from."""
        open_ = self._open(option)
        return open_ if self._whole(option) and all(record.state == "lost" for record in open_) else []

    def _of(self, option: int) -> Sequence[Record]:
        return self._records[option :: len(self._members_of)]

    def _open(self, option: int) -> list[Record]:
        return [record for record in self._of(option) if not record.ended]

    def _whole(self, option: int) -> bool:
        """Whether all members wait at a boundary at which nothing has been decided yet."""
        open_ = self._open(option)
        return (
            bool(open_)
            and len(self._of(option)) == self._members_of[option]
            and all(record.state in _WAITING for record in open_)
        )

    def _decide(self, option: int, step: int) -> None:
        taking_part = [record for record in self._of(option) if record.runs_to > step or not record.ended]
        members = [Member(r.number, self._loss_at(r, step), _values_at(r, step)) for r in taking_part]
        if not any(math.isfinite(member.loss) for member in members):
            return
        for number, change in sorted(evolve(members, self._space, self.evolves, seed=self._seed, step=step).items()):
            record = self._records[number]
            if not any(copy.step == step for copy in record.copies):
                self._storage.set_trial_user_attr(record.trial_id, f"{DONOR}{step}", change.donor)
                self._storage.set_trial_user_attr(record.trial_id, f"{VALUES}{step}", change.values)
                record.go_on_from(DonorCheckpoint(step, change.donor, change.values))
        self._ready += [record.number for record in taking_part if record.runs_to == step]

    def _loss_at(self, record: Record, step: int) -> float:
        report = None if step in record.lost else median_report(self._records, record.number, step, self._window)
        return math.inf if report is None else self._loss(*report)


def _values_at(record: Record, step: int) -> Mapping[str, Any]:
    """The values with which the member has trained up to ``step``."""
    return next((copy.values for copy in reversed(record.copies) if copy.step < step), record.initial_values)
