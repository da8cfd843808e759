"""The score model of waveforms in bands: that of the bands, heard as waveforms."""

from __future__ import annotations

import pytest
import torch
from tests.models.networks import randomised

from gibbsweep_models.capabilities import CanSampleClasses, CanSampleGuided
from gibbsweep_models.draws import randn, seeded
from gibbsweep_models.nn.denoisers.guidance import ClassifierFree
from gibbsweep_models.nn.noise_networks.configs import UNetConfig
from gibbsweep_models.samplers.diffusion.heun import Heun
from gibbsweep_models.score.banded_waveform import BandedWaveformConfig
from gibbsweep_models.score.score_model import ScoreModelConfig
from gibbsweep_models.types import DataSpec

SCORE = ScoreModelConfig(
    UNetConfig((4, 8), patch=2, attention=True, rows=True),
    sampler=Heun(4),
    conditional=True,
    guidance=ClassifierFree(0.5),
)
CONFIG = BandedWaveformConfig(SCORE, n_bands=8, shift=3)
SPEC = DataSpec((1, 64), n_classes=3, sampling_rate=8000)


def test_samples_are_those_of_the_bands_heard() -> None:
    system = CONFIG.build(SPEC)
    randomised(system.score.denoiser.network)
    x = 0.03 * randn((50, 1, 64), generator=seeded(0))
    system.initialise(x)
    y = torch.tensor([0, 2])
    heard = system.sample_classes(y, generator=seeded(1))
    in_bands = system.score.sample_classes(y, generator=seeded(1))
    assert in_bands.x.shape == (2, 1, 8, 8)
    torch.testing.assert_close(system.view(heard.x), in_bands.x, rtol=1e-3, atol=1e-3)
    assert heard.nfe == in_bands.nfe
    assert isinstance(system, CanSampleClasses)
    assert isinstance(system, CanSampleGuided)


def test_a_trace_hears_waveforms_and_the_last_is_the_sample() -> None:
    system = CONFIG.build(SPEC)
    system.initialise(0.03 * randn((50, 1, 64), generator=seeded(0)))
    seen: list[torch.Tensor] = []
    made = system.sample(2, generator=seeded(1), trace=lambda step, x: seen.append(x.clone()))
    assert all(x.shape == (2, 1, 64) for x in seen)
    torch.testing.assert_close(seen[-1], made.x)


def test_a_new_network_has_loss_one() -> None:
    """EDM's target has unit variance at every level if the deviation was measured in the bands."""
    system = CONFIG.build(SPEC)
    x = 0.03 * randn((4000, 1, 64), generator=seeded(0))
    system.initialise(x)
    assert float(system.score.denoiser.sigma_data) == pytest.approx(float(system.view(x).std(correction=0)))
    (phase,) = system.phases()
    y = torch.zeros(4000, dtype=torch.int64)
    loss = float(phase.objective(phase.model, {"x": x, "y": y}, generator=seeded(1)).total.detach())
    assert loss == pytest.approx(1.0, abs=0.02)


def test_loudness_cancels() -> None:
    x = 0.03 * randn((100, 1, 64), generator=seeded(0))
    quiet, loud = CONFIG.build(SPEC), CONFIG.build(SPEC)
    randomised(quiet.score.denoiser.network)
    loud.load_state_dict(quiet.state_dict())
    quiet.initialise(x)
    loud.initialise(2 * x)
    torch.testing.assert_close(2 * quiet.sample(3, generator=seeded(1)).x, loud.sample(3, generator=seeded(1)).x)


def test_refusals() -> None:
    with pytest.raises(ValueError, match="multiple of the bands"):
        BandedWaveformConfig(SCORE, n_bands=7).build(SPEC)
    with pytest.raises(ValueError, match="shift"):
        BandedWaveformConfig(SCORE, n_bands=8, shift=-1).build(SPEC)
