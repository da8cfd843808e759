"""How a trial ended, from its ``outcome.json`` to MLflow's words: tags and final metrics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gibbsweep.errors import UserError
from gibbsweep.track import describe
from gibbsweep.track.spool import metric_values
from gibbsweep.track.tracked import stamp

OUTCOMES = ("completed", "pruned", "diverged", "failed")


@dataclass(frozen=True)
class Final:
    """How a trial ended. ``time``: unix seconds of its file, whose ``stamp`` it is; ``error``: why the file cannot be used, if so."""

    outcome: str
    step: int
    metrics: dict[str, float]
    tags: dict[str, str]
    time: float
    stamp: str
    error: UserError | None = None


def read_final(folder: Path) -> Final:
    """From the ``outcome.json`` of a trial's folder."""
    path = folder / "outcome.json"
    known, time = stamp(path), path.stat().st_mtime
    try:
        outcome = describe.read_json(path)
        if outcome.get("outcome") not in OUTCOMES:
            raise UserError(f"{path}: outcome is {outcome.get('outcome')!r}, expected one of {', '.join(OUTCOMES)}")
        metrics, tags = _metrics(outcome, path), outcome_tags(outcome, folder)
    except UserError as error:
        return Final("", 0, {}, {}, time, known, error)
    return Final(outcome["outcome"], int(outcome.get("step", 0)), metrics, tags, time, known)


def _metrics(outcome: Mapping[str, Any], path: Path) -> dict[str, float]:
    try:
        return metric_values(outcome.get("metrics") or {})
    except (ValueError, TypeError) as error:
        raise UserError(f"{path}: {error}") from error


def outcome_tags(outcome: Mapping[str, Any], folder: Path) -> dict[str, str]:
    """Its kind and message, how often the trial in ``folder`` was restarted and why, how often it ran out of memory, and from whose
    checkpoints it went on."""
    tags = {"gibbsweep.outcome": str(outcome["outcome"])}
    if restarts := outcome.get("restarts"):
        tags["gibbsweep.restarts"] = str(len(restarts))
        tags["gibbsweep.restarted_after"] = "\n".join(str(restart["message"]) for restart in restarts)
    if repackings := outcome.get("repackings"):
        tags["gibbsweep.ran_out_of_memory"] = str(len(repackings))
    if copied := describe.takeovers(folder / "takeovers.json"):
        tags["gibbsweep.copied_from"] = copied
    if outcome.get("message"):
        tags["gibbsweep.message"] = str(outcome["message"])
    return {name: text[: describe.MAX_TAG] for name, text in tags.items()}
