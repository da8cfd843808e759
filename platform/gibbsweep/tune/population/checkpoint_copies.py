"""Copies checkpoints of a population between run folders as the journal says, before any member of the next generation
starts."""

from __future__ import annotations

from collections.abc import Sequence

from gibbsweep.folder import CheckpointCopy, only_process, read_copies
from gibbsweep.run.assignment import trained_batch_size
from gibbsweep.train.copy_checkpoint import copy_checkpoint
from gibbsweep.tune.folder.layout import SweepDir, search_name
from gibbsweep.tune.journal.record import Record


class CheckpointCopies:
    """The copies of checkpoints in a sweep's run folders. The run folders tell which copies an earlier process has
    made.

    For example::

        copies = CheckpointCopies(sweep)
        copies.make("rbm", search.records, batch_size=100)
    """

    def __init__(self, sweep: SweepDir) -> None:
        self.made: list[tuple[str, CheckpointCopy]] = []
        """The copies that this process has made, as (run, copy)."""
        self._sweep = sweep
        self._done: set[tuple[str, int]] = set()

    def make(self, search: str, records: Sequence[Record], batch_size: int) -> None:
        """Make the last copy of each trial of ``search`` whose ``records`` these are. No member starts before all
        copies are made, and no donor is replaced, so every donor still has the checkpoint of the end of the
        generation."""
        for record in records:
            if not record.copies:
                continue
            run, copy = search_name(search, record.number), record.copies[-1]
            if (run, copy.step) in self._done:
                continue
            run_dir, donor = self._sweep.trial(run), search_name(search, copy.donor)
            if not any(t.step == copy.step and t.done for t in read_copies(run_dir)):
                donor_values = _donor_values(records[copy.donor], copy.step)
                changed = {path: (donor_values[path], v) for path, v in copy.values.items() if donor_values[path] != v}
                planned = CheckpointCopy(copy.step, donor, copy.values, changed)
                with only_process(run_dir):  # a process of an earlier driver may still be ending
                    trained = trained_batch_size(run_dir, batch_size)
                    self.made.append((run, copy_checkpoint(run_dir, self._sweep.trial(donor), planned, trained)))
            self._done.add((run, copy.step))


def _donor_values(donor: Record, step: int) -> dict[str, object]:
    return next((copy.values for copy in reversed(donor.copies) if copy.step < step), donor.initial_values)
