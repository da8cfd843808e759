"""How a trial ended, from its ``outcome.json`` to MLflow's words: tags and final metrics."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gibbsweep.errors import UserError
from gibbsweep.track import describe
from gibbsweep.track.spool import metric_values

OUTCOMES = ("completed", "pruned", "diverged", "failed")


def read_outcome(path: Path) -> dict[str, Any]:
    """The outcome in the file ``path``, of a kind that there is."""
    outcome = describe.read_json(path)
    if outcome.get("outcome") not in OUTCOMES:
        raise UserError(f"{path}: outcome is {outcome.get('outcome')!r}, expected one of {', '.join(OUTCOMES)}")
    return outcome


def final_metrics(outcome: Mapping[str, Any], path: Path) -> dict[str, float]:
    """Those of the ``outcome`` in the file ``path``."""
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
