"""Spectrograms by pure tones, and the classifier that sees them."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from gibbsweep_models.baselines.feature_classifier import FeatureClassifierConfig
from gibbsweep_models.nn.encoders.spectrogram import (
    LogMel,
    SpectrogramClassifier,
    mel,
    mel_filters,
    n_fft_of,
    power_spectrogram,
)
from gibbsweep_models.types import DataSpec


def tone(frequency: float, amplitude: float, rate: int, length: int) -> Tensor:
    time = torch.arange(length, dtype=torch.float64) / rate
    return (amplitude * torch.sin(2 * math.pi * frequency * time)).float()[None, None]


@pytest.mark.parametrize(
    ("rate", "expected"), [(8000, 256), (11_025, 256), (16_000, 512), (22_050, 512), (44_100, 1024)]
)
def test_a_window_is_near_32_ms(rate: int, expected: int) -> None:
    assert n_fft_of(rate) == expected


@pytest.mark.parametrize("amplitude", [1.0, 0.1])
def test_a_tone_has_the_square_of_its_amplitude_in_its_bin_and_a_quarter_beside_it(amplitude: float) -> None:
    power = power_spectrogram(tone(8000 * 32 / 256, amplitude, 8000, 8000), 256)[0, :, 2:-2]
    assert power.shape[0] == 129
    torch.testing.assert_close(power[32], torch.full_like(power[32], amplitude**2), rtol=1e-3, atol=0)
    torch.testing.assert_close(power[[31, 33]], torch.full_like(power[[31, 33]], amplitude**2 / 4), rtol=1e-3, atol=0)
    assert float(power[:30].max()) < 1e-9  # a Hann window spreads a tone over three bins


def test_white_noise_has_the_same_power_everywhere() -> None:
    x = 0.1 * torch.randn(1, 1, 400_000, generator=torch.Generator().manual_seed(0))
    power = power_spectrogram(x, 256)[0, 1:-1, 1:-1]
    # E |sum w n|² = s² sum w², in units of (sum w / 2)²: for Hann 4 s² (3/8 N) / (N/2)² = 6 s² / N.
    expected = 6 * 0.01 / 256
    per_bin = power.mean(dim=1)
    assert float(power.mean()) == pytest.approx(expected, rel=0.01)
    # Each frame's power is exponential; half-overlapping Hann frames of white noise are nearly independent.
    assert float((per_bin / expected - 1).abs().max()) < 5 * 1.1 / math.sqrt(power.shape[1])


@pytest.mark.parametrize("rate", [8000, 16_000, 22_050])
def test_mel_filters_cover_every_frequency_once(rate: int) -> None:
    n_fft = n_fft_of(rate)
    filters = mel_filters(40, n_fft, rate)
    assert filters.shape == (40, n_fft // 2 + 1) and float(filters.min()) == 0
    assert (filters.sum(dim=1) > 0).all(), "a band without a bin"
    centres = torch.linspace(0.0, float(mel(torch.tensor(rate / 2.0))), 42)[1:-1]
    bins = mel(torch.linspace(0, rate / 2.0, n_fft // 2 + 1))
    between = (bins >= centres[0]) & (bins <= centres[-1])
    torch.testing.assert_close(filters.sum(dim=0)[between], torch.ones(int(between.sum())), rtol=0, atol=1e-4)
    assert float(mel(torch.tensor(1000.0))) == pytest.approx(1000, rel=1e-3)  # what the scale is named after


def test_a_picture_goes_from_silence_to_full_scale() -> None:
    spectrogram = LogMel(8000)
    assert spectrogram.shape(8000) == (1, 40, 63)
    silent = spectrogram(torch.zeros(2, 1, 8000))
    assert silent.shape == (2, 1, 40, 63)
    torch.testing.assert_close(silent, torch.full_like(silent, -1.0))
    loud = spectrogram(tone(1000.0, 1.0, 8000, 8000))[0, 0, :, 10]
    assert 0.95 < float(loud.max()) < 1.05
    # Ten times quieter is 20 dB of the 80 between -1 and 1.
    quiet = spectrogram(tone(1000.0, 0.1, 8000, 8000))[0, 0, :, 10]
    assert float(loud.max() - quiet.max()) == pytest.approx(0.5, abs=1e-3)
    centres = torch.linspace(0.0, float(mel(torch.tensor(4000.0))), 42)[1:-1]
    assert abs(int(loud.argmax()) - int((centres - float(mel(torch.tensor(1000.0)))).abs().argmin())) <= 1


def test_a_later_sound_is_the_same_picture_later() -> None:
    spectrogram = LogMel(8000)
    x = torch.randn(1, 1, 4096, generator=torch.Generator().manual_seed(1)) * 0.1
    moved = torch.roll(x, 3 * 128, dims=2)
    torch.testing.assert_close(spectrogram(x)[..., 3:-5], spectrogram(moved)[..., 6:-2])


def test_sounds_are_classified_by_their_spectrogram() -> None:
    spec = DataSpec((1, 1024), n_classes=3, sampling_rate=8000)
    system = FeatureClassifierConfig(channels=(8, 8), n_features=16).build(spec)
    assert isinstance(system.network, SpectrogramClassifier)
    x = torch.rand(4, 1, 1024) * 2 - 1
    assert system.features(x).shape == (4, 16) and system.logits(x).shape == (4, 3)
    torch.testing.assert_close(system.network.readout(system.features(x)), system.logits(x))
    assert not any("filters" in key for key in system.state_dict())  # made anew, never loaded
    with pytest.raises(ValueError, match=r"sounds of \(1, 100\) at 8000 Hz.*L >= 256"):
        FeatureClassifierConfig().build(DataSpec((1, 100), n_classes=3, sampling_rate=8000))
    with pytest.raises(ValueError, match="data's shape"):
        system.features(torch.zeros(2, 1, 512))
