"""How a run ended, or paused: what the training loop returns, a run's folder keeps and tables count."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from gibbsweep.errors import UserError
from gibbsweep.folder.layout import RunFolder
from gibbsweep.folder.notes import MemoryRetry, Restart, read_memory_retries
from gibbsweep.folder.numbers import json_metrics, parse_metrics
from gibbsweep.folder.spool import last_record
from gibbsweep.folder.whole import create_json, is_listed, read_json_object, write_json

OutcomeKind = Literal["completed", "pruned", "diverged", "failed", "paused"]
OUTCOME_KINDS: tuple[OutcomeKind, ...] = ("completed", "pruned", "diverged", "failed")
"""How a run can have ended; one that is paused has not."""

STABILITY = "stability"
"""A metric: in a run, the share of its budget's updates done before its first divergence, 1 without one; in a table's
row, the share of its ``n`` retrained seeds that completed without a divergence."""

REMEMBERED_S = 60.0
"""Seconds for which a client of a network file system may remember that a file was absent (acdirmax of NFS)."""
AGAIN_S = 0.5
"""Seconds between two looks for a file that another machine may have written."""

_KEYS = {"kind": "outcome", "memory_retries": "repackings"}
"""The fields whose keys in the file are older than their names."""


@dataclass(frozen=True)
class Outcome:
    """How a run ended, or paused, and what it cost.

    For example::

        outcome = Outcome.read(run_dir)
        if outcome is not None and outcome.kind == "completed":
            print(outcome.metrics["test/log_likelihood"])
    """

    kind: OutcomeKind
    """``completed``: all updates are done. ``pruned``: the sweep stopped it. ``diverged``: the model left its bounds (a
    result, not an accident). ``failed``: an error. ``paused``: it waits, with its checkpoint, to be continued."""
    step: int
    """Updates that its weights have seen."""
    metrics: dict[str, float] = field(default_factory=dict)
    """Those of its last report, and what was measured at its end."""
    device_seconds: float = 0.0
    """Seconds in updates, summed over workers, without evaluation and with the updates that restarts threw away."""
    message: str = ""
    """Why it ended so, in words; "" where there is nothing to say."""
    precision: str = ""
    """The arithmetic of its updates."""
    device: str = ""
    """The name of the hardware."""
    phase: str = ""
    """The phase of the divergence that ended it."""
    samples: int = 0
    """Examples seen, in updates that restarts threw away, too."""
    nfe: int | None = None
    """Network evaluations per chain of the samplers of training, likewise; None where no objective states them."""
    restarts: tuple[Restart, ...] = ()
    """The divergences that it went on after."""
    memory_retries: tuple[MemoryRetry, ...] = ()
    """How often it ran out of memory beside others. The device-seconds lost so are not among ``device_seconds``."""

    @property
    def lost_seconds(self) -> float:
        """Those of ``device_seconds`` whose updates restarts threw away."""
        return sum(restart.lost_seconds for restart in self.restarts)

    @property
    def undisturbed(self) -> bool:
        """Whether it completed without a restart."""
        return self.kind == "completed" and not self.restarts

    def __str__(self) -> str:
        counts = (
            (len(self.restarts), "restart", "restarts"),
            (len(self.memory_retries), "retry with more memory", "retries with more memory"),
        )
        after = [f"{n} {one if n == 1 else many}" for n, one, many in counts if n]
        return f"{self.kind} after {' and '.join(after)}" if after else self.kind

    def write(self, run_dir: Path) -> None:
        """Record the outcome in ``run_dir``; a pause in a file of its own."""
        write_json(_file(run_dir, paused=self.kind == "paused"), self._record())

    def write_first(self, run_dir: Path, wait_s: float = 0.0) -> Outcome:
        """Record the outcome in ``run_dir`` unless the run has one; returns the one that it has then.

        Raises UserError if it has one that this machine cannot read for ``wait_s`` seconds."""
        path = _file(run_dir, paused=False)
        try:
            create_json(path, self._record())
        except FileExistsError:
            there = Outcome.awaited(run_dir, wait_s)
            if there is None:
                raise UserError(
                    f"{path} is there and cannot be read: look at it on the machine that wrote it, and at how this "
                    "one mounts the folder."
                ) from None
            return there
        return self

    def _record(self) -> dict[str, Any]:
        record = asdict(self) | {"metrics": json_metrics(self.metrics)}
        return {_KEYS.get(name, name): value for name, value in record.items()}

    @classmethod
    def awaited(cls, run_dir: Path, wait_s: float) -> Outcome | None:
        """The outcome of the run in ``run_dir``, looked for again for ``wait_s`` seconds: another machine may have
        written it, and this one remember that there was none."""
        deadline = time.monotonic() + wait_s
        while (outcome := cls.read(run_dir)) is None and time.monotonic() < deadline:
            time.sleep(AGAIN_S)
        return outcome

    @classmethod
    def read(cls, run_dir: Path, *, paused: bool = False) -> Outcome | None:
        """The outcome of the run in ``run_dir``, or None while it has not ended; with ``paused``, how it last paused.

        Raises UserError, which names the file, for one that is not what :meth:`write` wrote.
        """
        path = _file(run_dir, paused=paused)
        if not is_listed(path):
            return None
        try:
            record = read_json_object(path)
        except UserError as error:
            if isinstance(error.__cause__, FileNotFoundError):  # listed, and not yet to be opened on this machine
                return None
            raise
        kind = record.pop(_KEYS["kind"], None)
        kinds = ("paused",) if paused else OUTCOME_KINDS
        if kind not in kinds:
            raise UserError(f"{path}: outcome is {kind!r}, expected one of {', '.join(kinds)}")
        try:
            metrics = parse_metrics(record.pop("metrics", {}))
            restarts = tuple(Restart(**restart) for restart in record.pop("restarts", ()))
            retries = tuple(MemoryRetry(**retry) for retry in record.pop(_KEYS["memory_retries"], ()))
            return cls(kind, metrics=metrics, restarts=restarts, memory_retries=retries, **record)
        except (TypeError, ValueError) as error:
            raise UserError(f"{path} is not a run's outcome ({error}): restore it from a copy") from error


def survived(outcome: Outcome, updates: int) -> float:
    """The share of ``updates`` that were done before the first divergence, 1 without one."""
    if outcome.restarts:
        return outcome.restarts[0].step / updates
    return outcome.step / updates if outcome.kind == "diverged" else 1.0


def spent(run_dir: Path) -> dict[str, Any]:
    """What the run in ``run_dir`` had spent by its last report, as fields of the outcome of a run that left none."""
    report = last_record(RunFolder(run_dir).spool)
    metrics = {} if report is None else report.metrics
    fields: dict[str, Any] = {}
    if "train/device_seconds" in metrics:
        fields["device_seconds"] = metrics["train/device_seconds"]
    if "train/samples" in metrics:
        fields["samples"] = round(metrics["train/samples"])
    if "train/nfe" in metrics:
        fields["nfe"] = round(metrics["train/nfe"])
    if retries := read_memory_retries(run_dir):
        fields["memory_retries"] = tuple(retries)
    return fields


def _file(run_dir: Path, *, paused: bool) -> Path:
    folder = RunFolder(run_dir)
    return folder.paused if paused else folder.outcome
