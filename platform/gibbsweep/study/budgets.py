"""Budgets that are equal in device-seconds, not in updates."""

from __future__ import annotations

from collections.abc import Mapping

from gibbsweep.errors import UserError
from gibbsweep.train import Budget


def equal_seconds(
    seconds_per_update: float,
    seconds: Mapping[str, float],
    *,
    batch_size: int = 32,
    large_batch_size: int = 128,
    gpu: int,
    paper: int,
    smoke: int = 4,
) -> dict[str, Budget]:
    """Budgets by name: ``smoke`` updates, then as many updates as each of ``seconds`` holds at ``seconds_per_update`` (measured on one
    core, at ``batch_size``), reported at their end. ``gpu`` and ``paper`` are updates at ``large_batch_size``: small networks leave a GPU
    idle, so a core's costs say nothing of it.
    """
    if seconds_per_update <= 0:
        raise UserError(f"an update takes a positive time: got {seconds_per_update} seconds; measure it.")
    held = {name: max(1, round(span / seconds_per_update)) for name, span in seconds.items()}
    return {
        "smoke": Budget(updates=smoke, batch_size=16, report_every=smoke),
        **{name: Budget(updates=n, batch_size=batch_size, report_every=n) for name, n in held.items()},
        "gpu": Budget(updates=gpu, batch_size=large_batch_size, report_every=max(1, gpu // 4)),
        "paper": Budget(updates=paper, batch_size=large_batch_size, report_every=max(1, paper // 20)),
    }
