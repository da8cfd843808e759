"""Every noise schedule. Adding one is one line."""

from __future__ import annotations

from gibbsweep_models.noise.edm import EDMSchedule
from gibbsweep_models.noise.geometric import GeometricSchedule
from gibbsweep_models.types import NoiseSchedule

SCHEDULES: dict[str, NoiseSchedule] = {
    "edm": EDMSchedule(),
    "edm_linear": EDMSchedule(sigma_min=0.01, sigma_max=50.0, rho=1.0),
    "edm_narrow": EDMSchedule(sigma_min=0.01, sigma_max=10.0, rho=3.0),
    "edm_one_training_level": EDMSchedule(p_std=0.0),
    "geometric": GeometricSchedule(0.01, 10.0),
}
