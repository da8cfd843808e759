"""How a trial ended, in MLflow's words: tags and final metrics."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gibbsweep.errors import UserError
from gibbsweep.folder import Outcome, RunFolder, read_copies
from gibbsweep.track import describe
from gibbsweep.track.tracked import stamp


@dataclass(frozen=True)
class Final:
    """How a trial ended."""

    outcome: str
    """The kind of its outcome; "" where the file cannot be used."""
    step: int
    """Updates done."""
    metrics: dict[str, float]
    """The metrics that it ended with."""
    tags: dict[str, str]
    """What tags say of its end."""
    time: float
    """Unix seconds of the file."""
    stamp: str
    """The :func:`~gibbsweep.track.tracked.stamp` of the file."""
    error: UserError | None = None
    """Why the file cannot be used, if so."""


def read_final(folder: Path) -> Final:
    """How the trial in ``folder``, which has ended, did so."""
    path = RunFolder(folder).outcome
    file_stamp, time = stamp(path), path.stat().st_mtime
    try:
        outcome = Outcome.read(folder)
        if outcome is None:
            raise UserError(f"{path} has gone: the trial trains on")
        return Final(outcome.kind, outcome.step, outcome.metrics, outcome_tags(outcome, folder), time, file_stamp)
    except UserError as error:
        return Final("", 0, {}, {}, time, file_stamp, error)


def outcome_tags(outcome: Outcome, folder: Path) -> dict[str, str]:
    """The tags of an outcome: its kind and message, how often and why the trial in ``folder`` was restarted, how
    often it
    ran out of memory, and from whose checkpoints it went on."""
    tags = {"gibbsweep.outcome": str(outcome.kind)}
    if outcome.restarts:
        tags["gibbsweep.restarts"] = str(len(outcome.restarts))
        tags["gibbsweep.restarted_after"] = "\n".join(restart.message for restart in outcome.restarts)
    if outcome.memory_retries:
        tags["gibbsweep.ran_out_of_memory"] = str(len(outcome.memory_retries))
    if copied := describe.copied_from(read_copies(folder)):
        tags["gibbsweep.copied_from"] = copied
    if outcome.message:
        tags["gibbsweep.message"] = outcome.message
    return {name: text[: describe.MAX_TAG] for name, text in tags.items()}
