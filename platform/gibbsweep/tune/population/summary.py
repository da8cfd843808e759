"""Members of a population that diverged and went on from another one's checkpoint, and what the lost training cost."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from gibbsweep.folder import RunFolder, read_copies, read_spool
from gibbsweep.tune.folder.layout import SweepDir, search_name
from gibbsweep.tune.journal.record import Record


def replaced_members(records: Sequence[Record]) -> list[Record]:
    """The ``records`` that diverged before some boundary and have not ended diverged, each once."""
    return [r for r in records if r.ended and r.state != "diverged" and "diverged" in r.lost.values()]


def seconds_replaced(search: str, records: Sequence[Record], rungs: Sequence[int], sweep: SweepDir) -> dict[str, float]:
    """Device-seconds of the generations in which members of ``search`` diverged and whose weights are lost, by run.
    ``rungs``: the updates at which generations end."""
    seconds = {}
    for record in replaced_members(records):
        run_dir = sweep.trial(search_name(search, record.number))
        seconds[run_dir.name] = _seconds_lost(run_dir, rungs)
    return seconds


def _seconds_lost(run_dir: Path, boundaries: Sequence[int]) -> float:
    """Device-seconds that a member lost with its weights. Its count of seconds goes on across a takeover: what it had
    spent by the end of each generation is in its last report by then, or in the takeover at that boundary."""
    spent = {0: 0.0}
    for record in read_spool(RunFolder(run_dir).spool):
        if "train/device_seconds" in record.metrics:
            spent[record.step] = record.metrics["train/device_seconds"]
    takeovers, lost = read_copies(run_dir), 0.0
    for takeover in takeovers:
        began = max((boundary for boundary in boundaries if boundary < takeover.step), default=0)
        before = next((t.device_seconds for t in takeovers if t.step == began), None)
        if before is None:
            before = spent[max(step for step in spent if step <= began)]
        if takeover.lost_as == "diverged":
            lost += takeover.device_seconds - before
    return lost
