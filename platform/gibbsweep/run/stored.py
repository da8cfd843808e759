"""A run's trained system as a part of another configuration: what it was built from, and where its weights are."""

from __future__ import annotations

import dataclasses
import importlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gibbsweep.errors import UserError
from gibbsweep.study.space import with_tuples
from gibbsweep.train.checkpoint import read_checkpoint
from gibbsweep_models.nn.weights_file import WeightsFile
from gibbsweep_models.noise import CosineSchedule, EDMSchedule, VPSchedule
from gibbsweep_models.types import SystemConfig

_MODELS = "gibbsweep_models."


@dataclass(frozen=True)
class StoredRun:
    """``config``: what was trained, on the data set ``data`` of examples of ``shape``; ``weights`` those to evaluate, after ``step``
    updates."""

    config: SystemConfig
    weights: WeightsFile
    data: str
    shape: tuple[int, ...]
    step: int

    def noise_levels(self) -> tuple[float, float]:
        """The lowest and the highest noise level of a score model's training, as far as each schedule of a
        :class:`~gibbsweep_models.samplers.diffusion.DenoiserSamplerConfig` has levels. Of a lognormal, which has no end,
        those of its sampler."""
        for part in vars(self.config).values():
            if isinstance(part, EDMSchedule):
                return part.sigma_min, part.sigma_max
            if hasattr(part, "sigma_range"):
                low, high = part.sigma_range
                ends = [0.999 * kind().sigma_range[1] for kind in (VPSchedule, CosineSchedule)]
                return float(low), min(float(high), *ends)
        raise UserError(
            f"{type(self.config).__name__} names no noise schedule, so between which levels it can be sampled is not known: "
            "name a run of a score model with --model."
        )


def stored_run(path: Path) -> StoredRun:
    """The run in folder ``path``, or whose checkpoint's folder it is: one of a sweep, or of ``gibbsweep train``."""
    run_dir = path.parent if path.name == "checkpoint" else path
    record_path = run_dir / "config.json"
    if not record_path.exists():
        raise UserError(
            f"{path} is no run: expected a folder with config.json and checkpoint/, such as runs/SWEEP/trials/RUN."
        )
    record = json.loads(record_path.read_text())
    if "classes" not in record:
        raise UserError(
            f"{record_path} does not say of which classes its configuration is: it is of an earlier version; train it again."
        )
    state, _ = read_checkpoint(run_dir / "checkpoint")
    shared = sorted(name for name in state.get("aliases", {}) if name.startswith(("model/", "ema/")))
    if shared:
        raise UserError(
            f"the checkpoint of {run_dir} has weights under two names ({', '.join(shared)}): it cannot be stored; name another run."
        )
    file = (run_dir / "checkpoint" / state["tensors"]).absolute()
    try:
        config = _rebuilt("", record["classes"], record["params"])
    except (TypeError, ValueError, AttributeError, ImportError) as error:
        raise UserError(
            f"the configuration in {record_path} is of another version ({error}): train it again."
        ) from error
    data = record["data"]
    weights = WeightsFile(str(file), state["sha256"], ("model/", "ema/"))
    return StoredRun(config, weights, data["name"], tuple(data["shape"]), int(state["step"]))


def config_classes(config: Any, path: str = "") -> dict[str, str]:
    """The class of a nested dataclass and of those inside it, by dotted path ("" for itself): ``module:Name``. Beside
    :func:`gibbsweep.study.space.flatten` it says all of a configuration."""
    found = {path: f"{type(config).__module__}:{type(config).__qualname__}"}
    for item in dataclasses.fields(config):
        value = getattr(config, item.name)
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            found |= config_classes(value, f"{path}.{item.name}" if path else item.name)
    return found


def _rebuilt(path: str, classes: Mapping[str, str], params: Mapping[str, Any]) -> Any:
    """The dataclass at ``path`` from flat ``params``. Of the models' own classes alone: a file must not name what is imported."""
    module, _, name = classes[path].partition(":")
    if not module.startswith(_MODELS):
        raise UserError(f"{classes[path]} is no class of gibbsweep_models: a stored run must be of one of its systems.")
    form = getattr(importlib.import_module(module), name)
    if not dataclasses.is_dataclass(form):
        raise UserError(f"{classes[path]} is no configuration: restore config.json from a copy.")
    build: Any = form  # is_dataclass() knows no class that can be called
    prefix = f"{path}." if path else ""
    values = {}
    for item in dataclasses.fields(form):
        at = f"{prefix}{item.name}"
        if at in classes:
            values[item.name] = _rebuilt(at, classes, params)
        elif at in params:  # not a field that came later
            values[item.name] = with_tuples(params[at])
    lost = {key.removeprefix(prefix).partition(".")[0] for key in params if key.startswith(prefix)} - set(values)
    if lost:
        raise ValueError(f"{name} has no {', '.join(sorted(lost))} any more")
    return build(**values)
