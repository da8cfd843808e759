"""The examples in the docstrings: each public class that is constructed by hand has one, and all of them run.

An example sees its module's names, and ``torch``, ``nn``, ``seeded`` and ``DataSpec``.
"""

from __future__ import annotations

import doctest
import importlib
import inspect
import pkgutil
from types import ModuleType

import pytest
import torch
from tests.contracts.discover import classes
from torch import nn

import gibbsweep_models
import gibbsweep_models.baselines
import gibbsweep_models.energy
import gibbsweep_models.nn
import gibbsweep_models.noise
import gibbsweep_models.objectives
import gibbsweep_models.samplers
import gibbsweep_models.score
from gibbsweep_models.draws import seeded
from gibbsweep_models.types import DataSpec


def modules(package: ModuleType) -> list[ModuleType]:
    """``package`` and all modules below it."""
    below = pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
    return [package, *(importlib.import_module(info.name) for info in below)]


WITH_EXAMPLES = [module for module in modules(gibbsweep_models) if ">>>" in inspect.getsource(module)]


@pytest.mark.parametrize("module", WITH_EXAMPLES, ids=lambda module: module.__name__.removeprefix("gibbsweep_models."))
def test_examples_run(module: ModuleType) -> None:
    state = torch.get_rng_state()
    names = {"torch": torch, "nn": nn, "seeded": seeded, "DataSpec": DataSpec}
    results = doctest.testmod(module, extraglobs=names, optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS)
    torch.set_rng_state(state)
    assert results.attempted > 0
    assert results.failed == 0


def test_public_classes_have_examples() -> None:
    """Those that a sub-package exports, and the configurations of systems."""
    exported = {
        value
        for package in (
            gibbsweep_models.nn,
            gibbsweep_models.noise,
            gibbsweep_models.objectives,
            gibbsweep_models.samplers,
        )
        for module in modules(package)
        for name in getattr(module, "__all__", ())
        if inspect.isclass(value := getattr(module, name)) and not getattr(value, "_is_protocol", False)
    }
    configs = {
        value
        for package in (gibbsweep_models.energy, gibbsweep_models.score, gibbsweep_models.baselines)
        for value in classes(package)
        if hasattr(value, "build")
    }
    assert len(exported) > 50 and len(configs) > 20, "the search for classes has gone astray"
    assert {cls.__qualname__ for cls in exported | configs if ">>>" not in (cls.__doc__ or "")} == set()
