"""Self-attention over places, and rows that know which one they are."""

from __future__ import annotations

import pytest
import torch
from tests.models.networks import randomised

from gibbsweep_models.nn.layers.attention import SelfAttention
from gibbsweep_models.nn.noise_networks import UNet, UNetConfig


@pytest.mark.parametrize("shape", [(64, 4, 4), (20, 7), (8, 2, 3, 4)])
def test_a_new_one_is_the_identity_and_a_trained_one_looks_everywhere(shape: tuple[int, ...]) -> None:
    attention = SelfAttention(shape[0])
    h = torch.randn(2, *shape)
    torch.testing.assert_close(attention(h), h)
    randomised(attention)
    h.requires_grad_(True)
    attention(h)[0].flatten(1)[:, 0].sum().backward()
    assert h.grad is not None
    assert bool(h.grad[0].flatten(1).any(0).all())
    assert not bool(h.grad[1].any()), "examples do not look at each other"


def test_it_is_the_formula_for_one_head() -> None:
    attention = randomised(SelfAttention(8))
    h = torch.randn(1, 8, 5)
    places = attention.norm(h)[0].T
    q, k, v = attention.query_key_value(places).chunk(3, dim=1)
    expected = h + attention.out((q @ k.T / 8**0.5).softmax(1) @ v).T
    torch.testing.assert_close(attention(h), expected)


def test_order_is_unknown_to_it() -> None:
    attention = randomised(SelfAttention(8))
    h, order = torch.randn(1, 8, 6), torch.tensor([3, 1, 5, 0, 2, 4])
    torch.testing.assert_close(attention(h)[..., order], attention(h[..., order]))


@pytest.mark.parametrize("patch", [1, 2])
def test_a_network_with_it_starts_at_zero_and_uses_every_parameter(patch: int) -> None:
    network = UNetConfig((8, 16), patch=patch, attention=True, rows=True).build((1, 8, 8), n_classes=3)
    x = torch.randn(2, 1, 8, 8)
    assert not bool(network(x, torch.zeros(2)).any())
    randomised(network)
    network(x, torch.zeros(2), torch.tensor([0, 1])).square().sum().backward()
    assert [name for name, p in network.named_parameters() if p.grad is None or not p.grad.any()] == []


def test_only_told_rows_are_told_apart() -> None:
    """A circular picture of one value is the same in the middle rows of a network that is not told."""
    x, noise = torch.ones(1, 1, 16, 16), torch.zeros(1)
    for rows in (False, True):
        network = randomised(UNet((1, 16, 16), (8,), rows=rows))
        out = network(x, noise)[0, 0, 7:9, 7]
        assert bool(torch.isclose(out[0], out[1], rtol=1e-5)) is not rows
