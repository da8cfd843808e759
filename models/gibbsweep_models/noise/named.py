"""Schedules by name between two given levels, for searches over them."""

from __future__ import annotations

from typing import Literal, get_args

import torch

from gibbsweep_models.noise.edm import EDMSchedule
from gibbsweep_models.noise.geometric import GeometricSchedule
from gibbsweep_models.noise.linear import LinearSchedule
from gibbsweep_models.noise.timed import TimedSchedule, check_range
from gibbsweep_models.noise.vp import CosineSchedule, SubVPSchedule, VPSchedule

ScheduleName = Literal["geometric", "rho", "vp", "sub_vp", "cosine", "linear"]
"""Names of schedules; ``rho`` is EDM's, ``linear`` flow matching's."""


def schedule_between(name: ScheduleName, sigma_min: float, sigma_max: float, rho: float = 7.0) -> TimedSchedule:
    """The schedule of that name from ``sigma_max`` to ``sigma_min``: the processes of unit end are cut at the times of
    the two. ``rho`` is the spacing of the schedule ``rho``."""
    check_range(sigma_min, sigma_max)
    if name == "geometric":
        return GeometricSchedule(sigma_min, sigma_max)
    if name == "rho":
        return EDMSchedule(sigma_min, sigma_max, rho)
    kinds: dict[str, type[VPSchedule | SubVPSchedule | CosineSchedule | LinearSchedule]] = {
        "vp": VPSchedule,
        "sub_vp": SubVPSchedule,
        "cosine": CosineSchedule,
        "linear": LinearSchedule,
    }
    if name not in kinds:
        raise ValueError(f"got schedule {name!r}, expected one of {', '.join(get_args(ScheduleName))}; choose one")
    kind = kinds[name]
    first, last = kind().time(torch.tensor([sigma_min, sigma_max], dtype=torch.float64)).tolist()
    if last > 1:
        raise ValueError(
            f"got sigma_max={sigma_max} for the schedule {name!r}, expected at most {kind().sigma_range[1]:.4g}, its "
            "end; lower it"
        )
    return kind(t_min=first, t_max=last)
