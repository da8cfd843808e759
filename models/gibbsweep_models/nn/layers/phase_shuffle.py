"""Random shifts of the maps of a discriminator of sounds."""

from __future__ import annotations

import torch
from torch import Tensor

from gibbsweep_models.draws import randint


def phase_shuffle(h: Tensor, largest: int, *, generator: torch.Generator) -> Tensor:
    """Each example of ``h`` (B, C, T) moved by its own whole number of places in [-largest, largest]; the gap that it
    leaves at one end is filled by mirroring (Donahue et al., "Adversarial Audio Synthesis", 2019, section 3.3): a
    generator's artefacts, which always have one phase, no longer give it away."""
    if not 0 <= largest < h.shape[-1]:
        raise ValueError(
            f"got a largest shift of {largest} of {h.shape[-1]} places, expected 0 to {h.shape[-1] - 1}; lower it"
        )
    if largest == 0:
        return h
    moves = randint(2 * largest + 1, (len(h), 1), generator=generator) - largest
    places = torch.arange(h.shape[-1], device=h.device) - moves
    last = h.shape[-1] - 1
    places = last - (last - places.abs()).abs()  # mirrored at both ends
    return h.take_along_dim(places[:, None], dim=2)
