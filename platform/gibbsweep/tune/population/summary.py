"""Members of a population that diverged and went on from another one's checkpoint: who they are, and what that had cost."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from gibbsweep.folder import RunFolder, read_copies, read_spool
from gibbsweep.tune.folder.layout import SweepDir, search_name
from gibbsweep.tune.journal.record import Record


def replaced_members(records: Sequence[Record]) -> list[Record]:
    """Those of ``records`` that had diverged before some boundary, each once however often, and have ended otherwise."""
    return [r for r in records if r.ended and r.state != "diverged" and "diverged" in r.lost.values()]


def seconds_replaced(search: str, records: Sequence[Record], rungs: Sequence[int], sweep: SweepDir) -> dict[str, float]:
    """By run, the device-seconds of the generations in which members of ``search`` diverged, and whose updates went with their
    weights. ``rungs``: the updates at which generations end."""
    found = {}
    for record in replaced_members(records):
        run_dir = sweep.trial(search_name(search, record.number))
        found[run_dir.name] = _seconds_lost(run_dir, rungs)
    return found


def _seconds_lost(run_dir: Path, boundaries: Sequence[int]) -> float:
    """A member keeps what it has spent when it goes on from another one's checkpoint: what it had spent by the end of each generation is in
    its last report by then, or in the takeover there."""
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
