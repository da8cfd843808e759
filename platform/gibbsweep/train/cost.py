"""The account of a run: what it has cost by now."""

from __future__ import annotations

from gibbsweep.folder import Outcome, OutcomeKind
from gibbsweep.train.checkpoint import Progress
from gibbsweep.train.part import Part


class Cost:
    """Device-seconds, examples and network evaluations of a run, those that restarts threw away included.

    For example::

        cost = Cost(progress, part, budget.batch_size)
        cost.add_nfe(40)
        report(step, cost.metrics(step))
    """

    def __init__(self, progress: Progress, part: Part, batch_size: int) -> None:
        self._progress, self._part, self._batch_size = progress, part, batch_size
        self.nfe = progress.nfe
        """Network evaluations per chain of the updates that count, as a checkpoint has them; None where no objective
        states them."""

    def add_nfe(self, nfe: int) -> None:
        """Add the network evaluations of an update, per chain."""
        self.nfe = _sum(self.nfe, nfe)

    def metrics(self, step: int) -> dict[str, float]:
        """The costs of the run after ``step`` updates, as reports have them."""
        seconds = self._progress.device_seconds + self._part.lost_seconds
        nfe = self._total_nfe()
        costs = {"train/device_seconds": seconds, "train/samples": self._samples(step)}
        return costs | ({} if nfe is None else {"train/nfe": nfe})

    def outcome(
        self, kind: OutcomeKind, step: int, metrics: dict[str, float], *, message: str = "", phase: str = ""
    ) -> Outcome:
        """The outcome of a run that ends or pauses after ``step`` updates."""
        return Outcome(
            kind,
            step,
            metrics,
            self._progress.device_seconds + self._part.lost_seconds,
            message,
            precision=self._progress.precision or "",
            phase=phase,
            samples=self._samples(step),
            nfe=self._total_nfe(),
            restarts=self._part.restarts,
        )

    def _samples(self, step: int) -> int:
        return (step - self._progress.elsewhere + self._part.lost_updates) * self._batch_size

    def _total_nfe(self) -> int | None:
        return _sum(self.nfe, *(restart.lost_nfe for restart in self._part.restarts))


def _sum(*counts: int | None) -> int | None:
    """The sum of ``counts`` without None; None where nothing was counted."""
    counted = [count for count in counts if count is not None]
    return sum(counted) if counted else None
