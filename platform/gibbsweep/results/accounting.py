"""The account of a sweep's device-seconds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from gibbsweep.folder import Outcome, OutcomeKind


@dataclass(frozen=True)
class Accounting:
    """The device-seconds that a sweep spent in updates, by what became of them.

    A device is what one worker of a trial has: a core, a GPU, or the share of a GPU that ``--gpus-per-trial`` gives.
    """

    useful: float = 0.0
    """Those of completed runs, without the updates that a restart discarded."""
    restarted: float = 0.0
    """Those of updates that a restart after a divergence discarded, in all runs."""
    diverged: float = 0.0
    """Those of runs that ended by diverging, and those of a population's member in the generation in which it diverged,
    before it went on from another member's checkpoint."""
    pruned: float = 0.0
    """Those of runs that a scheduler ended early."""
    failed: float = 0.0
    """Those of runs that ended with an error."""
    out_of_memory: float = 0.0
    """Those that runs had spent since their last reports when they ran out of memory beside others."""
    devices: int = 0
    """The devices of the sweep."""
    available: float | None = None
    """Devices times the sweep's wall seconds, summed over its parts (None: the number of devices is not known)."""

    @classmethod
    def of(
        cls,
        outcomes: Iterable[Outcome],
        *,
        devices: int = 0,
        available: float | None = None,
        replaced: Iterable[tuple[OutcomeKind, float]] = (),
    ) -> Accounting:
        """The account of ``outcomes``.

        ``replaced`` has a pair for each member of a population that diverged and went on from another one's checkpoint:
        how the member ended at last, and the device-seconds that its divergence cost.
        """
        seconds: dict[str, float] = dict.fromkeys(("completed", "diverged", "pruned", "failed"), 0.0)
        restarted = out_of_memory = 0.0
        for outcome in outcomes:
            out_of_memory += sum(retry.lost_seconds for retry in outcome.memory_retries)
            seconds[outcome.kind] += outcome.device_seconds - outcome.lost_seconds
            restarted += outcome.lost_seconds
        for kind, lost in replaced:
            seconds[kind] -= lost
            seconds["diverged"] += lost
        useful = seconds.pop("completed")
        return cls(useful, restarted, **seconds, out_of_memory=out_of_memory, devices=devices, available=available)

    @property
    def efficiency(self) -> float | None:
        """``useful`` over ``available``. The rest went into evaluation, starting, waiting, and discarded updates."""
        return self.useful / self.available if self.available else None

    def __str__(self) -> str:
        lost = {name: getattr(self, name) for name in ("restarted", "diverged", "pruned", "failed")}
        lost["out of memory"] = self.out_of_memory
        other = "".join(f", {name} {value:.1f} s" for name, value in lost.items() if value)
        if self.efficiency is None:
            return f"Device-seconds in updates that count: {self.useful:.1f}{other}"
        return (
            f"Efficiency {self.efficiency:.0%}: {self.useful:.1f} of {self.available:.1f} device-seconds "
            f"({self.devices} device{'s' if self.devices != 1 else ''}) in updates that count{other}"
        )
