"""The runs of a sweep, a line each, from their folders: finished, running or killed."""

from __future__ import annotations

from typing import Any

from gibbsweep.errors import UserError
from gibbsweep.folder import Outcome, RunFolder, last_record
from gibbsweep.folder.layout import CONFIG
from gibbsweep.folder.whole import read_json_object
from gibbsweep.tune.folder.layout import SweepDir


def run_lines(sweep: SweepDir) -> list[dict[str, Any]]:
    """A line for each run of ``sweep`` that has begun, by name: what it is, how it ended, what it cost, its metrics and
    its configuration (``config.PATH``). A run that has not ended has the metrics of its last report. Raises UserError
    where no run has begun, or a file of one cannot be read."""
    lines = []
    for path in sorted(sweep.runs_with(CONFIG)):
        record, outcome = read_json_object(RunFolder(path).config), Outcome.read(path)
        line: dict[str, Any] = {
            "run": path.name,
            "kind": record.get("kind", ""),
            "contender": record.get("contender", ""),
            "front": record.get("front", ""),
            "data": record.get("data", {}).get("name", ""),
            "seed": record.get("seed"),
        }
        if outcome is not None:
            line |= {
                "outcome": str(outcome.kind),
                "step": outcome.step,
                "device_seconds": outcome.device_seconds,
                "restarts": len(outcome.restarts),
                "message": outcome.message,
            }
            metrics = outcome.metrics
        else:
            report = last_record(RunFolder(path).spool)
            line |= {"outcome": "", "step": 0 if report is None else report.step}
            metrics = {} if report is None else dict(report.metrics)
        configuration = {f"config.{name}": _plain(value) for name, value in record.get("params", {}).items()}
        lines.append({**line, **configuration, **dict(sorted(metrics.items()))})
    if not lines:
        raise UserError(f"no run of sweep {sweep.name!r} has begun: there is nothing to export.")
    return lines


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)
