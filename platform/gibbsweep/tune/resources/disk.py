"""``--disk``: the checkpoints of a whole sweep stay under so many bytes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from gibbsweep.track import QUOTA_FILE
from gibbsweep.train.checkpoint import REMOVED, remove_checkpoint
from gibbsweep.train.files import write_atomically
from gibbsweep.tune.folder.layout import SweepDir, search_name
from gibbsweep.tune.journal.ranking import best_first
from gibbsweep.tune.journal.record import Record
from gibbsweep.tune.options.sizes import parse_size, rounded_up, size_text
from gibbsweep.tune.plan.plan import Plan
from gibbsweep.tune.plan.run import Planned

_WHILE_SAVING = 2  # a new checkpoint is whole before the old one goes


class Quota:
    """Removes the least wanted checkpoints where more would not fit ``limit`` bytes.

    It keeps those of runs that are running or interrupted, of trials that wait at a rung and may still be promoted, and of
    retrained runs. Of the others go first those of trials that did not complete, then those of waiting trials whose promotion
    nothing can bring about any more (they end there), then those of completed search trials, the worst of each search first.
    A folder is looked at when its run reports or ends, all of them once when a sweep is resumed.
    """

    def __init__(self, plan: Plan, limit: int) -> None:
        self.limit = limit
        self._plan = plan
        self._sizes: dict[str, int] = {}  # of every checkpoint that there is
        self._one: dict[str, int] = {}  # by contender: the largest single checkpoint seen
        self._records: dict[str, tuple[str, int]] = {}  # of a search trial: its contender and number
        self._total = 0
        for name, search in plan.searches.items():
            for record in search.records:
                self._measure(search_name(name, record.number), name, record.number)
            for option in search.contender.options():
                for run in plan.retrainings(name, option):
                    self._measure(run, name, -1)

    @property
    def total(self) -> int:
        """Bytes of all checkpoints, when they were last looked at."""
        return self._total

    def measure(self, planned: Planned) -> None:
        """Look at the checkpoint of a run that has reported or ended."""
        self._measure(planned.name, planned.contender, planned.number)

    def make_room(self) -> bool:
        """Remove checkpoints until what stays, and what the plan's running runs may write, fit; whether they do."""
        excess = self._needed() - self.limit
        if excess <= 0:
            return True
        for name in self._removable():
            excess -= self._remove(name)
            if excess <= 0:
                return True
        return False

    def what_is_needed(self) -> str:
        """For a person, after :meth:`make_room` has failed."""
        waiting = sum(self._record(name).state == "paused" for name in self._sizes if name in self._records)
        retrained = sum(name not in self._records for name in self._sizes)
        kept = [f"{n} {kind}" for n, kind in ((waiting, "waiting to be promoted"), (retrained, "retrained")) if n]
        of_them = f" ({', '.join(kept)})" if kept else ""
        return (
            f"the sweep's checkpoints need {size_text(self._needed())}, more than --disk {size_text(self.limit)}: "
            f"{size_text(self._total)} are kept{of_them}, and a running run needs "
            "twice its checkpoint while it replaces it"
        )

    def enough(self) -> int:
        """A quota for whatever may still come, as far as sizes are known: every trial that is not asked for yet may have to wait."""
        plan = self._plan
        later = 0
        for name, search in plan.searches.items():
            unasked = search.trials - len(search.records) if search.rungs else 0
            runs = [r for option in search.contender.options() for r in plan.retrainings(name, option)]
            later += (unasked + sum(run not in self._sizes for run in runs)) * self._one.get(name, 0)
        return rounded_up(self._needed() + later)

    def _needed(self) -> int:
        """Bytes of what there is, and of what the running runs may write on top before they report."""
        more = 0
        for planned in self._plan.running.values():
            size = self._sizes.get(planned.name, 0)
            more += max(0, _WHILE_SAVING * max(size, self._one.get(planned.contender, 0)) - size)
        return self._total + more

    def _removable(self) -> Iterator[str]:
        """Runs with a checkpoint that may go, the least wanted first."""
        ended = [name for name in self._sizes if name in self._records and self._record(name).ended]
        yield from [name for name in ended if self._record(name).value is None]
        for contender, search in self._plan.searches.items():
            for record in search.hopeless():
                if self._plan.end_paused(contender, record):
                    yield search_name(contender, record.number)
        yield from self._completed([name for name in ended if self._record(name).value is not None])

    def _completed(self, names: list[str]) -> list[str]:
        """The worst of each contender's option first: the last one of every option is its best."""
        groups: dict[tuple[str, str], list[Record]] = {}
        for name in names:
            contender, number = self._records[name]
            option = self._plan.searches[contender].option_of(number)
            groups.setdefault((contender, repr(option)), []).append(self._record(name))
        ranked = [
            (rank, search_name(contender, record.number))
            for (contender, _), group in groups.items()
            for rank, record in enumerate(best_first(group, self._plan.searches[contender].goals))
        ]
        return [name for _, name in sorted(ranked, reverse=True)]

    def _record(self, name: str) -> Record:
        contender, number = self._records[name]
        return self._plan.searches[contender].records[number]

    def _measure(self, name: str, contender: str, number: int) -> None:
        files = _files(self._plan.sweep.trial(name) / "checkpoint")
        size = sum(files.values())
        self._total += size - self._sizes.pop(name, 0)
        if not size:
            return
        self._sizes[name] = size
        if number >= 0:
            self._records[name] = contender, number
        # Not the sum: a kill may have left a second one beside it.
        one = files.pop("state.json", 0) + max(files.values(), default=0)
        self._one[contender] = max(self._one.get(contender, 0), one)

    def _remove(self, name: str) -> int:
        """The bytes that it frees."""
        if name not in self._sizes:
            return 0
        why = f"removed to keep the sweep's checkpoints within --disk {size_text(self.limit)}"
        remove_checkpoint(self._plan.sweep.trial(name) / "checkpoint", why)
        freed = self._sizes.pop(name)
        self._total -= freed
        return freed


def quota_of(sweep: SweepDir, given: str | None) -> int | None:
    """The quota in bytes that ``--disk`` gives a sweep: it stays until another one is given, or ``none``."""
    path = sweep.path / QUOTA_FILE
    if given is None:
        return int(json.loads(path.read_text())["bytes"]) if path.exists() else None
    limit = parse_size(given)
    if limit is None:
        path.unlink(missing_ok=True)
    else:
        write_atomically(path, json.dumps({"bytes": limit}).encode())
    return limit


def _files(folder: Path) -> dict[str, int]:
    """The size of each file of a checkpoint; the reason why one is gone is none."""
    if not folder.is_dir():
        return {}
    return {path.name: path.stat().st_size for path in folder.iterdir() if path.name != REMOVED}
