"""Waveforms as bands of frequency: orthogonal, exactly invertible, each band at its frequency."""

from __future__ import annotations

import math

import pytest
import torch

from gibbsweep_models.draws import randn, seeded
from gibbsweep_models.nn.transforms import CompandedBands, LappedBands


@pytest.mark.parametrize(("length", "n_bands"), [(64, 8), (48, 16), (4096, 64), (30, 15), (8, 1)])
def test_the_map_is_orthogonal_and_comes_back(length: int, n_bands: int) -> None:
    bands = LappedBands((1, length), n_bands)
    matrix = bands(torch.eye(length)[:, None]).flatten(1)
    torch.testing.assert_close(matrix @ matrix.T, torch.eye(length), rtol=0, atol=2e-5)
    x = randn((3, 1, length), generator=seeded(0))
    torch.testing.assert_close(bands.waveform(bands(x)), x, rtol=0, atol=2e-5)


@pytest.mark.parametrize("band", [3, 20, 50])
def test_a_tone_is_loudest_in_its_band(band: int) -> None:
    """Band k of N is about the frequency (k + 1/2) / 2N of the sampling rate."""
    n_bands, time = 64, torch.arange(1024.0)
    tone = torch.sin(2 * math.pi * (band + 0.5) / (2 * n_bands) * time)[None, None]
    loudness = LappedBands((1, 1024), n_bands)(tone).square().sum(-1).flatten()
    assert int(loudness.argmax()) == band
    assert float(loudness[max(0, band - 1) : band + 2].sum() / loudness.sum()) > 0.99


def test_bands_of_all_deviations_are_brought_to_one_scale_and_back() -> None:
    """|z|² is |c| / s, whose square has mean 1 in each band."""
    view = CompandedBands((2, 256), n_bands=16)
    loud_below = torch.linspace(1.0, 0.01, 16)[:, None] * randn((50, 2, 16, 16), generator=seeded(0))
    x = view.bands.waveform(loud_below)
    view.measure(x)
    z = view(x)
    torch.testing.assert_close(z.pow(4).mean((0, 1, 3)), torch.ones(16), rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(z.sign(), loud_below.sign())
    torch.testing.assert_close(view.waveform(z), x, rtol=1e-4, atol=1e-5)


def test_companding_halves_the_kurtosis_of_gaussians_that_are_mostly_silent() -> None:
    """A share p of N(0, 1) among zeros has kurtosis 3 / p, and E c² / (E |c|)² = pi / 2p after the square root."""
    share, view = 0.1, CompandedBands((1, 256), n_bands=16)
    c = torch.zeros(4000, 1, 16, 16)
    c[:400] = randn((400, 1, 16, 16), generator=seeded(0))
    x = view.bands.waveform(c)
    view.measure(x)

    def kurtosis(values: torch.Tensor) -> float:
        return float(values.pow(4).mean() / values.square().mean() ** 2)

    assert kurtosis(view.bands(x)) == pytest.approx(3 / share, rel=0.03)
    assert kurtosis(view(x)) == pytest.approx(math.pi / 2 / share, rel=0.03)


def test_refusals() -> None:
    with pytest.raises(ValueError, match="multiple of the bands"):
        LappedBands((1, 100), 64)
    with pytest.raises(ValueError, match="waveforms"):
        LappedBands((1, 8, 8), 4)
    with pytest.raises(ValueError, match="silent"):
        CompandedBands((1, 64), 8).measure(torch.zeros(3, 1, 64))
