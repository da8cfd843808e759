import copy

import pytest
import torch
from torch import nn

from gibbsweep_models.sgd import SGD
from gibbsweep_models.types import OptimizerConfig


def run(optimizer: torch.optim.Optimizer, parameters: list[nn.Parameter], steps: range) -> None:
    for step in steps:
        for i, p in enumerate(parameters):
            # A transposed gradient, as a matrix product may give it, and every third step none for the last parameter.
            gradient = torch.randn(p.shape[::-1], generator=torch.Generator().manual_seed(10 * step + i))
            p.grad = None if i == len(parameters) - 1 and step % 3 == 0 else gradient.permute(*range(p.ndim)[::-1])
        optimizer.step()


def parameters() -> list[nn.Parameter]:
    torch.manual_seed(0)
    return [nn.Parameter(torch.randn(shape)) for shape in ((5, 3), (5,), (3,))]


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
def test_steps_are_pytorchs_and_either_goes_on_from_the_others_state(momentum: float, weight_decay: float) -> None:
    ours, theirs = parameters(), parameters()
    first = SGD(ours, lr=0.1, momentum=momentum, weight_decay=weight_decay)
    second = torch.optim.SGD(theirs, lr=0.1, momentum=momentum, weight_decay=weight_decay)
    run(first, ours, range(5))
    run(second, theirs, range(5))
    assert all(torch.equal(a, b) for a, b in zip(ours, theirs, strict=True))
    states = copy.deepcopy(first.state_dict()), copy.deepcopy(second.state_dict())
    assert states[0].keys() == states[1].keys() and states[0]["param_groups"] == states[1]["param_groups"]
    first.load_state_dict(states[1])
    second.load_state_dict(states[0])
    run(first, ours, range(5, 9))
    run(second, theirs, range(5, 9))
    assert all(torch.equal(a, b) for a, b in zip(ours, theirs, strict=True))


def test_it_is_the_sgd_of_a_phase_and_refuses_what_it_would_not_do() -> None:
    optimizer = OptimizerConfig("sgd", momentum=0.5).build(parameters())
    assert isinstance(optimizer, SGD)
    with pytest.raises(ValueError, match="no closure"):
        optimizer.step(lambda: 0.0)
    for register in (optimizer.register_step_pre_hook, optimizer.register_step_post_hook):
        with pytest.raises(NotImplementedError, match="no step hooks"):
            register(lambda *_: None)
