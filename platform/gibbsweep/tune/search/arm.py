"""One compared option of a contender, with its trials and its scheduler, which compares them with one another alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from gibbsweep.study.at_budget import ContenderAtBudget
from gibbsweep.tune.folder.layout import search_name
from gibbsweep.tune.journal.ranking import best_first
from gibbsweep.tune.journal.record import Record
from gibbsweep.tune.schedulers.base import Scheduler
from gibbsweep.tune.search.front import FrontMember, members_of


@dataclass(eq=False)
class Arm:
    """The trials of a contender with one compared option. A contender that compares nothing has one arm.

    The arms of a contender share one Optuna study and take turns in it. Of ``turns`` arms, the arm at ``position`` has
    the trials ``position``, ``position + turns``, ``position + 2 turns``, ...
    """

    contender: ContenderAtBudget
    """The contender that it belongs to."""
    option: Any
    """The compared option; None if the contender compares nothing."""
    position: int
    """Its place among the contender's arms, counted from 0."""
    turns: int
    """The number of the contender's arms."""
    trials: int
    """How many trials it gets in all, as many as each other arm of its contender."""
    scheduler: Scheduler
    """Decides how far its trials run; counts the arm's trials from 0."""
    records: list[Record] = field(default_factory=list)
    """Its trials on record, in their order."""

    @property
    def name(self) -> str:
        """The contender's name."""
        return self.contender.name

    @property
    def compared(self) -> dict[str, Any]:
        """The compared values by path."""
        return self.contender.compared(self.option)

    def index(self, record: Record) -> int:
        """The place of ``record`` among the arm's trials."""
        return record.number // self.turns

    def search_runs(self) -> list[str]:
        """The names of its search runs, started or not."""
        return [search_name(self.name, self.position + i * self.turns) for i in range(self.trials)]

    def searched(self) -> bool:
        """Whether the journal has the end of every trial."""
        return len(self.records) == self.trials and all(record.ended for record in self.records)

    def best(self) -> Record | None:
        """The best completed trial that satisfies every constraint, otherwise the one that comes closest; None if none
        completed."""
        return next(iter(best_first(self.records, self.contender.goals)), None)

    def members(self, most: int, first: int | None = None) -> list[FrontMember]:
        """What is retrained once its trials have ended: at most ``most`` configurations; see
        :func:`gibbsweep.tune.search.front.members_of`. ``first``: of its first so many trials. Without a search it is
        the contender's configuration as it stands."""
        if not self.trials:
            return [FrontMember("", self.compared)]
        return members_of(self.records[:first], self.contender.goals, most)
