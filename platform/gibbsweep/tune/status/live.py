"""What a person watches: a live view on a terminal, one line an ended run elsewhere."""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from gibbsweep.study.constraint import violations
from gibbsweep.tune.folder.clock import SweepClock
from gibbsweep.tune.plan.outline import outline, write_outline
from gibbsweep.tune.resources.gate import Gate
from gibbsweep.tune.status.bests import violations_said
from gibbsweep.tune.status.from_folder import last_report
from gibbsweep.tune.status.lines import lines, spent, totals
from gibbsweep.tune.status.overview import Overview, Underway, overview

REFRESH_S = 0.5
"""Between two pictures of a sweep in which something happens; where nothing does, the clock ticks every second."""
MOST_OF_A_CORE = 0.01
"""Pictures of thousands of trials take milliseconds: they are drawn less often."""


class Progress:
    """A context manager. Everything happens in the thread that calls: the plan is that thread's, too."""

    def __init__(self, gate: Gate, console: Console, clock: SweepClock) -> None:
        plan = gate.plan
        self._gate, self._plan, self._console, self._clock = gate, plan, console, clock
        self._outlines = outline(plan)
        self._printed = set(plan.outcomes)
        self._told = 0
        self._underway = {
            run_dir.name: at
            for run_dir in (plan.sweep.path / "trials").glob("*")
            if run_dir.name not in plan.outcomes and (at := last_report(run_dir)) is not None
        }
        self._live: Live | None = None
        if console.is_terminal:
            self._live = Live(console=console, auto_refresh=False, vertical_overflow="crop")
        self._view: Overview | None = None
        self._drawn, self._pause = float("-inf"), REFRESH_S
        self._changed, self._said = True, False

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
            self.show()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._drawn = float("-inf")
            self._changed = True
            self.show()
            self._live.stop()

    def reported(self, run: str, step: int, metrics: Mapping[str, Any]) -> None:
        """A run has reported."""
        self._underway[run] = Underway.of(step, metrics)

    def changed(self) -> None:
        """A run has started, reported or ended."""
        with self._gate.guarded():
            self._clock.tick(every=1.0)
        self._changed = True
        self.show()

    def show(self) -> None:
        """Called many times a second: draws where it is time to, and says what has ended."""
        if self._live is None:
            self._log()
            return
        now = time.monotonic()
        if now - self._drawn >= (self._pause if self._changed else max(self._pause, 1.0)):
            self._live.update(self._picture(), refresh=True)
            self._drawn, self._pause = now, max(REFRESH_S, (time.monotonic() - now) / MOST_OF_A_CORE)

    def _picture(self) -> Group:
        if self._changed or self._view is None:
            self._view, self._changed = self._overview(), False
        width, height = self._console.size
        # A line more than fits would scroll, and a view that scrolls flickers.
        head = totals(self._view, self._clock.now_seconds, width=width)
        if self._gate.closing:
            head.insert(0, Text(self._stop_sentence(), "bold yellow", overflow="ellipsis", no_wrap=True))
        return Group(*head, *lines(self._view, width=width, height=max(1, height - 1 - len(head))))

    def _overview(self) -> Overview:
        plan = self._plan
        if (now := outline(plan)) != self._outlines:  # a search has ended, and its front is known
            self._outlines = now
            write_outline(plan.sweep, now)
        records = {name: search.records for name, search in plan.searches.items()}
        return overview(self._outlines, records, plan.outcomes, self._underway, plan.running)

    def _stop_sentence(self) -> str:
        n = len(self._plan.running)
        if self._gate.halted:
            return f"pausing: {self._gate.halted}"
        if not n:
            return "stopping: saving the sweep"
        who = "the running trial finishes its report" if n == 1 else f"{n} running trials finish their reports"
        return f"stopping: {who} (Ctrl-C again stops now; nothing that was recorded is lost)"

    def _log(self) -> None:
        if self._gate.closing and not self._said:
            self._said = True
            self._print(self._stop_sentence())
        if not self._changed:
            return
        self._changed = False
        for run, takeover in self._plan.takeovers.made[self._told :]:
            self._print(f"{run}{f' ({takeover.lost_as})' if takeover.lost else ''} {takeover}")
        self._told = len(self._plan.takeovers.made)
        ended = [name for name in self._plan.outcomes if name not in self._printed]
        if not ended:
            return
        now = time.monotonic()
        if self._view is None or now - self._drawn >= self._pause:
            self._view = self._overview()
            self._drawn, self._pause = now, max(REFRESH_S, (time.monotonic() - now) / MOST_OF_A_CORE)
        view, done = self._view, len(self._printed)
        for name in ended:
            self._printed.add(name)
            done += 1
            outcome = self._plan.outcomes[name]
            study, contender = self._plan.study, self._plan.contender_of[name]
            goals = [goal.metric for goal in study.goals_of(contender)]
            values = [f"{goal} {outcome.metrics[goal]:.4g}" for goal in goals if goal in outcome.metrics]
            if outcome.outcome == "completed":
                found = violations(study.constraints_of(contender), outcome.metrics)
                values.append(violations_said(text for text, by in found.items() if by > 0))
            parts = [f"{done}/{self._plan.total}", name, str(outcome), *values]
            parts += [f"{n} {what}" for n, what in ((view.waiting, "wait"), (view.promoted, "promoted")) if n]
            self._print("  ".join(part for part in [*parts, spent(view, self._clock.now_seconds)] if part))

    def _print(self, line: str) -> None:
        self._console.print(line, highlight=False, soft_wrap=True)
