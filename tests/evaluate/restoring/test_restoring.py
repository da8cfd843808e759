"""Denoising and inpainting measures against formulas and systems that do nothing or know the answer."""

from __future__ import annotations

import math

import pytest
import torch
from tests.evaluate.examples import Examples
from torch import Tensor

from gibbsweep.errors import UserError
from gibbsweep.evaluate import Denoising, Inpainting
from gibbsweep.evaluate.restoring.denoising import sigma_name
from gibbsweep.evaluate.restoring.quality import psnr, ssim
from gibbsweep_models.draws import rand, randn, seeded
from gibbsweep_models.noise.masks import CentreMask, RandomMask
from gibbsweep_models.types import System


def images(n: int = 12, shape: tuple[int, ...] = (3, 16, 16)) -> Examples:
    return Examples(rand((n, *shape), generator=seeded(0)) - 0.5)


class Nothing(System):
    """Restores nothing."""

    told: Tensor | None

    def denoise(self, x: Tensor, sigma: Tensor | None, *, generator: torch.Generator) -> Tensor:
        self.told = sigma
        return x

    def inpaint(self, x: Tensor, known: Tensor, *, generator: torch.Generator) -> Tensor:
        return x.where(known, 0.2 * randn(x.shape, generator=generator))


def test_psnr_is_ten_decimal_logarithms_of_the_squared_error() -> None:
    truth = torch.rand(2, 1, 4, 4, generator=seeded(0))
    shifted = truth + torch.tensor([0.1, 0.01]).view(2, 1, 1, 1)
    torch.testing.assert_close(psnr(shifted, truth), torch.tensor([20.0, 40.0]), atol=1e-3, rtol=0)
    where = torch.zeros_like(truth, dtype=torch.bool)
    where[:, :, :2] = True
    half = torch.where(where, shifted, truth)
    torch.testing.assert_close(psnr(half, truth, where), torch.tensor([20.0, 40.0]), atol=1e-3, rtol=0)


@pytest.mark.parametrize("size", [8, 28])
def test_ssim_is_one_on_itself_and_looks_only_where_it_is_told(size: int) -> None:
    truth = torch.rand(2, 1, size, size, generator=seeded(0))
    other = truth.flip(3)
    assert ssim(truth, truth).tolist() == pytest.approx([1.0, 1.0])
    assert float(ssim(other, truth).max()) < 0.5
    where = torch.zeros_like(truth, dtype=torch.bool)
    where[..., -1] = True
    far = truth.clone()
    far[..., 0] = 0.0  # outside the windows of the last column
    assert ssim(far, truth, where).tolist() == pytest.approx([1.0, 1.0])
    assert float(ssim(far, truth, where.flip(3)).max()) < 0.99
    with pytest.raises(UserError, match="7 x 7"):
        ssim(truth[..., :4], truth[..., :4])


def test_a_system_that_does_nothing_has_the_noise_s_own_psnr() -> None:
    """Pixels away from the ends: 20 log10(1 / sigma) within the standard error of a mean of logs."""
    split, system = images(), Nothing()
    found = Denoising((25 / 255, 0.02), limit=None)(system, split, generator=seeded(1))
    for sigma in (25 / 255, 0.02):
        expected = 20 * math.log10(1 / sigma)
        per_image = 10 / math.log(10) * math.sqrt(2 / (3 * 16 * 16))  # sd of 10 log10 of a mean of squares
        measured = found.metrics[f"psnr_noisy_{sigma_name(sigma)}"]
        assert measured == pytest.approx(expected, abs=4 * per_image / math.sqrt(12) + 0.01)
    assert found.metrics["psnr_0.02"] == pytest.approx(found.metrics["psnr_noisy_0.02"], abs=1e-3)
    assert found.metrics["psnr_mean"] == pytest.approx((found.metrics["psnr_25"] + found.metrics["psnr_0.02"]) / 2)
    assert found.metrics["n_images_denoised"] == 12
    assert system.told is not None and system.told.tolist() == pytest.approx([0.04] * 12), "twice, on [-1, 1]"


def test_a_blind_system_is_not_told_and_sees_the_same_noise() -> None:
    split, system = images(), Nothing()
    told = Denoising((0.3,))(system, split, generator=seeded(1)).metrics
    blind = Denoising((0.3,), blind=True)(system, split, generator=seeded(1))
    assert system.told is None
    assert blind.metrics["psnr_blind_0.3"] == told["psnr_0.3"]
    assert not set(blind.metrics) & set(told)
    assert set(blind.images) == {"denoised_blind"}


def test_levels_are_named_by_their_bytes_or_by_themselves() -> None:
    assert [sigma_name(s) for s in (15 / 255, 50 / 255, 0.3, 0.5)] == ["15", "50", "0.3", "0.5"]


def test_inpainting_is_measured_in_the_hole_alone() -> None:
    split = Examples(torch.zeros(40, 1, 16, 16))
    found = Inpainting((CentreMask(8), RandomMask(0.5)), n_completions=3)(Nothing(), split, generator=seeded(0)).metrics
    for name in ("centre8", "random50"):
        # In [0, 1] the completion is off by .1 n; two are sqrt(2) further apart, their mean of three sqrt(3) closer.
        assert found[f"psnr_{name}"] == pytest.approx(20, abs=0.5)
        assert found[f"psnr_of_mean_{name}"] == pytest.approx(20 + 10 * math.log10(3), abs=0.5)
        assert found[f"diversity_{name}"] == pytest.approx(0.1 * math.sqrt(2), rel=0.03)
    assert found["psnr_holes"] == pytest.approx((found["psnr_centre8"] + found["psnr_random50"]) / 2)


class Forgetful(Nothing):
    def inpaint(self, x: Tensor, known: Tensor, *, generator: torch.Generator) -> Tensor:
        return x + 1e-7


def test_a_system_that_touches_known_pixels_is_refused() -> None:
    with pytest.raises(ValueError, match="bit by bit"):
        Inpainting((CentreMask(8),))(Forgetful(), images(), generator=seeded(0))


@pytest.mark.parametrize("mask", [CentreMask(16), CentreMask(0), RandomMask(1.0)])
def test_a_mask_of_all_or_nothing_is_a_user_s_mistake(mask: CentreMask | RandomMask) -> None:
    with pytest.raises(UserError, match=r"covers (all|nothing).*make the hole"):
        Inpainting((mask,))(Nothing(), images(), generator=seeded(0))
