"""Masks, and systems that fill holes and leave what is known as it is."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from gibbsweep_models.baselines.classical_inpainting import ClassicalInpainterConfig
from gibbsweep_models.baselines.gan import GANConfig
from gibbsweep_models.baselines.masked_autoencoder import MaskedAutoencoderConfig
from gibbsweep_models.capabilities import CanInpaint
from gibbsweep_models.draws import rand, randn, seeded
from gibbsweep_models.energy.conv_ebm import ConvEBMConfig
from gibbsweep_models.energy.dsm_energy import DSMEnergyConfig
from gibbsweep_models.energy.hole_energy import HoleEnergyConfig
from gibbsweep_models.nn.denoisers.energy_denoiser import EnergyDenoiser
from gibbsweep_models.noise.geometric import GeometricSchedule
from gibbsweep_models.noise.masks import CentreMask, MixedMask, RandomMask, check_mask, fill_smoothly, fill_with_mean
from gibbsweep_models.objectives.generation.inpainting import MaskedReconstruction
from gibbsweep_models.samplers.diffusion.annealed_inpainting import AnnealedInpainting
from gibbsweep_models.types import DataSpec, SystemConfig

SHAPE = (3, 8, 8)
SYSTEMS: dict[str, SystemConfig] = {
    "cd": ConvEBMConfig(channels=(8, 8), inpaint_steps=5),
    "dsm": DSMEnergyConfig((8, 8), inpainting=AnnealedInpainting(3)),
    "dsm_hole": HoleEnergyConfig((8, 8), inpainting=AnnealedInpainting(3)),
    "gan": GANConfig((8, 8), search_steps=3),
    "context_encoder": MaskedAutoencoderConfig((8, 8), adversarial=0.1, critic_channels=(8, 8)),
    "masked_autoencoder": MaskedAutoencoderConfig((8, 8)),
    "biharmonic": ClassicalInpainterConfig("biharmonic"),
    "mean_image": ClassicalInpainterConfig("mean_image"),
    "smooth": ClassicalInpainterConfig("smooth"),
    "mean_known": ClassicalInpainterConfig("mean_known"),
}
MASKS = [CentreMask(4), RandomMask(0.5), MixedMask(smallest=2, largest=5)]


def images(n: int = 4) -> Tensor:
    return rand((n, *SHAPE), generator=seeded(0)) * 2 - 1


def build(name: str) -> CanInpaint:
    torch.manual_seed(0)
    system = SYSTEMS[name].build(DataSpec(SHAPE)).eval()
    assert isinstance(system, CanInpaint)
    return system


@pytest.mark.parametrize("name", SYSTEMS)
@pytest.mark.parametrize("mask", MASKS, ids=lambda mask: mask.name)
def test_known_pixels_come_back_bit_by_bit_and_unknown_ones_are_not_looked_at(
    name: str, mask: CentreMask | RandomMask | MixedMask
) -> None:
    system, x = build(name), images()
    known = mask.known(x, generator=seeded(1))
    completion = system.inpaint(x, known, generator=seeded(2))
    assert completion.shape == x.shape and not completion.requires_grad
    assert torch.equal(completion[known], x[known])
    assert torch.isfinite(completion).all()
    assert not torch.equal(completion, x)
    assert torch.equal(completion, system.inpaint(x.where(known, 0.7), known, generator=seeded(2)))


@pytest.mark.parametrize("name", SYSTEMS)
@pytest.mark.parametrize("covered", [True, False])
def test_a_mask_of_all_or_nothing_is_refused_with_a_sentence(name: str, covered: bool) -> None:
    x = images()
    known = torch.full_like(x, not covered, dtype=torch.bool)
    with pytest.raises(ValueError, match="covers all" if covered else "covers nothing"):
        build(name).inpaint(x, known, generator=seeded(0))


def test_masks_that_leave_all_or_nothing_are_refused_and_so_are_numbers() -> None:
    x = images()
    for mask, words in (
        (CentreMask(8), "covers all"),
        (CentreMask(9), "covers all"),
        (CentreMask(0), "covers nothing"),
    ):
        with pytest.raises(ValueError, match=words):
            mask.known(x, generator=seeded(0))
    for share, words in ((1.0, "covers all"), (0.0, "covers nothing")):
        with pytest.raises(ValueError, match=words):
            RandomMask(share).known(x, generator=seeded(0))
    with pytest.raises(ValueError, match="is bool"):
        check_mask(x)


def test_a_centre_is_in_the_middle_and_a_share_is_a_share() -> None:
    x = images(400)
    hole = ~CentreMask(4).known(x, generator=seeded(0))
    assert hole[:, :, 2:6, 2:6].all() and int(hole[0].sum()) == 3 * 16
    pixels = RandomMask(0.5).known(x, generator=seeded(0))
    assert torch.equal(pixels[:, 0], pixels[:, 2]), "a pixel is known in all channels or in none"
    assert float(pixels.float().mean()) == pytest.approx(0.5, abs=4 * 0.5 / (400 * 64) ** 0.5)


def test_mixed_masks_are_squares_or_single_pixels_and_are_drawn_in_shards() -> None:
    x = images(64)
    squares = ~MixedMask(share_random=0.0, smallest=3, largest=5).known(x, generator=seeded(0))[:, 0]
    for hole in squares:
        rows, columns = hole.any(dim=1).nonzero(), hole.any(dim=0).nonzero()
        side = int(rows.max() - rows.min()) + 1
        assert 3 <= side <= 5
        assert int(hole.sum()) == side**2 == (int(columns.max() - columns.min()) + 1) ** 2
    whole = MixedMask().known(x, generator=seeded(0))
    halves = [MixedMask().known(x[:32], generator=seeded(0, rank=r, world_size=2)) for r in range(2)]
    assert torch.equal(torch.cat(halves), whole)


def test_a_hole_is_filled_with_the_mean_of_its_image_and_channel() -> None:
    x = images()
    known = RandomMask(0.5).known(x, generator=seeded(0))
    flat = fill_with_mean(x, known)
    assert torch.equal(flat[known], x[known])
    for image, seen, one in zip(flat.flatten(0, 1), known.flatten(0, 1), x.flatten(0, 1), strict=True):
        torch.testing.assert_close(image[~seen], one[seen].mean().expand(int((~seen).sum())))


def test_a_smooth_fill_is_flat_among_equals_and_keeps_what_is_known() -> None:
    x = images()
    known = RandomMask(0.5).known(x, generator=seeded(0))
    assert torch.equal(fill_smoothly(x, known)[known], x[known])
    constant = torch.full((2, 3, 9, 12), 0.3)
    hole = CentreMask(6).known(constant, generator=seeded(0))
    torch.testing.assert_close(fill_smoothly(constant.where(hole, 5.0), hole), constant)


def test_an_untrained_network_s_loss_is_the_error_of_the_smooth_fill() -> None:
    x = images()
    system = MaskedAutoencoderConfig((8, 8)).build(DataSpec(SHAPE))
    mask = MixedMask()
    loss = MaskedReconstruction(mask)(system, {"x": x}, generator=seeded(3))
    known = mask.known(x, generator=seeded(3))
    error = [(a - b)[~seen].square().mean() for a, b, seen in zip(fill_smoothly(x, known), x, known, strict=True)]
    torch.testing.assert_close(loss.total.detach(), torch.stack(error).mean())


def test_a_hole_s_denoiser_is_a_gaussian_s_where_its_network_is_silent() -> None:
    x = images()
    known = RandomMask(0.5).known(x, generator=seeded(1))
    denoiser = HoleEnergyConfig((8, 8), sigma_data=0.5).build(DataSpec(SHAPE)).denoiser
    sigma = torch.full((4,), 0.5)
    denoised = denoiser(x, sigma, known)
    assert torch.equal(denoised[known], x[known])
    away = x - fill_smoothly(x, known)
    torch.testing.assert_close(denoised[~known], (x - away / 2)[~known])
    torch.testing.assert_close(denoiser.energy(x, sigma, known), away.square().flatten(1).sum(dim=1))
    with pytest.raises(ValueError, match="told what is known"):
        denoiser(x, sigma)


class Pairs(EnergyDenoiser):
    """The exact denoiser of N(0, [[1, r], [r, 1]]) pairs (B, 1, 1, 2)."""

    def __init__(self, r: float) -> None:
        super().__init__(torch.nn.Identity())
        self.covariance = torch.tensor([[1.0, r], [r, 1.0]])

    def forward(self, x: Tensor, sigma: Tensor, cond: Tensor | None = None) -> Tensor:
        noise = sigma[:, None, None] ** 2 * torch.eye(2)
        gain = self.covariance @ torch.linalg.inv(self.covariance + noise)
        return (gain @ x.flatten(1)[:, :, None]).view_as(x)


def test_annealed_completions_of_a_gaussian_have_its_conditional_moments() -> None:
    """x_2 given x_1 is N(r x_1, 1 - r²): within 4 standard errors and the bias of small steps."""
    n, r, first = 4000, 0.8, 0.1
    x = torch.tensor([first, 0.0]).expand(n, 1, 1, 2)
    known = torch.tensor([True, False]).expand(n, 1, 1, 2)
    small = 0.05  # so that samples stay inside [-1, 1]
    denoiser = Pairs(r)
    denoiser.covariance = denoiser.covariance * small
    sampler = AnnealedInpainting(40, 20, 0.1, schedule=GeometricSchedule(0.02, 1.0))
    completion = sampler.inpaint(denoiser, x, known, generator=seeded(0))[..., 1]
    variance = small * (1 - r**2)
    assert float(completion.mean()) == pytest.approx(r * first, abs=4 * (variance / n) ** 0.5 + 0.005)
    assert float(completion.var()) == pytest.approx(variance, rel=0.15)
    cold = AnnealedInpainting(40, 20, 0.5, 0.0, GeometricSchedule(0.02, 1.0))
    middle = cold.inpaint(denoiser, x, known, generator=seeded(0))[..., 1]
    assert float(middle.mean()) == pytest.approx(r * first, abs=0.005)
    assert float(middle.var()) < 0.2 * variance


def test_a_gan_finds_the_latent_of_its_own_image() -> None:
    torch.manual_seed(0)
    system = GANConfig((8, 8), latent_dim=2, search_steps=150, search_realism=0.0).build(DataSpec(SHAPE))
    with torch.no_grad():
        x = system.generate(randn((6, 2), generator=seeded(4)))
    known = CentreMask(4).known(x, generator=seeded(0))
    completion = system.inpaint(x, known, generator=seeded(5))
    start = GANConfig((8, 8), latent_dim=2, search_steps=1).build(DataSpec(SHAPE))
    start.load_state_dict(system.state_dict())
    before = start.inpaint(x, known, generator=seeded(5))
    assert float((completion - x).square().sum()) < 0.1 * float((before - x).square().sum())
    assert all(p.grad is None for p in system.parameters())
