"""Pairs of examples and noise that are near to each other."""

from __future__ import annotations

import torch
from torch import Tensor

from gibbsweep_models.parallel import all_gather_batch


@torch.no_grad()
def optimal_pairs(x: Tensor, noise: Tensor, *, generator: torch.Generator) -> Tensor:
    """``noise`` (B, *D) in the order in which the sum of |x_i - noise_i|² over the global batch is least: optimal
    transport between two batches (Pooladian et al. 2023; Tong et al. 2024), by the Hungarian method in O(B³).

    ``generator``: that which the noise was drawn with, whose share of the global batch this is.
    """
    from scipy.optimize import linear_sum_assignment

    all_x, all_noise = all_gather_batch(x), all_gather_batch(noise)
    # |x|² and |noise|² are the same in every order.
    cost = -(all_x.flatten(1) @ all_noise.flatten(1).T)
    _, order = linear_sum_assignment(cost.double().cpu().numpy())
    world_size, rank = getattr(generator, "world_size", 1), getattr(generator, "rank", 0)
    mine = torch.as_tensor(order, device=noise.device).chunk(world_size)[rank]
    return all_noise[mine]
