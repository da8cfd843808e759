"""Schedules: a configuration whose numbers change while it trains, as segments.

Population-based training finds a schedule, and the retrainings of its best member replay it.
"""

from __future__ import annotations

import json
from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any

from gibbsweep.study.space import flatten, with_values
from gibbsweep.study.step_sizes import step_sizes
from gibbsweep.train import Images, Part, Reporter, Restart, Segment, Sounds


def part_from(config: Any, schedule: Sequence[Segment], step: int, end: int, restarts: Sequence[Restart] = ()) -> Part:
    """The part of a run that starts after ``step`` updates and ``restarts``.

    It ends with its segment, or at ``end`` if that comes first. Where it is the beginning of a segment, it continues
    from the configuration of the segment before. Without a schedule the whole run is one part.
    """
    if not schedule:
        return Part(end, tuple(restarts))
    now = max(i for i, segment in enumerate(schedule) if segment.start <= step)
    until = schedule[now + 1].start if now + 1 < len(schedule) else end
    begins = now > 0 and schedule[now].start == step
    continues = flat_config(config, schedule[now - 1]) if begins else None
    return Part(min(until, end), tuple(restarts), schedule[now], continues)


def config_in(config: Any, segment: Segment | None) -> Any:
    """The configuration that a segment trains with."""
    return config if segment is None else with_values(config, segment.values)


def halved_steps(config: Any, named: tuple[str, ...] | None, restarts: int) -> dict[str, float]:
    """The step sizes of ``config``, by path, halved once for each of ``restarts``; empty without a restart."""
    return {path: value * 0.5**restarts for path, value in step_sizes(config, named).items()} if restarts else {}


def schedule_as_json(schedule: Iterable[Segment], paths: Container[str] | None = None) -> list[dict[str, Any]]:
    """``schedule`` as JSON: for each segment its first update and the values (at ``paths``) that changed there."""
    changes: list[dict[str, Any]] = []
    now: dict[str, Any] = {}
    for segment in schedule:
        values = {path: list(v) if isinstance(v, tuple) else v for path, v in segment.values.items()}
        new = {p: v for p, v in values.items() if (paths is None or p in paths) and (p not in now or now[p] != v)}
        now |= new
        changes.append({"from": segment.start, "values": new})
    return changes


def flat_config(config: Any, segment: Segment | None) -> dict[str, Any]:
    """The whole configuration of a segment as JSON, by dotted path."""
    values: dict[str, Any] = json.loads(json.dumps(flatten(config_in(config, segment))))
    return values


def with_numbers(report: Reporter, segment: Segment, paths: Iterable[str]) -> Reporter:
    """A reporter that adds the values of ``segment`` at ``paths``: their curves then stand beside that of the loss."""
    numbers = {
        f"schedule/{path}": float(value)
        for path in paths
        if isinstance(value := segment.values.get(path), int | float) and not isinstance(value, bool)
    }

    def report_with_numbers(
        step: int, metrics: Mapping[str, float], images: Images | None = None, sounds: Sounds | None = None
    ) -> None:
        report(step, {**metrics, **numbers}, images, sounds)

    return report_with_numbers
