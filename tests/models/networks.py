"""Networks as the tests of several need them."""

from __future__ import annotations

import torch
from torch import nn


def randomised(network: nn.Module) -> nn.Module:
    """A network that is not zero, as a new one is."""
    generator = torch.Generator().manual_seed(0)
    for parameter in network.parameters():
        nn.init.normal_(parameter, std=0.1, generator=generator)
    return network
