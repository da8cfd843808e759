"""The generations of one contender's trials: when all members of a compared option wait at a boundary, who goes on from whom is decided
for all of them, written to the journal, and then they go on. Knows no files: checkpoints are copied by :mod:`gibbsweep.tune.population.takeovers`."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from optuna.storages import BaseStorage

from gibbsweep.study.space import Space
from gibbsweep.train import OutcomeKind, Segment
from gibbsweep.tune.journal.attributes import FROM, LOST, VALUES, Copied
from gibbsweep.tune.journal.entries import go_on
from gibbsweep.tune.journal.record import Record
from gibbsweep.tune.population.evolution import Member, evolve
from gibbsweep.tune.population.lineage import judged, schedule_of, schedule_told
from gibbsweep.tune.schedulers.generations import Generations

_WAITING = ("paused", "lost")


class Population:
    """``members``: how many each option has, in turns (trial n is of option n modulo their number). ``loss``: what a reported value with
    its violations is ranked by. Synchronous: a decision is a function of the seed and of the reports at the boundary, whoever came
    first. It is written before anyone goes on, and each member's ``runs_to`` as it does; what a kill left of it is taken again, with the same
    result."""

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
        """How the weights of a member have been trained, and how they are now."""
        return schedule_of(self._records, number)

    def told(self, number: int, search: str) -> list[dict[str, Any]]:
        """That schedule for the results of ``search``: what evolves, and whose training it was."""
        return schedule_told(self._records, number, self.evolves, search)

    def recover(self) -> None:
        """Find again who was to go on when a kill came: some members had begun the next generation."""
        for option in range(len(self._members_of)):
            furthest = max((record.runs_to for record in self._of(option)), default=0)
            waiting = [r for r in self._open(option) if r.state in _WAITING and r.runs_to < furthest]
            if waiting:
                self._decide(option, waiting[0].runs_to)

    def promote(self) -> Record | None:
        """A member that goes on, running again; None while no generation is whole."""
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
        """Whether a member that has ended so waits for its generation's end, to be replaced there; the last generation has none."""
        if kind not in ("diverged", "failed") or record.runs_to >= self._generations.updates:
            return False
        self._storage.set_trial_user_attr(record.trial_id, f"{LOST}{record.runs_to}", kind)
        record.lost[record.runs_to] = kind
        record.state = "lost"
        return True

    def stranded(self, option: int) -> list[Record]:
        """The lost members of a generation in which nobody is left to replace them from."""
        open_ = self._open(option)
        return open_ if self._whole(option) and all(record.state == "lost" for record in open_) else []

    def _of(self, option: int) -> Sequence[Record]:
        return self._records[option :: len(self._members_of)]

    def _open(self, option: int) -> list[Record]:
        return [record for record in self._of(option) if not record.ended]

    def _whole(self, option: int) -> bool:
        """Whether all members wait at a boundary, and nothing has been decided there."""
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
            if not any(copied.step == step for copied in record.copies):
                self._storage.set_trial_user_attr(record.trial_id, f"{FROM}{step}", change.donor)
                self._storage.set_trial_user_attr(record.trial_id, f"{VALUES}{step}", change.values)
                record.go_on_from(Copied(step, change.donor, change.values))
        self._ready += [record.number for record in taking_part if record.runs_to == step]

    def _loss_at(self, record: Record, step: int) -> float:
        found = None if step in record.lost else judged(self._records, record.number, step, self._window)
        return math.inf if found is None else self._loss(*found)


def _values_at(record: Record, step: int) -> Mapping[str, Any]:
    """Those that the member has trained with to ``step``."""
    return next((copied.values for copied in reversed(record.copies) if copied.step < step), record.initial_values)
