"""The progress of a sweep, for the person who started it: a live display on a terminal, elsewhere one line for each
ended run."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from gibbsweep.folder import read_phase
from gibbsweep.study.constraint import violations
from gibbsweep.tune.folder.clock import SweepClock
from gibbsweep.tune.plan.outline import outline, write_outline
from gibbsweep.tune.resources.gate import Gate
from gibbsweep.tune.status.bests import violations_message
from gibbsweep.tune.status.from_folder import last_report
from gibbsweep.tune.status.lines import contender_lines, phase_line, spent_text, total_lines
from gibbsweep.tune.status.overview import LastReport, Overview, overview_of
from gibbsweep.tune.status.waiting import Waiting

REFRESH_S = 0.5
"""Seconds between two pictures of a sweep in which something happens; where nothing does, the clock ticks every
second."""
SAY_AGAIN_S = 600.0
"""Seconds after which a sweep without a terminal says again that it waits."""
MOST_OF_A_CORE = 0.01
"""The most of a core that drawing may take: pictures of thousands of trials take milliseconds, and are drawn less
often."""


class Progress:
    """Shows a person how a sweep proceeds::

        with Progress(gate, Console(), SweepClock(sweep, time.time())) as progress:
            progress.reported("rbm-0003", 200, metrics)
            progress.changed()

    ``autoscaler_says``: what the cluster's autoscaler knows of machines that do not come; without it nothing is said of
    waiting. It has no thread of its own: it draws in the thread that calls it, which is the one that uses the plan.
    """

    def __init__(
        self, gate: Gate, console: Console, clock: SweepClock, autoscaler_says: Callable[[], str] | None = None
    ) -> None:
        plan = gate.plan
        self._gate, self._plan, self._console, self._clock = gate, plan, console, clock
        self._outlines = outline(plan)
        self._printed_runs = set(plan.outcomes)
        self._printed_copies = 0
        self._last_reports = {
            run_dir.name: report
            for run_dir in plan.sweep.trials.glob("*")
            if run_dir.name not in plan.outcomes and (report := last_report(run_dir)) is not None
        }
        self._live: Live | None = None
        if console.is_terminal:
            self._live = Live(console=console, auto_refresh=False, vertical_overflow="crop")
        self._overview: Overview | None = None
        self._drawn_at, self._pause = float("-inf"), REFRESH_S
        self._changed, self._printed_stop = True, False
        self._waiting: Waiting | None = None
        if gate.devices is not None and autoscaler_says is not None:
            self._waiting = Waiting(gate.devices, autoscaler_says)
        self._waits, self._printed_waiting_at = "", float("-inf")

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
            self.show()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._drawn_at = float("-inf")
            self._changed = True
            self.show()
            self._live.stop()

    def reported(self, run: str, step: int, metrics: Mapping[str, Any]) -> None:
        """Note that ``run`` has reported ``metrics`` after ``step`` updates."""
        self._last_reports[run] = LastReport.of(step, metrics)

    def changed(self) -> None:
        """Note that a run has started, reported or ended."""
        with self._gate.guarded():
            self._clock.tick(every=1.0)
        self._changed = True
        self.show()

    def trials(self, pending: int, running: int) -> None:
        """Note how many trials wait for a device, and how many have one. While none has one, the view says for what the
        sweep waits."""
        sentence = "" if self._waiting is None else self._waiting.sentence(pending, running)
        if self._live is None and sentence:
            now = time.monotonic()
            if not self._waits or now - self._printed_waiting_at >= SAY_AGAIN_S:
                self._printed_waiting_at = now
                self._print(sentence)
        self._waits = sentence

    def show(self) -> None:
        """Draw a picture, or print the runs that have ended, if it is time to; may be called many times a second."""
        if self._live is None:
            self._log()
            return
        now = time.monotonic()
        if now - self._drawn_at >= (self._pause if self._changed else max(self._pause, 1.0)):
            self._live.update(self._picture(), refresh=True)
            self._drawn_at, self._pause = now, max(REFRESH_S, (time.monotonic() - now) / MOST_OF_A_CORE)

    def _picture(self) -> Group:
        """The lines of the live display. One line more than fits would scroll, and a display that scrolls flickers."""
        if self._changed or self._overview is None:
            self._overview, self._changed = self._current_overview(), False
        width, height = self._console.size
        head = total_lines(self._overview, self._clock.now_seconds, width=width)
        running = self._plan.running.items()
        said = [(read_phase(self._plan.run_dir(run)), planned.kind != "search") for run, planned in running]
        if phase := phase_line(said, width=width):
            head.append(phase)
        if self._gate.closing:
            head.insert(0, Text(self._stop_sentence(), "bold yellow", overflow="ellipsis", no_wrap=True))
        elif self._waits:
            head = [*Text(self._waits, "bold yellow").wrap(self._console, width), *head]
        return Group(*head, *contender_lines(self._overview, width=width, height=max(1, height - 1 - len(head))))

    def _current_overview(self) -> Overview:
        plan = self._plan
        if (outlines := outline(plan)) != self._outlines:  # a search has ended, and its front is final
            self._outlines = outlines
            write_outline(plan.sweep, outlines)
        records = {search.contender.name: search.records for search in plan.searches()}
        return overview_of(self._outlines, records, plan.outcomes, self._last_reports, plan.running)

    def _stop_sentence(self) -> str:
        count = len(self._plan.running)
        if self._gate.halted:
            return f"pausing: {self._gate.halted}"
        if not count:
            return "stopping: saving the sweep"
        trials = (
            "the running trial finishes its report" if count == 1 else f"{count} running trials finish their reports"
        )
        return f"stopping: {trials} (Ctrl-C again stops now; nothing that was recorded is lost)"

    def _log(self) -> None:
        """Print what is new: a stop, copies of checkpoints in a population, runs that have ended."""
        if self._gate.closing and not self._printed_stop:
            self._printed_stop = True
            self._print(self._stop_sentence())
        if not self._changed:
            return
        self._changed = False
        for run, takeover in self._plan.copies[self._printed_copies :]:
            self._print(f"{run}{f' ({takeover.lost_as})' if takeover.lost else ''} {takeover}")
        self._printed_copies = len(self._plan.copies)
        ended = [name for name in self._plan.outcomes if name not in self._printed_runs]
        if not ended:
            return
        now = time.monotonic()
        if self._overview is None or now - self._drawn_at >= self._pause:
            self._overview = self._current_overview()
            self._drawn_at, self._pause = now, max(REFRESH_S, (time.monotonic() - now) / MOST_OF_A_CORE)
        for name in ended:
            self._printed_runs.add(name)
            self._print(self._ended_line(name, self._overview))

    def _ended_line(self, name: str, overview: Overview) -> str:
        """The line for run ``name``, the last of ``self._printed_runs`` to have ended."""
        outcome = self._plan.outcomes[name]
        contender = self._plan.contender_of(name)
        goals = [goal.metric for goal in contender.goals]
        parts = [f"{len(self._printed_runs)}/{self._plan.total}", name, str(outcome)]
        parts += [f"{goal} {outcome.metrics[goal]:.4g}" for goal in goals if goal in outcome.metrics]
        if outcome.kind == "completed":
            excesses = violations(contender.constraints, outcome.metrics)
            parts.append(violations_message(text for text, excess in excesses.items() if excess > 0))
        parts += [f"{overview.waiting} wait"] if overview.waiting else []
        parts += [f"{overview.promoted} promoted"] if overview.promoted else []
        return "  ".join(part for part in [*parts, spent_text(overview, self._clock.now_seconds)] if part)

    def _print(self, line: str) -> None:
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)
