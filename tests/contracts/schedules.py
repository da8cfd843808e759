"""Every noise schedule. Adding one is one line."""

from __future__ import annotations

from gibbsweep_models.noise.edm import EDMSchedule
from gibbsweep_models.noise.geometric import GeometricSchedule
from gibbsweep_models.noise.ladder import DDPMLadder, NCSNLadder
from gibbsweep_models.noise.linear import LinearSchedule
from gibbsweep_models.noise.vp import CosineSchedule, SubVPSchedule, VPSchedule
from gibbsweep_models.types import NoiseSchedule

SCHEDULES: dict[str, NoiseSchedule] = {
    "edm": EDMSchedule(),
    "edm_linear": EDMSchedule(sigma_min=0.01, sigma_max=50.0, rho=1.0),
    "edm_narrow": EDMSchedule(sigma_min=0.01, sigma_max=10.0, rho=3.0),
    "edm_one_training_level": EDMSchedule(p_std=0.0),
    "geometric": GeometricSchedule(0.01, 10.0),
    "ncsn": NCSNLadder(),
    "ncsnv2_mnist": NCSNLadder.of_data(17.0, 784),
    "ddpm": DDPMLadder(),
    "diffwave": DDPMLadder(50, 1e-4, 0.05),
    "vp": VPSchedule(),
    "vp_to_training_end": VPSchedule(t_min=1e-5),
    "cosine": CosineSchedule(),
    "sub_vp": SubVPSchedule(),
    "linear": LinearSchedule(),
}
