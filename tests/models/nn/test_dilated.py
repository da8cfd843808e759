"""The dilated network: its reach, its sizes, what it is told."""

from __future__ import annotations

import math

import pytest
import torch
from tests.models.networks import randomised
from torch import Tensor

from gibbsweep_models.nn.noise_networks.dilated import DilatedNet, GatedBlock
from gibbsweep_models.nn.noise_networks.waveform_patches import PatchedWaveform, fold, unfold


def test_a_block_is_the_formula() -> None:
    block = randomised(GatedBlock(3, 2, 4))
    assert isinstance(block, GatedBlock)
    h, embedding = torch.randn(2, 3, 11), torch.randn(2, 4)
    moved = h + (embedding @ block.told.weight.T + block.told.bias)[:, :, None]
    padded = torch.nn.functional.pad(moved, (2, 2))
    weight = block.dilated.weight
    filtered = sum(torch.einsum("oc,bct->bot", weight[:, :, k], padded[:, :, 2 * k : 2 * k + 11]) for k in range(3))
    a, b = (filtered + block.dilated.bias[None, :, None]).chunk(2, dim=1)
    out = torch.einsum("oc,bct->bot", block.out.weight[:, :, 0], torch.tanh(a) * torch.sigmoid(b))
    onwards, aside = (out + block.out.bias[None, :, None]).chunk(2, dim=1)
    got_h, got_aside = block(h, embedding)
    torch.testing.assert_close(got_h, (h + onwards) / math.sqrt(2))
    torch.testing.assert_close(got_aside, aside)


@pytest.mark.parametrize(("layers", "cycle", "patch"), [(1, 3, 1), (4, 4, 1), (5, 2, 1), (3, 3, 4)])
def test_an_output_depends_on_its_receptive_field_and_no_further(layers: int, cycle: int, patch: int) -> None:
    network = randomised(PatchedWaveform((1, 64), patch, lambda shape: DilatedNet(shape, 16, layers, cycle)))
    assert isinstance(network, PatchedWaveform) and isinstance(network.network, DilatedNet)
    reach = 1 + 2 * sum(2 ** (layer % cycle) for layer in range(layers))
    assert network.network.receptive_field == reach
    x = torch.randn(1, 1, 64, requires_grad=True)
    (gradient,) = torch.autograd.grad(network(x, torch.zeros(1))[0, 0, 32], x)
    seen = gradient[0, 0].nonzero()[:, 0]
    first = 32 // patch - reach // 2
    assert seen.min() == max(0, first * patch) and seen.max() == min(64, (first + reach) * patch) - 1


def test_a_fold_keeps_neighbours_together() -> None:
    x = torch.arange(20.0).view(1, 2, 10)
    folded = fold(x, 4)
    assert folded.shape == (1, 8, 3)
    assert folded[0, :4, 1].tolist() == [4, 5, 6, 7] and folded[0, 4:, 2].tolist() == [18, 19, 0, 0]
    assert torch.equal(unfold(folded, 4, 10), x) and fold(x, 1) is x


@pytest.mark.parametrize(("length", "patch"), [(64, 1), (64, 8), (61, 8), (8, 8), (33, 2)])
@pytest.mark.parametrize("channels", [1, 2])
def test_every_length_comes_back_and_a_new_network_returns_zero(length: int, patch: int, channels: int) -> None:
    network = PatchedWaveform((channels, length), patch, lambda shape: DilatedNet(shape, 4, 3, 2))
    x, noise = torch.randn(2, channels, length), torch.randn(2)
    assert network(x, noise).shape == x.shape and not network(x, noise).any()
    randomised(network)
    out = network(x, noise)
    alone = torch.cat([network(x[i : i + 1], noise[i : i + 1]) for i in range(2)])
    torch.testing.assert_close(out, alone, rtol=1e-4, atol=1e-5)
    assert (out != 0).any()


def test_it_is_told_the_level_and_the_class_and_every_parameter_learns() -> None:
    network = randomised(DilatedNet((1, 32), 4, 4, 2, n_classes=3))
    x = torch.randn(1, 1, 32).expand(4, -1, -1)
    assert not torch.allclose(network(x, torch.zeros(4)), network(x, torch.full((4,), 0.5)))
    by_class: Tensor = network(x, torch.zeros(4), torch.arange(4))
    torch.testing.assert_close(network(x, torch.zeros(4)), by_class[3:].expand_as(x))
    assert len({float(out) for out in by_class[:, 0, 0].detach()}) == 4
    by_class.square().sum().backward()
    assert [name for name, p in network.named_parameters() if p.grad is None or not p.grad.any()] == []


def test_refusals() -> None:
    with pytest.raises(ValueError, match="waveforms"):
        DilatedNet((1, 8, 8))
    with pytest.raises(ValueError, match="positive numbers"):
        DilatedNet((1, 64), layers=0)
    for shape, patch in (((1, 8, 8), 2), ((1, 64), 0), ((1, 64), 65)):
        with pytest.raises(ValueError, match="waveforms .* 1 to L samples"):
            PatchedWaveform(shape, patch, DilatedNet)
    with pytest.raises(ValueError, match="data's shape"):
        PatchedWaveform((1, 64), 4, DilatedNet)(torch.zeros(2, 1, 32), torch.zeros(2))
    network = DilatedNet((1, 64), 4, 2)
    with pytest.raises(ValueError, match="data's shape"):
        network(torch.zeros(2, 1, 32), torch.zeros(2))
    with pytest.raises(ValueError, match="DilatedNet is unconditional"):
        network(torch.zeros(2, 1, 64), torch.zeros(2), torch.zeros(2))


def test_diffwave_s_size() -> None:
    """The base model of the paper, 30 layers of 64 channels, has 2.64 million parameters with a vocoder's upsampler;
    without it and its conditioner, and with a narrower embedding, there are fewer."""
    n_parameters = sum(p.numel() for p in DilatedNet((1, 16_000)).parameters())
    assert 1_000_000 < n_parameters < 2_640_000
    assert DilatedNet((1, 16_000)).receptive_field == 1 + 2 * 3 * 1023
