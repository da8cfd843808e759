"""Solids as a smooth field: closed forms of the blur, the way back, and the score model in between."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from gibbsweep.data import load
from gibbsweep.evaluate.samples.voxels import occupancy
from gibbsweep_models import capabilities as can
from gibbsweep_models.draws import randn, seeded
from gibbsweep_models.nn.noise_networks.configs import UNetConfig
from gibbsweep_models.nn.noise_networks.patches import PatchUNet, blocks_to_channels, channels_to_blocks
from gibbsweep_models.nn.transforms.solid_field import SolidField, gaussian_smoothing
from gibbsweep_models.samplers.diffusion.annealed_langevin import AnnealedLangevin
from gibbsweep_models.samplers.diffusion.heun import Heun
from gibbsweep_models.score.voxels import VoxelSampler, VoxelScoreConfig
from gibbsweep_models.types import DataSpec

SHAPE = (1, 12, 12, 12)


def weights(std: float) -> Tensor:
    k = torch.arange(-50, 51, dtype=torch.float64)
    w = torch.exp(-0.5 * (k / std) ** 2)
    return (w / w.sum()).float()


def solids(n: int = 300) -> Tensor:
    return load("solids").train.batch(torch.arange(n))["x"]


@pytest.mark.parametrize("std", [0.5, 0.7, 1.5])
def test_planes_rods_and_points_have_the_fields_of_their_kernel(std: float) -> None:
    """Far from the ends a plane of one voxel has w, a rod w², a point w³."""
    w = float(weights(std)[50])
    field = SolidField((1, 25, 25, 25), std, 0)
    o = torch.zeros(3, 1, 25, 25, 25)
    o[0, 0, 12] = 1.0
    o[1, 0, 12, 12] = 1.0
    o[2, 0, 12, 12, 12] = 1.0
    found = field.blurred(o)[:, 0, 12, 12, 12]
    torch.testing.assert_close(found, torch.tensor([w, w**2, w**3]))


def test_smoothing_is_a_convolution_with_nothing_outside() -> None:
    x = torch.rand(1, 1, 9)
    by_hand = F.conv1d(x, weights(0.8)[None, None, 38:63], padding=12)
    torch.testing.assert_close(x @ gaussian_smoothing(9, 0.8).T, by_hand, atol=1e-6, rtol=0)
    assert torch.equal(gaussian_smoothing(5, 0.0), torch.eye(5))


@pytest.mark.parametrize(
    ("blur", "sharpen", "least"), [(0.0, 2, 1.0), (0.5, 0, 0.999), (0.6, 2, 0.999), (0.8, 4, 0.98)]
)
def test_real_solids_come_back_from_their_fields(blur: float, sharpen: int, least: float) -> None:
    x = solids()
    field = SolidField(tuple(x.shape[1:]), blur, sharpen)
    field.measure(x[:200])
    one, other = (occupancy(part, "signed") for part in (field.solid(field(x[200:])), x[200:]))
    iou = (one * other).sum(dim=1) / (one + other).clamp(max=1).sum(dim=1)
    assert float(iou.mean()) >= least


def test_the_level_keeps_the_occupied_volume() -> None:
    x = solids()
    field = SolidField(tuple(x.shape[1:]), 1.2, 0)
    field.measure(x)
    kept = float((field.solid(field(x)) > 0).float().mean())
    assert kept == pytest.approx(float((x > 0).float().mean()), rel=0.01)
    torch.testing.assert_close(field(x).mean(dim=0), torch.zeros(x.shape[1:]), atol=1e-5, rtol=0)


def test_a_flat_field_and_a_grid_that_is_no_cube_are_refused() -> None:
    with pytest.raises(ValueError, match="some but not all"):
        SolidField(SHAPE, 0.5, 0).measure(-torch.ones(4, *SHAPE))
    for shape in ((1, 12, 12, 8), (3, 12, 12, 12), (1, 12, 12)):
        with pytest.raises(ValueError, match="in a cube"):
            VoxelScoreConfig().build(DataSpec(shape))
    for blur in (-0.1, 3.0):
        with pytest.raises(ValueError, match=f"blur={blur}"):
            VoxelScoreConfig(blur=blur).build(DataSpec(SHAPE))


def test_blocks_become_channels_and_back() -> None:
    x = randn((2, 3, 8, 12), generator=seeded(0))
    assert torch.equal(blocks_to_channels(x, 4), F.pixel_unshuffle(x, 4))
    v = randn((2, 2, 4, 8, 12), generator=seeded(0))
    inner = blocks_to_channels(v, 4)
    assert inner.shape == (2, 2 * 64, 1, 2, 3)
    torch.testing.assert_close(inner[0, :64, 0, 1, 2], v[0, 0, :4, 4:8, 8:].flatten())
    assert torch.equal(channels_to_blocks(inner, 4), v)
    network = PatchUNet((2, 4, 8, 12), (8,), patch=2)
    assert torch.equal(network(v, torch.zeros(2)), torch.zeros_like(v))
    with pytest.raises(ValueError, match="multiples"):
        PatchUNet((1, 6, 6, 6), (8,), patch=4)


@pytest.mark.parametrize("sampler", [Heun(3), AnnealedLangevin(3, 2)], ids=["heun", "langevin"])
def test_samples_are_filled_and_empty_voxels_on_a_path_of_fields(sampler: VoxelSampler) -> None:
    torch.manual_seed(0)
    x = solids()
    system = VoxelScoreConfig(UNetConfig((4,), patch=2), sampler=sampler).build(DataSpec(tuple(x.shape[1:])))
    system.initialise(x)
    assert float(system.denoiser.sigma_data) == pytest.approx(float(system.field(x).std(correction=0)))
    seen: list[Tensor] = []
    made = system.eval().sample(5, generator=seeded(0), trace=lambda step, z: seen.append(z))
    assert set(made.x.unique().tolist()) <= {-1.0, 1.0}
    assert made.x.shape == (5, *x.shape[1:])
    end = seen[-1] + system.field.level - system.field.mean
    assert float((system.field.solid(end) != made.x).float().mean()) < 1e-3
    assert isinstance(system, can.CanSampleInSteps)
    assert system.sample_in(5, 2, generator=seeded(0)).nfe < made.nfe


def test_an_exact_denoiser_of_one_solid_draws_that_solid() -> None:
    """Where all training data are alike their field is its own mean, and the score of it is known: samples are the
    solid."""
    x = solids(1).expand(50, -1, -1, -1, -1)
    system = VoxelScoreConfig(UNetConfig((4,), patch=2), sigma_data=0.01, sampler=Heun(12)).build(
        DataSpec(tuple(x.shape[1:]))
    )
    system.initialise(x)
    # A new network returns zero, so D = c_skip z, the denoiser of a Gaussian of deviation sigma_data around the mean.
    assert torch.equal(system.eval().sample(3, generator=seeded(0)).x, x[:3])
    assert math.isclose(float(system.denoiser.sigma_data), 0.01, rel_tol=1e-6)
