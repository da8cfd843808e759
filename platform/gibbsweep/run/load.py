"""A trained system from the folder of its run alone: neither its study nor its data set is needed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from gibbsweep.data import Vocabulary
from gibbsweep.errors import UserError
from gibbsweep.folder import Outcome
from gibbsweep.run.data_spec import SPEC, read_spec
from gibbsweep.run.stored import stored_config
from gibbsweep.train.checkpoint import has_checkpoint, load_weights
from gibbsweep_models.capabilities import CanFit
from gibbsweep_models.types import DataSpec, System, SystemConfig


@dataclass(frozen=True)
class LoadedRun:
    """A system with the weights that its run evaluated, and what it was built for.

    For example::

        run = load_run(Path("runs/cd_k-1/trials/rbm-0003"))
        run.system.sample(64, generator=seeded(0)).x  # in run.spec.units
    """

    system: Any
    """The system, a :class:`~gibbsweep_models.types.System` in evaluation mode. What it can do is a matter of its
    class."""
    config: SystemConfig
    """Its configuration."""
    spec: DataSpec
    """The facts about the data that it was built for."""
    classes: tuple[str, ...]
    """The names of the classes; empty without labels."""
    vocabulary: Vocabulary | None
    """What captions are encoded with; None without captions."""
    data: str
    """The data set, or the view of it, that it was trained on."""
    step: int
    """The update after which the weights were saved; 1 for a system that was fitted."""


def load_run(path: Path, *, device: torch.device | str = "cpu", own: Sequence[type] = ()) -> LoadedRun:
    """The trained system of a run's folder, or of its checkpoint's folder, on ``device``, with averaged weights where
    there are some.

    ``own``: classes of configurations that are none of ``gibbsweep_models``; no other code is run. Raise UserError
    where ``path`` is no run, has no weights, or is of another version.
    """
    folder, record, config = stored_config(path, own)
    if SPEC not in record:
        raise UserError(
            f"{folder.config} does not say of its data what a model is built from: it is of an earlier version; train "
            "it again."
        )
    spec, classes, vocabulary = read_spec(record[SPEC])
    with torch.random.fork_rng(devices=[]):  # what is drawn here is replaced, and is none of the caller's randomness
        system: System = config.build(spec)
    outcome = Outcome.read(folder.path)
    nothing_learned = isinstance(system, CanFit) and outcome is not None and outcome.kind == "completed"
    if nothing_learned and not has_checkpoint(folder.checkpoint):
        step = 1
    else:
        step = load_weights(folder.checkpoint, system)
    return LoadedRun(system.to(device).eval(), config, spec, classes, vocabulary, record["data"]["name"], step)
