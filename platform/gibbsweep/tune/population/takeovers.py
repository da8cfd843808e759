"""Checkpoints of a population, copied in the run folders as the journal says, before any member of the next generation starts."""

from __future__ import annotations

from collections.abc import Sequence

from gibbsweep.folder import CheckpointCopy, only_process, read_copies
from gibbsweep.train.copy_checkpoint import copy_checkpoint
from gibbsweep.tune.folder.layout import SweepDir, search_name
from gibbsweep.tune.journal.record import Record


class Takeovers:
    """``made``: those that this process has carried out, as (run, takeover). What an earlier one has, the run folders say."""

    def __init__(self, sweep: SweepDir) -> None:
        self.made: list[tuple[str, CheckpointCopy]] = []
        self._sweep = sweep
        self._done: set[tuple[str, int]] = set()

    def carry_out(self, search: str, records: Sequence[Record], batch_size: int) -> None:
        """The last takeover of each trial of ``search``, whose ``records`` these are. All donors of a generation stand where it ended until all are done: none of
        them is replaced, and no member starts before."""
        for record in records:
            if not record.copies:
                continue
            run, copied = search_name(search, record.number), record.copies[-1]
            if (run, copied.step) in self._done:
                continue
            run_dir, donor = self._sweep.trial(run), search_name(search, copied.donor)
            if not any(t.step == copied.step and t.done for t in read_copies(run_dir)):
                there = _donor_values(records[copied.donor], copied.step)
                changed = {path: (there[path], v) for path, v in copied.values.items() if there[path] != v}
                planned = CheckpointCopy(copied.step, donor, copied.values, changed)
                with only_process(run_dir):  # of an earlier driver's, one may still be ending
                    self.made.append((run, copy_checkpoint(run_dir, self._sweep.trial(donor), planned, batch_size)))
            self._done.add((run, copied.step))


def _donor_values(donor: Record, step: int) -> dict[str, object]:
    return next((copied.values for copied in reversed(donor.copies) if copied.step < step), donor.initial_values)
