"""Buffers whose shapes are known once data has been seen, and with a checkpoint alone."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn


def take_any_shape(module: nn.Module, *names: str) -> None:
    """Let ``module.load_state_dict`` give the buffers ``names`` of ``module`` the shapes of the state that it loads.

    >>> system = nn.Module()
    >>> system.register_buffer("learned", torch.empty(0))
    >>> take_any_shape(system, "learned")
    >>> system.load_state_dict({"learned": torch.ones(3)})
    <All keys matched successfully>
    """
    module.register_load_state_dict_pre_hook(partial(_take_shapes, names))  # type: ignore[no-untyped-call]


def _take_shapes(
    names: tuple[str, ...], module: nn.Module, state: Mapping[str, Tensor], prefix: str, *others: Any
) -> None:
    for name in names:
        if prefix + name in state:
            setattr(module, name, torch.empty_like(state[prefix + name], device=module.get_buffer(name).device))
