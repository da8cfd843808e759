"""The GAN of waveforms: quarters instead of halves, and shuffled phases."""

from __future__ import annotations

import pytest
import torch

from gibbsweep_models.baselines.gan import GANConfig
from gibbsweep_models.draws import seeded
from gibbsweep_models.nn.encoders.convnets import ConvDecoder, ConvEncoder
from gibbsweep_models.nn.layers.phase_shuffle import phase_shuffle
from gibbsweep_models.objectives.generation.gan import DiscriminatorLoss
from gibbsweep_models.types import DataSpec

WAVEGAN = GANConfig(
    channels=(4, 8), latent_dim=6, loss="wasserstein", r1=0.0, gradient_penalty=10.0, generator_every=5, phase_shuffle=2
)


def test_a_shift_moves_and_mirrors() -> None:
    h = torch.arange(6.0).expand(200, 2, 6)
    moved = phase_shuffle(h, 2, generator=seeded(0))
    rows = {
        -2: [2, 3, 4, 5, 4, 3],
        -1: [1, 2, 3, 4, 5, 4],
        0: [0, 1, 2, 3, 4, 5],
        1: [1, 0, 1, 2, 3, 4],
        2: [2, 1, 0, 1, 2, 3],
    }
    found = {tuple(row) for row in moved[:, 0].int().tolist()}
    assert found == {tuple(row) for row in rows.values()}
    assert torch.equal(moved[:, 0], moved[:, 1])  # all channels of an example together
    counts = torch.tensor([sum(row == wanted for row in moved[:, 0].tolist()) for wanted in rows.values()])
    assert float(((counts - 40.0) ** 2 / 40).sum()) < 18.5  # chi², 4 degrees of freedom, p = .001
    assert phase_shuffle(h, 0, generator=seeded(0)) is h
    with pytest.raises(ValueError, match="largest shift of 6 of 6 places"):
        phase_shuffle(h, 6, generator=seeded(0))


def test_a_shift_is_one_s_own() -> None:
    """What a worker of two draws is its share of what one would have drawn."""
    h = torch.randn(8, 3, 16)
    whole = phase_shuffle(h, 3, generator=seeded(4))
    halves = [phase_shuffle(h[4 * r : 4 * r + 4], 3, generator=seeded(4, rank=r, world_size=2)) for r in range(2)]
    assert torch.equal(whole, torch.cat(halves))


@pytest.mark.parametrize(("length", "smallest"), [(64, 4), (100, 7), (1000, 16), (1024, 16)])
def test_waveforms_of_every_length(length: int, smallest: int) -> None:
    decoder, encoder = ConvDecoder((1, length), 6, (4, 8, 8)), ConvEncoder((1, length), 3, (4, 8, 8))
    x = decoder(torch.randn(2, 6))
    assert x.shape == (2, 1, length) and encoder(x).shape == (2, 3)
    assert decoder.smallest[1] == smallest
    kernels = {m.kernel_size for net in (decoder, encoder) for m in net.modules() if isinstance(m, torch.nn.Conv1d)}
    assert kernels == {(25,)}


def test_the_shuffle_is_drawn_in_training_alone() -> None:
    system = WAVEGAN.build(DataSpec((1, 128)))
    x = torch.randn(16, 1, 128)
    still = system.discriminate(x)
    assert torch.equal(still, system.discriminate(x))
    assert not torch.equal(still, system.discriminate(x, generator=seeded(0)))
    assert torch.equal(system.discriminate(x, generator=seeded(0)), system.discriminate(x, generator=seeded(0)))
    discriminator, generator = system.phases()
    plain = DiscriminatorLoss("wasserstein", gradient_penalty=10.0)
    losses = [objective(system, {"x": x}, generator=seeded(1)).total for objective in (discriminator.objective, plain)]
    assert float(losses[0].detach()) != float(losses[1].detach())
    total = generator.objective(system, {"x": x}, generator=seeded(1)).total
    total.backward()  # type: ignore[no-untyped-call]
    assert all(p.grad is not None for p in system.generator.parameters())


def test_samples_are_waveforms() -> None:
    system = WAVEGAN.build(DataSpec((1, 100)))
    out = system.sample(5, generator=seeded(2))
    assert out.x.shape == (5, 1, 100) and out.nfe == 1 and float(out.x.abs().max()) <= 1


def test_refusals() -> None:
    with pytest.raises(ValueError, match="shuffle=2 .* expected waveforms"):
        GANConfig(phase_shuffle=2).build(DataSpec((1, 28, 28)))
    with pytest.raises(ValueError, match="smaller than their shortest map"):
        GANConfig(channels=(4, 4, 4), phase_shuffle=2).build(DataSpec((1, 32)))


def test_the_published_recipe_has_the_critic_s_penalty_and_its_shuffled_phases() -> None:
    recipe = GANConfig.wavegan(1e-4, (16, 32, 64), latent_dim=100)
    assert (recipe.loss, recipe.gradient_penalty, recipe.r1, recipe.generator_every) == ("wasserstein", 10.0, 0.0, 5)
    assert (recipe.betas, recipe.phase_shuffle) == ((0.5, 0.9), 2)
    assert recipe.discriminator_learning_rate == recipe.generator_learning_rate == 1e-4
    assert recipe.build(DataSpec((1, 256))).latent_dim == 100
