"""What a person watches: one live line on a terminal, one line an ended run elsewhere."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.text import Text

from gibbsweep.tune.plan import Plan


class Progress:
    """A context manager; call ``update()`` when anything changed."""

    def __init__(self, plan: Plan, console: Console) -> None:
        self._plan, self._console = plan, console
        self._start = time.monotonic()
        self._resumed = len(plan.outcomes)
        self._printed = set(plan.outcomes)
        self._live = (
            Live(console=console, refresh_per_second=4, get_renderable=self._line) if console.is_terminal else None
        )

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def update(self) -> None:
        for name, outcome in list(self._plan.outcomes.items()):
            if name in self._printed:
                continue
            self._printed.add(name)
            if self._live is None:
                goal = self._plan.study.goal_of(self._plan.contender_of[name]).metric
                value = outcome.metrics.get(goal)
                number = "" if value is None else f"  {goal} {value:.4g}"
                self._console.print(
                    f"{len(self._plan.outcomes)}/{self._plan.total}  {name} {outcome}{number}  {self._time_left()}",
                    highlight=False,
                    soft_wrap=True,
                )

    def _line(self) -> Text:
        counts = self._plan.counts()
        done = len(self._plan.outcomes)
        parts = [f"{done}/{self._plan.total} runs", f"{len(self._plan.running)} running"]
        parts += [f"{n} {kind}" for kind, n in counts.items() if n and kind != "completed"]
        parts += self._best()
        parts.append(self._time_left())
        return Text("  ·  ".join(parts), overflow="ellipsis", no_wrap=True)

    def _best(self) -> list[str]:
        found = []
        for name, search in self._plan.searches.items():
            values = [(record.value, record.number) for record in search.records if record.value is not None]
            if values:
                value, number = max(values) if search.goal.direction == "maximize" else min(values)
                found.append(f"best {name}-{number:04d} {search.goal.metric.split('/')[-1]} {value:.4g}")
        return found

    def _time_left(self) -> str:
        done = len(self._plan.outcomes) - self._resumed
        elapsed = time.monotonic() - self._start
        if done == 0:
            return f"{_clock(elapsed)} so far"
        left = elapsed / done * (self._plan.total - len(self._plan.outcomes))
        return f"{_clock(elapsed)} so far, about {_clock(left)} left"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
