"""Where a sweep's device-seconds went."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from gibbsweep.train import Outcome, OutcomeKind


@dataclass(frozen=True)
class Accounting:
    """Device-seconds in updates, by what became of them: ``useful`` those of runs that completed without the updates that a
    restart threw away, which are ``restarted``; ``diverged``, ``pruned`` and ``failed`` those of runs that ended so (and not
    with a restart); to ``diverged`` belongs, too, what a member of a population had spent in the generation in which it diverged, before it
    went on from another one's checkpoint. ``available``: devices times the sweep's wall seconds, summed over its parts; None where the number of devices
    is not known. ``out_of_memory``: those that runs had spent since their last reports when they ran out of memory beside others. A device is what one worker of a trial has: a core, a GPU, or the share of a GPU that ``--gpus-per-trial`` gave.
    """

    useful: float = 0.0
    restarted: float = 0.0
    diverged: float = 0.0
    pruned: float = 0.0
    failed: float = 0.0
    out_of_memory: float = 0.0
    devices: int = 0
    available: float | None = None

    @classmethod
    def of(
        cls,
        outcomes: Iterable[Outcome],
        *,
        devices: int = 0,
        available: float | None = None,
        replaced: Iterable[tuple[OutcomeKind, float]] = (),
    ) -> Accounting:
        """``replaced``: how each member of a population ended that had diverged before, and the device-seconds that this had cost."""
        seconds: dict[str, float] = dict.fromkeys(("completed", "diverged", "pruned", "failed"), 0.0)
        restarted = out_of_memory = 0.0
        for outcome in outcomes:
            out_of_memory += sum(repacking.lost_seconds for repacking in outcome.repackings)
            seconds[outcome.outcome] += outcome.device_seconds - outcome.lost_seconds
            restarted += outcome.lost_seconds
        for kind, lost in replaced:
            seconds[kind] -= lost
            seconds["diverged"] += lost
        useful = seconds.pop("completed")
        return cls(useful, restarted, **seconds, out_of_memory=out_of_memory, devices=devices, available=available)

    @property
    def efficiency(self) -> float | None:
        """``useful`` over ``available``; the rest went into evaluation, starting, waiting, and updates that came to nothing."""
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
