"""Adversarial criteria by their identities, and the convolutional GAN."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from gibbsweep_models.baselines.gan import GANConfig
from gibbsweep_models.capabilities import CanSample
from gibbsweep_models.draws import seeded
from gibbsweep_models.nn.encoders.convnets import ConvDecoder, ConvEncoder
from gibbsweep_models.objectives.generation.gan import DiscriminatorLoss, GeneratorLoss, gradient_norm
from gibbsweep_models.types import DataSpec

P_COUNTS, Q_COUNTS = (4, 3, 2, 1), (1, 1, 3, 5)


def enumerate_states(counts: tuple[int, ...]) -> Tensor:
    """A batch that holds state k exactly counts[k] times."""
    return torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts)).double()[:, None]


@dataclass
class Discrete:
    """Samples are distributed exactly as Q_COUNTS; the discriminator is a table of logits."""

    logits: Tensor
    latent_dim: int = 2

    def generate(self, z: Tensor) -> Tensor:
        return enumerate_states(Q_COUNTS)

    def discriminate(self, x: Tensor) -> Tensor:
        return self.logits[x[:, 0].long()]


@dataclass
class LinearCritic:
    """D(x) = a · x and G(z) = z."""

    a: Tensor
    latent_dim: int = 3

    def generate(self, z: Tensor) -> Tensor:
        return z

    def discriminate(self, x: Tensor) -> Tensor:
        return x @ self.a


def divergences() -> tuple[Tensor, Tensor, Tensor]:
    p, q = (torch.tensor(counts, dtype=torch.float64) / 10 for counts in (P_COUNTS, Q_COUNTS))
    m = (p + q) / 2
    return p, q, ((p * (p / m).log()).sum() + (q * (q / m).log()).sum()) / 2


def test_an_undecided_discriminator_loses_two_log_two_and_the_generator_log_two() -> None:
    model, batch = Discrete(torch.zeros(4, dtype=torch.float64)), {"x": enumerate_states(P_COUNTS)}
    assert float(DiscriminatorLoss()(model, batch, generator=seeded(0)).total) == pytest.approx(2 * math.log(2))
    assert float(GeneratorLoss()(model, batch, generator=seeded(0)).total) == pytest.approx(math.log(2))


def test_the_optimal_discriminator_measures_the_jensen_shannon_divergence() -> None:
    p, q, jsd = divergences()
    batch = {"x": enumerate_states(P_COUNTS)}
    logits = (p / q).log().requires_grad_(True)
    loss = DiscriminatorLoss()(Discrete(logits), batch, generator=seeded(0)).total
    assert float(loss.detach()) == pytest.approx(2 * math.log(2) - 2 * float(jsd))
    (gradient,) = torch.autograd.grad(loss, logits)
    torch.testing.assert_close(gradient, torch.zeros_like(p))
    # The optimum is the least: any other table of logits loses more.
    for seed in range(5):
        other = logits.detach() + 0.3 * torch.randn(4, dtype=torch.float64, generator=seeded(seed))
        assert float(DiscriminatorLoss()(Discrete(other), batch, generator=seeded(0)).total) > float(loss.detach())


def test_the_critic_measures_a_difference_of_means_and_its_parts_say_so() -> None:
    p, q, _ = divergences()
    values = torch.tensor([0.0, 1.0, -2.0, 5.0], dtype=torch.float64)
    model, batch = Discrete(values), {"x": enumerate_states(P_COUNTS)}
    loss = DiscriminatorLoss("wasserstein")(model, batch, generator=seeded(0))
    assert float(loss.total) == pytest.approx(float((q - p) @ values))
    assert float(loss.parts["logit_gap"]) == pytest.approx(float((p - q) @ values))
    assert float(loss.parts["logit_real"]) == pytest.approx(float(p @ values))
    generator_loss = GeneratorLoss("wasserstein")(model, batch, generator=seeded(0)).total
    assert float(generator_loss) == pytest.approx(float(-q @ values))


def test_penalties_of_a_linear_critic() -> None:
    a = torch.tensor([2.0, 0.0, 1.0])
    model, batch = LinearCritic(a), {"x": torch.randn(6, 3, generator=seeded(1))}
    torch.testing.assert_close(gradient_norm(model.discriminate, batch["x"]), torch.full((6,), math.sqrt(5)))
    r1 = DiscriminatorLoss(r1=0.8)(model, batch, generator=seeded(0))
    assert float(r1.parts["penalty"]) == pytest.approx(0.4 * 5)
    plain = DiscriminatorLoss()(model, batch, generator=seeded(0))
    assert float(r1.total) == pytest.approx(float(plain.total) + 0.4 * 5)
    gp = DiscriminatorLoss("wasserstein", gradient_penalty=10)(model, batch, generator=seeded(0))
    assert float(gp.parts["penalty"]) == pytest.approx(10 * (math.sqrt(5) - 1) ** 2, rel=1e-5)
    with pytest.raises(ValueError, match="weights >= 0"):
        DiscriminatorLoss(r1=-1.0)


def test_r1_is_taken_at_the_data_and_the_gradient_penalty_between_data_and_samples() -> None:
    class Quadratic(LinearCritic):
        """|grad D(x)| = 2 |x|, and G returns zeros."""

        def generate(self, z: Tensor) -> Tensor:
            return torch.zeros_like(z)

        def discriminate(self, x: Tensor) -> Tensor:
            return x.square().sum(dim=1)

    n = 20_000
    model, batch = Quadratic(torch.zeros(3)), {"x": torch.eye(3)[torch.arange(n) % 3]}
    r1 = DiscriminatorLoss(r1=1.0)(model, batch, generator=seeded(0)).parts["penalty"]
    assert float(r1) == pytest.approx(0.5 * 4)
    # At the mixture u x, u uniform on [0, 1]: E (2u - 1)² = 1/3, with variance 4/45.
    gp = DiscriminatorLoss(gradient_penalty=1.0)(model, batch, generator=seeded(0)).parts["penalty"]
    assert float(gp) == pytest.approx(1 / 3, abs=4 * math.sqrt(4 / 45 / n))


def test_phases_split_the_parameters_and_the_discriminator_leaves_the_generator_alone() -> None:
    system = GANConfig(channels=(8, 8)).build(DataSpec((1, 8, 8)))
    discriminator, generator = system.phases()
    owned = [id(p) for phase in (discriminator, generator) for p in phase.parameters]
    assert sorted(owned) == sorted(id(p) for p in system.parameters())
    batch = {"x": torch.rand(4, 1, 8, 8)}
    torch.autograd.backward(discriminator.objective(system, batch, generator=seeded(0)).total)
    assert all(p.grad is None for p in generator.parameters)
    assert all(p.grad is not None for p in discriminator.parameters)
    torch.autograd.backward(generator.objective(system, batch, generator=seeded(0)).total)
    assert all(p.grad is not None for p in generator.parameters)


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 8, 8), (1, 28, 28), (3, 28, 28), (1, 9, 13)])
def test_samples_have_the_shape_and_range_of_the_data(shape: tuple[int, ...]) -> None:
    config = GANConfig(channels=(8, 8, 8))
    system, copy = config.build(DataSpec(shape)), config.build(DataSpec(shape))
    copy.load_state_dict(system.state_dict())
    assert isinstance(system, CanSample)
    out = system.sample(5, generator=seeded(2))
    assert out.x.shape == (5, *shape)
    assert out.nfe == 1
    assert float(out.x.abs().max()) <= 1
    assert not out.x.requires_grad
    torch.testing.assert_close(copy.sample(5, generator=seeded(2)).x, out.x, rtol=0, atol=0)
    assert system.discriminate(out.x).shape == (5,)


def test_refusals() -> None:
    with pytest.raises(ValueError, match="signed"):
        GANConfig().build(DataSpec((1, 8, 8), "binary"))
    for shape in [(2,), (1, 4, 8), (1, 8, 8, 4)]:
        with pytest.raises(ValueError, match="sides >= 8"):
            GANConfig().build(DataSpec(shape))
    with pytest.raises(ValueError, match="at least one stage"):
        ConvEncoder((1, 8, 8), 1, channels=())
    with pytest.raises(ValueError, match="data's shape"):
        ConvEncoder((1, 8, 8), 1)(torch.zeros(2, 3, 8, 8))
    with pytest.raises(ValueError, match="draw latents"):
        ConvDecoder((1, 8, 8), 4)(torch.zeros(2, 5))
