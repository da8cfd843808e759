"""Muon: the polar factor of the momentum, PyTorch's own on matrices, AdamW on the rest."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from gibbsweep_models.muon import Muon, orthogonalised
from gibbsweep_models.types import OptimizerConfig


@pytest.mark.parametrize("shape", [(8, 8), (4, 20), (20, 4), (1, 6)])
def test_singular_values_come_near_one_and_vectors_stay(shape: tuple[int, int]) -> None:
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    u, _, v = torch.linalg.svd(matrix, full_matrices=False)
    # U^T (a polynomial of the matrix) V is diagonal.
    values = u.T @ orthogonalised(matrix) @ v.T
    assert bool(((values.diagonal() > 0.65) & (values.diagonal() < 1.15)).all())
    torch.testing.assert_close(values, values.diagonal().diag(), rtol=0, atol=1e-4)


def stepped(optimizer: torch.optim.Optimizer, parameter: nn.Parameter, target: Tensor, steps: int = 12) -> Tensor:
    """``parameter`` after ``steps`` towards ``target``."""
    for _ in range(steps):
        optimizer.zero_grad()
        (parameter - target).square().sum().backward()
        optimizer.step()
    return parameter.detach()


def test_vectors_move_by_adamw() -> None:
    target = torch.randn(7, generator=torch.Generator().manual_seed(0))
    mine, theirs = nn.Parameter(torch.ones(7)), nn.Parameter(torch.ones(7))
    options = {"lr": 0.05, "betas": (0.8, 0.9), "weight_decay": 0.1}
    moved = stepped(Muon([mine], **options), mine, target)
    torch.testing.assert_close(moved, stepped(torch.optim.AdamW([theirs], **options), theirs, target))


@pytest.mark.parametrize("shape", [(6, 10), (10, 6)])
def test_matrices_move_as_pytorch_moves_them(shape: tuple[int, int]) -> None:
    """PyTorch's iterates in bfloat16, so to its rounding."""
    generator = torch.Generator().manual_seed(0)
    start, target = torch.randn(shape, generator=generator), torch.randn(shape, generator=generator)
    mine, theirs = nn.Parameter(start.clone()), nn.Parameter(start.clone())
    moved = stepped(Muon([mine], lr=0.05, weight_decay=0.1), mine, target)
    muon = torch.optim.Muon([theirs], lr=0.05, weight_decay=0.1, adjust_lr_fn="match_rms_adamw")
    other = stepped(muon, theirs, target)
    assert float((moved - other).norm() / (moved - start).norm()) < 0.03


def test_a_kernel_moves_as_its_matrix() -> None:
    generator = torch.Generator().manual_seed(0)
    start, target = torch.randn(4, 3, 3, 3, generator=generator), torch.randn(4, 3, 3, 3, generator=generator)
    kernel, matrix = nn.Parameter(start.clone()), nn.Parameter(start.flatten(1).clone())
    moved = stepped(Muon([kernel], lr=0.05), kernel, target)
    torch.testing.assert_close(moved.flatten(1), stepped(Muon([matrix], lr=0.05), matrix, target.flatten(1)))


def test_a_parameter_without_a_gradient_rests_and_a_state_comes_back() -> None:
    idle, used = nn.Parameter(torch.ones(3, 3)), nn.Parameter(torch.ones(3, 3))
    optimizer = OptimizerConfig("muon", 0.05).build([idle, used])
    stepped(optimizer, used, torch.zeros(3, 3), steps=3)
    assert bool((idle == 1).all())
    copies = [nn.Parameter(idle.detach().clone()), nn.Parameter(used.detach().clone())]
    copy = OptimizerConfig("muon", 0.05).build(copies)
    copy.load_state_dict(optimizer.state_dict())
    on, again = stepped(optimizer, used, torch.zeros(3, 3)), stepped(copy, copies[1], torch.zeros(3, 3))
    assert torch.equal(on, again)


def test_refusals() -> None:
    with pytest.raises(ValueError, match="correct the one"):
        Muon([nn.Parameter(torch.ones(2))], momentum=1.0)
