"""The *exploit* step of population-based training (Jaderberg et al. 2017, algorithm 1): a run goes on from another
run's checkpoint."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gibbsweep.errors import UserError
from gibbsweep.folder import (
    CheckpointCopy,
    Outcome,
    RunFolder,
    read_copies,
    spent,
    write_atomically,
    write_copies,
    write_json,
)
from gibbsweep.folder.layout import STATE
from gibbsweep.train.checkpoint import read_checkpoint, read_progress, remove_older

_COSTS = ("device_seconds", "nfe", "samples")


def copy_checkpoint(run_dir: Path, donor_dir: Path, copy: CheckpointCopy, batch_size: int) -> CheckpointCopy:
    """Replace the checkpoint in ``run_dir`` with the one in ``donor_dir``, tensor for tensor, and remove its outcome.

    What the run has spent is recorded before anything is touched, and the mark ``done`` after everything: a call that
    was killed at any moment is simply made again. The donor must not train before it is done. Returns the copy as it
    is on record. Raises UserError where the donor's checkpoint is not the one that ``copy`` names.
    """
    run, donor = RunFolder(run_dir), RunFolder(donor_dir)
    before = read_copies(run_dir)
    recorded = next((c for c in before if c.step == copy.step), None)
    if recorded is None:
        recorded = _with_costs(copy, run)
        write_copies(run_dir, [*before, recorded])
    if recorded.done:
        return recorded
    state, _ = read_checkpoint(donor.checkpoint)
    if state["step"] != copy.step:
        raise UserError(
            f"{run_dir.name} is to go on from the checkpoint of {copy.donor} after {copy.step} updates, and it has "
            f"{state['step']}: restore {donor.checkpoint} from a copy, or start the sweep anew."
        )
    # A name of its own: the run's own checkpoint stays whole until the new state counts.
    tensor_file = run.checkpoint / f"step-{copy.step:08d}-from-{copy.donor}.safetensors"
    write_atomically(tensor_file, (donor.checkpoint / state["tensors"]).read_bytes())
    account = {
        "tensors": tensor_file.name,
        "device_seconds": recorded.device_seconds,
        "nfe": recorded.nfe,
        "elsewhere": copy.step - recorded.samples // batch_size,
    }
    try:
        write_json(run.checkpoint / STATE, state | account)
    except OSError:
        tensor_file.unlink()  # on a full disk it would stand in the way of what frees it
        raise
    remove_older(tensor_file)
    for ended in (run.outcome, run.paused):
        ended.unlink(missing_ok=True)
    done = replace(recorded, done=True)
    write_copies(run_dir, [*(c for c in before if c.step != copy.step), done])
    return done


def _with_costs(copy: CheckpointCopy, run: RunFolder) -> CheckpointCopy:
    """``copy`` with how the run has ended, and what it has spent."""
    ended = Outcome.read(run.path)
    paused = Outcome.read(run.path, paused=True)
    if ended is not None:
        costs: dict[str, Any] = vars(ended)
    elif paused is not None and paused.step == copy.step:
        costs = vars(paused)
    else:  # killed between its report and its pause
        costs = spent(run.path) or {"device_seconds": read_progress(run.checkpoint).device_seconds}
    lost = "" if ended is None else f"{ended.kind}: {ended.message}"
    return replace(copy, lost=lost, **{name: costs[name] for name in _COSTS if name in costs})


@dataclass(frozen=True)
class Snapshot:
    """A checkpoint of a run that may be training, as it was at one moment: ``snapshot(folder.checkpoint)``."""

    state: dict[str, Any]
    """The content of its ``state.json``."""
    content: bytes
    """Its tensors, as safetensors."""


_TRIES, _BETWEEN_S = 20, 0.1


def snapshot(checkpoint: Path) -> Snapshot:
    """The checkpoint in the folder ``checkpoint``, whole, while its run may write the next one. Raises UserError where
    it is damaged."""
    for _ in range(_TRIES):
        try:
            state = json.loads((checkpoint / STATE).read_text())
            content = (checkpoint / state["tensors"]).read_bytes()
        except FileNotFoundError:  # the run has written its next checkpoint between the two
            time.sleep(_BETWEEN_S)
            continue
        if hashlib.sha256(content).hexdigest() == state["sha256"]:
            return Snapshot(state, content)
        break
    read_checkpoint(checkpoint)  # raises, and says what is wrong
    raise UserError(f"the checkpoint in {checkpoint} is replaced as fast as it is read: try again in a moment.")


def begin_from(run_dir: Path, donor: Snapshot, copy: CheckpointCopy) -> None:
    """Give the run in ``run_dir``, which has no checkpoint, that of another run: it has spent nothing of its own.

    A call that was killed at any moment is simply made again.
    """
    run = RunFolder(run_dir)
    write_copies(run_dir, [copy])
    tensor_file = run.checkpoint / f"step-{copy.step:08d}-from-{copy.donor}.safetensors"
    write_atomically(tensor_file, donor.content)
    account = {"tensors": tensor_file.name, "device_seconds": 0.0, "nfe": None, "elsewhere": copy.step}
    write_json(run.checkpoint / STATE, donor.state | account)
    remove_older(tensor_file)
    write_copies(run_dir, [replace(copy, done=True)])
