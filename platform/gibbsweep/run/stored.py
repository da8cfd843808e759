"""The trained system of a run as a part of another configuration: its own configuration and its weights' file."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gibbsweep.errors import UserError
from gibbsweep.folder import RunFolder
from gibbsweep.folder.layout import CHECKPOINT, CONFIG
from gibbsweep.folder.whole import read_json_object
from gibbsweep.train.checkpoint import read_checkpoint
from gibbsweep_models.exported import ForeignClass, full_name, rebuilt_config
from gibbsweep_models.nn.weights_file import WeightsFile
from gibbsweep_models.noise import CosineSchedule, EDMSchedule, VPSchedule
from gibbsweep_models.types import SystemConfig


@dataclass(frozen=True)
class StoredRun:
    """The trained system of a run. For example::

    run = stored_run(Path("runs/ddpm-20261124/trials/ddpm-0007"))
    low, high = run.noise_levels()
    """

    config: SystemConfig
    """The configuration that was trained."""
    weights: WeightsFile
    """The weights to evaluate: the averaged ones where there are some."""
    data: str
    """The data set, or the view of it."""
    shape: tuple[int, ...]
    """The shape of one example."""
    step: int
    """The update after which the weights were saved."""

    def noise_levels(self) -> tuple[float, float]:
        """The lowest and the highest noise level of a score model's training.

        They end where a schedule of :class:`~gibbsweep_models.samplers.diffusion.DenoiserSamplerConfig` has no levels.
        A lognormal has no end: its levels are those of its sampler. Raise UserError where the configuration has no
        noise schedule.
        """
        for part in vars(self.config).values():
            if isinstance(part, EDMSchedule):
                return part.sigma_min, part.sigma_max
            if hasattr(part, "sigma_range"):
                low, high = part.sigma_range
                ends = [0.999 * kind().sigma_range[1] for kind in (VPSchedule, CosineSchedule)]
                return float(low), min(float(high), *ends)
        raise UserError(
            f"{type(self.config).__name__} names no noise schedule, so between which levels it can be sampled "
            "is not known: name a run of a score model."
        )


def stored_run(path: Path) -> StoredRun:
    """The stored run of a run's folder, or of its checkpoint's folder, from a sweep or from ``gibbsweep train``.

    Raise UserError where ``path`` is no run, or the run is of a version or a system that cannot be read.
    """
    folder, record, config = stored_config(path)
    state, _ = read_checkpoint(folder.checkpoint)
    shared = sorted(name for name in state["aliases"] if name.startswith(("model/", "ema/")))
    if shared:
        raise UserError(
            f"the checkpoint of {folder.path} has weights under two names ({', '.join(shared)}): "
            "it cannot be stored; name another run."
        )
    file = (folder.checkpoint / state["tensors"]).absolute()
    data = record["data"]
    weights = WeightsFile(str(file), state["sha256"], ("model/", "ema/"))
    return StoredRun(config, weights, data["name"], tuple(data["shape"]), int(state["step"]))


def stored_config(path: Path, own: Sequence[type] = ()) -> tuple[RunFolder, dict[str, Any], SystemConfig]:
    """The folder of a run, its record and its configuration. ``path`` and errors as in :func:`stored_run`; ``own``:
    classes of configurations that are allowed beside those of ``gibbsweep_models``."""
    folder = RunFolder(path.parent if path.name == CHECKPOINT else path)
    record_path = folder.config
    if not record_path.exists():
        raise UserError(
            f"{path} is no run: expected a folder with {CONFIG} and {CHECKPOINT}/, such as runs/SWEEP/trials/RUN."
        )
    record = read_json_object(record_path)
    if "classes" not in record:
        raise UserError(
            f"{record_path} does not say of which classes its configuration is: "
            "it is of an earlier version; train it again."
        )
    try:
        config = rebuilt_config(record["classes"], record["params"], own)
    except ForeignClass as error:
        raise UserError(f"{error}: a stored run must be of one of its systems.") from error
    except (TypeError, ValueError, AttributeError, ImportError) as error:
        raise UserError(
            f"the configuration in {record_path} is of another version ({error}): train it again."
        ) from error
    return folder, record, config


def config_classes(config: Any, path: str = "") -> dict[str, str]:
    """The classes of a nested dataclass as ``module:Name``, by dotted path ("" for the outermost).

    With the fields of :func:`gibbsweep.study.space.flatten` they describe the whole configuration.
    """
    classes = {path: full_name(type(config))}
    for item in dataclasses.fields(config):
        value = getattr(config, item.name)
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            classes |= config_classes(value, f"{path}.{item.name}" if path else item.name)
    return classes
