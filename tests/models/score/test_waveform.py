"""The score model of waveforms: one network, EDM's and DiffWave's ways of training and sampling it."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from tests.models.networks import randomised

from gibbsweep_models.capabilities import CanDenoise, CanSample, CanSampleClasses
from gibbsweep_models.draws import randn, seeded
from gibbsweep_models.nn.noise_networks.configs import DilatedNetConfig, UNetConfig
from gibbsweep_models.noise.edm import EDMSchedule
from gibbsweep_models.samplers.diffusion.annealed_langevin import AnnealedLangevin
from gibbsweep_models.samplers.diffusion.heun import Heun
from gibbsweep_models.score.waveform import WaveformScoreConfig
from gibbsweep_models.types import DataSpec

DILATED = DilatedNetConfig(channels=4, layers=3, cycle=3)
SMALL = WaveformScoreConfig(DILATED, patch=4)
DIFFWAVE = replace(WaveformScoreConfig.diffwave(n_levels=10, beta_last=0.5), network=DILATED, patch=4)
UNET = replace(SMALL, network=UNetConfig((4, 8)))
SPEC = DataSpec((1, 64), n_classes=3, sampling_rate=8000)


@pytest.mark.parametrize("config", [SMALL, UNET, DIFFWAVE], ids=["edm", "unet", "diffwave"])
def test_the_data_is_brought_to_one_deviation(config: WaveformScoreConfig) -> None:
    system = config.build(SPEC)
    x = 0.03 * randn((400, 1, 64), generator=seeded(0))
    system.initialise(x)
    assert float((system.gain * x).std(correction=0)) == pytest.approx(config.deviation, rel=1e-5)
    assert float(system.denoiser.sigma_data) == config.deviation
    assert "gain" in system.state_dict()


def test_a_new_edm_has_loss_one_and_a_new_diffwave_too() -> None:
    """EDM's target has unit variance at every level if the gain is right; DiffWave's is the noise, and a new network
    predicts 0."""
    x = 0.03 * randn((4000, 1, 64), generator=seeded(0))
    for config in (SMALL, UNET, DIFFWAVE):
        system = config.build(SPEC)
        system.initialise(x)
        (phase,) = system.phases()
        loss = float(phase.objective(system, {"x": x}, generator=seeded(1)).total.detach())
        assert loss == pytest.approx(1.0, abs=0.02)


def test_loudness_cancels() -> None:
    """Of data twice as loud the model makes what is twice as loud, from the same draws."""
    x = 0.03 * randn((100, 1, 64), generator=seeded(0))
    quiet, loud = SMALL.build(SPEC), SMALL.build(SPEC)
    randomised(quiet.denoiser.network)
    loud.load_state_dict(quiet.state_dict())
    quiet.initialise(x)
    loud.initialise(2 * x)
    made = quiet.sample(3, generator=seeded(1)).x
    torch.testing.assert_close(2 * made, loud.sample(3, generator=seeded(1)).x, rtol=1e-4, atol=1e-5)
    sigma = torch.full((4,), 0.02)
    noisy = x[:4] + 0.02 * randn((4, 1, 64), generator=seeded(2))
    clean = quiet.denoise(noisy, sigma, generator=seeded(3))
    torch.testing.assert_close(2 * clean, loud.denoise(2 * noisy, 2 * sigma, generator=seeded(3)), rtol=1e-4, atol=1e-5)


def test_a_new_edm_samples_its_data_s_deviation() -> None:
    """A network of zeros is the denoiser of a Gaussian with the data's deviation, so the flow ends in that Gaussian."""
    config = replace(SMALL, sampler=Heun(40))
    system = config.build(SPEC)
    system.initialise(0.03 * randn((400, 1, 64), generator=seeded(0)))
    samples = system.sample(200, generator=seeded(1))
    n = samples.x.numel()
    assert float(samples.x.std()) == pytest.approx(0.03, rel=0.01 + 4 / (2 * n) ** 0.5)
    assert samples.nfe == 79


def test_every_sampler_is_traced_at_the_data_s_loudness() -> None:
    langevin = AnnealedLangevin(5, 2, 0.1, EDMSchedule(sigma_min=0.01, sigma_max=5.0))
    for config in (SMALL, replace(SMALL, sampler=langevin), DIFFWAVE):
        system = config.build(SPEC)
        system.initialise(0.03 * randn((400, 1, 64), generator=seeded(0)))
        seen: list[torch.Tensor] = []
        samples = system.sample(2, generator=seeded(1), trace=lambda step, x, seen=seen: seen.append(x))
        torch.testing.assert_close(seen[-1], samples.x)
        assert isinstance(system, CanSample) and isinstance(system, CanDenoise)
    assert samples.nfe == 10  # DiffWave's ancestral steps, one a level


def test_classes_are_asked_for() -> None:
    system = replace(SMALL, conditional=True).build(SPEC)
    randomised(system.denoiser.network)
    assert isinstance(system, CanSampleClasses)
    y = torch.tensor([0, 1, 2, 0])
    made = system.sample_classes(y, generator=seeded(0)).x
    assert made.shape == (4, 1, 64)
    other = system.sample_classes(torch.tensor([1, 1, 2, 0]), generator=seeded(0)).x
    assert not torch.allclose(made[0], other[0]) and torch.allclose(made[1:], other[1:], rtol=1e-4, atol=1e-4)
    with pytest.raises(ValueError, match="knows no classes"):
        SMALL.build(SPEC).sample_classes(y, generator=seeded(0))


def test_refusals() -> None:
    with pytest.raises(ValueError, match="deviation=0"):
        WaveformScoreConfig(deviation=0.0)
    with pytest.raises(ValueError, match="signed units"):
        SMALL.build(replace(SPEC, units="binary"))
    with pytest.raises(ValueError, match="needs classes"):
        replace(SMALL, conditional=True).build(DataSpec((1, 64)))
    with pytest.raises(ValueError, match="waveforms"):
        SMALL.build(DataSpec((1, 8, 8)))
    with pytest.raises(ValueError, match="told the noise level"):
        SMALL.build(SPEC).denoise(torch.zeros(1, 1, 64), None, generator=seeded(0))
