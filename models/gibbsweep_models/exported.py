"""A trained system in a folder of its own: its configuration as JSON, its weights in one safetensors file, no pickle.

    system = load_exported("rbm")
    system.sample(16, generator=seeded(0)).x

``gibbsweep export RUN --to rbm`` writes such a folder; reading it needs PyTorch and this package alone.
"""

from __future__ import annotations

import dataclasses
import importlib
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from gibbsweep_models.nn.weights_file import WeightsFile
from gibbsweep_models.types import DataSpec, System, SystemConfig

CONFIG = "config.json"
"""In the folder: the configuration, and the facts about the data that the system is built for."""
WEIGHTS = "model.safetensors"
"""In the folder: every weight and buffer of the system."""

_PACKAGE = "gibbsweep_models."
_SCRIPT = re.compile(r"__main__|gibbsweep_study_\w+")
"""Modules of a study's script, whose name depends on how it was run."""


class ForeignClass(ValueError):
    """The error that a configuration is of a class that is neither of this package nor named by the caller."""


def load_exported(folder: Path | str, *, own: Sequence[type] = (), device: torch.device | str = "cpu") -> System:
    """The system in ``folder`` on ``device``, in evaluation mode, with the weights that were exported.

    ``own``: classes of configurations that are none of this package; no other code is run. Raises ValueError where the
    weights are of another system, and OSError where a file is missing.
    """
    from safetensors.torch import load

    folder = Path(folder)
    record = json.loads((folder / CONFIG).read_text())
    config: SystemConfig = rebuilt_config(record["classes"], _located(record, folder), own)
    with torch.random.fork_rng(devices=[]):  # what is drawn here is replaced
        system = config.build(spec_of(record["spec"]))
    try:
        system.load_state_dict(load((folder / WEIGHTS).read_bytes()))
    except RuntimeError as error:
        reason = " ".join(str(error).split())[:200]
        raise ValueError(f"{folder / WEIGHTS} is of another system than {folder / CONFIG} ({reason})") from error
    return system.to(device).eval()


def spec_of(record: Mapping[str, Any]) -> DataSpec:
    """The facts about data in a JSON ``record``, which may hold more."""
    fields = {field.name: record[field.name] for field in dataclasses.fields(DataSpec) if field.name in record}
    return DataSpec(**{**fields, "shape": tuple(fields["shape"])})


def rebuilt_config(classes: Mapping[str, str], params: Mapping[str, Any], own: Sequence[type] = ()) -> Any:
    """The nested frozen dataclass whose ``classes`` are given as ``module:Name`` by dotted path ("" for the outermost),
    and whose fields as JSON in ``params``, by dotted path.

    Only classes of this package are imported, beside the caller's ``own``: a file must not choose which code runs. A
    class of a study's script is found among ``own`` by its name alone. Raises :class:`ForeignClass` for any other
    class, and ValueError, TypeError, AttributeError or ImportError for a configuration of another version.
    """
    return _rebuilt("", classes, params, {full_name(one): one for one in own})


def full_name(form: type) -> str:
    """The name of a class as a configuration's record has it: ``module:Name``."""
    return f"{form.__module__}:{form.__qualname__}"


def _rebuilt(path: str, classes: Mapping[str, str], params: Mapping[str, Any], own: Mapping[str, type]) -> Any:
    form = _class(classes[path], own)
    build: Any = form  # is_dataclass() knows no class that can be called
    prefix = f"{path}." if path else ""
    values = {}
    for item in dataclasses.fields(form):
        at = f"{prefix}{item.name}"
        if at in classes:
            values[item.name] = _rebuilt(at, classes, params, own)
        elif at in params:  # not a field that came later
            values[item.name] = _with_tuples(params[at])
    lost = {key.removeprefix(prefix).partition(".")[0] for key in params if key.startswith(prefix)} - set(values)
    if lost:
        raise ValueError(f"{form.__name__} has no {', '.join(sorted(lost))} any more")
    return build(**values)


def _class(name: str, own: Mapping[str, type]) -> Any:
    """The class ``module:Name``, a dataclass."""
    module, _, qualname = name.partition(":")
    form: Any = own.get(name)
    if form is None and _SCRIPT.fullmatch(module):
        form = next((one for one in own.values() if one.__qualname__ == qualname), None)
    if form is None:
        if not module.startswith(_PACKAGE):
            raise ForeignClass(f"{name} is no class of gibbsweep_models")
        form = getattr(importlib.import_module(module), qualname)
    if not dataclasses.is_dataclass(form):
        raise ForeignClass(f"{name} is no configuration")
    return form


def _with_tuples(value: Any) -> Any:
    """``value`` as it was before JSON: no configuration has lists."""
    return tuple(map(_with_tuples, value)) if isinstance(value, list) else value


def _located(record: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """The record's fields; a file of weights that stands in ``folder`` is found there, wherever that is now."""
    params = dict(record["params"])
    for path, name in record["classes"].items():
        if name == full_name(WeightsFile) and not Path(params[f"{path}.path"]).is_absolute():
            params[f"{path}.path"] = str((folder / params[f"{path}.path"]).absolute())
    return params
