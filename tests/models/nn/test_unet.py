"""The U-Net and its blocks over one, two and three axes."""

from __future__ import annotations

import pytest
import torch
from tests.models.networks import randomised

from gibbsweep_models.nn.layers.blocks import ResidualBlock, conv_nd, group_norm, halve, resize_like
from gibbsweep_models.nn.noise_networks.configs import UNetConfig
from gibbsweep_models.nn.noise_networks.unet import UNet

SHAPES = [(1, 8, 8), (1, 28, 28), (3, 7, 9), (2, 37), (1, 5, 6, 7)]


@pytest.mark.parametrize("shape", SHAPES)
def test_every_size_comes_back_and_a_new_network_returns_zero(shape: tuple[int, ...]) -> None:
    network = UNet(shape, channels=(8, 16, 16))
    x, noise = torch.randn(2, *shape), torch.randn(2)
    assert network(x, noise).shape == x.shape
    assert (network(x, noise) == 0).all()
    randomised(network)
    assert (network(x, noise) != 0).any()


@pytest.mark.parametrize("shape", SHAPES)
def test_examples_do_not_interact(shape: tuple[int, ...]) -> None:
    network = randomised(UNet(shape, channels=(8, 16), blocks=2))
    x, noise = torch.randn(3, *shape), torch.randn(3)
    alone = torch.cat([network(x[i : i + 1], noise[i : i + 1]) for i in range(3)])
    torch.testing.assert_close(network(x, noise), alone, rtol=1e-4, atol=1e-4)


def test_the_output_depends_on_the_noise_level_and_every_parameter_has_a_gradient() -> None:
    network = randomised(UNet((1, 8, 8), channels=(8, 16), n_classes=3))
    x = torch.randn(2, 1, 8, 8)
    assert not torch.allclose(network(x, torch.zeros(2)), network(x, torch.full((2,), 0.01)), atol=1e-5)
    network(x, torch.zeros(2), torch.tensor([0, 1])).square().sum().backward()
    assert [name for name, p in network.named_parameters() if p.grad is None or not p.grad.any()] == []


def test_no_class_is_a_class_of_its_own() -> None:
    network = randomised(UNet((1, 8, 8), channels=(8, 16), n_classes=3))
    x, noise = torch.randn(1, 1, 8, 8).expand(4, -1, -1, -1), torch.zeros(4)
    by_class = network(x, noise, torch.arange(4))
    torch.testing.assert_close(network(x, noise), by_class[3:].expand_as(x))
    assert len({float(out) for out in by_class[:, 0, 0, 0].detach()}) == 4


def test_default_size() -> None:
    n_parameters = sum(p.numel() for p in UNet((1, 28, 28)).parameters())
    assert 400_000 < n_parameters < 500_000


def test_refusals() -> None:
    with pytest.raises(ValueError, match="MLP for vectors"):
        UNet((2,))
    with pytest.raises(ValueError, match="fewer entries"):
        UNet((1, 3, 8), channels=(8, 8, 8))
    with pytest.raises(ValueError, match="at least one block"):
        UNet((1, 8, 8), blocks=0)
    network = UNet((1, 8, 8), channels=(8,))
    with pytest.raises(ValueError, match="unconditional"):
        network(torch.zeros(2, 1, 8, 8), torch.zeros(2), torch.zeros(2, dtype=torch.int64))
    with pytest.raises(ValueError, match="data's shape"):
        network(torch.zeros(2, 1, 9, 8), torch.zeros(2))


@pytest.mark.parametrize("dim", [1, 2, 3])
def test_blocks_halve_upwards_and_resize_undoes_it(dim: int) -> None:
    x = torch.randn(2, 4, *(7, 8, 9)[:dim])
    halved = (4, 4, 5)[:dim]
    assert conv_nd(dim, 4, 6, stride=2)(x).shape == (2, 6, *halved)
    assert conv_nd(dim, 4, 6)(x).shape == (2, 6, *x.shape[2:])
    small = halve(dim)(x)
    assert small.shape == (2, 4, *halved)
    assert resize_like(small, x).shape == x.shape
    torch.testing.assert_close(halve(dim)(torch.ones_like(x)), torch.ones_like(small))  # edges are means too
    with pytest.raises(ValueError, match="dim=4"):
        conv_nd(4, 1, 1)


def test_a_new_residual_block_is_the_identity() -> None:
    x = torch.randn(2, 8, 5, 5)
    torch.testing.assert_close(ResidualBlock(2, 8, 8, embedding=6)(x, torch.randn(2, 6)), x)


@pytest.mark.parametrize(("channels", "groups"), [(64, 8), (32, 8), (16, 4), (12, 3), (6, 1), (1, 1)])
def test_groups_hold_at_least_four_channels(channels: int, groups: int) -> None:
    assert group_norm(channels).num_groups == groups


@pytest.mark.parametrize("bf16", [False, True])
@pytest.mark.parametrize("patch", [1, 2])
def test_checkpointed_activations_give_the_same_gradient(patch: int, bf16: bool) -> None:
    """Bit for bit: the second computation is the first one again."""
    x, noise = torch.randn(2, 1, 8, 8, generator=torch.Generator().manual_seed(0)), torch.tensor([0.1, 1.0])
    found = []
    for checkpointed in (False, True):
        torch.manual_seed(1)
        network = UNetConfig((8, 8), 2, patch, checkpoint_activations=checkpointed).build((1, 8, 8))
        for parameter in network.parameters():
            torch.nn.init.normal_(parameter, std=0.1)
        kept: list[int] = []

        def pack(tensor: torch.Tensor, kept: list[int] = kept) -> torch.Tensor:
            kept.append(tensor.numel())
            return tensor

        with (
            torch.autocast("cpu", dtype=torch.bfloat16, enabled=bf16),
            torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor),
        ):
            loss = network(x, noise).float().square().mean()
        at_forward = sum(kept)
        loss.backward()
        found.append((at_forward, loss.detach(), [p.grad for p in network.parameters()]))
    (much, one, first), (little, other, second) = found
    assert little < much
    assert torch.equal(one, other)
    for a, b in zip(first, second, strict=True):
        assert a is not None and b is not None and torch.equal(a, b)
