"""Checkpoints: one safetensors file with every tensor and one JSON file that vouches for it. Never a pickle.

``checkpoint/state.json`` is replaced last and atomically and names the tensor file with its SHA-256, so a crash at any moment
leaves the previous checkpoint whole.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor, nn

from gibbsweep.errors import UserError
from gibbsweep.train.ema import EMA
from gibbsweep.train.files import write_atomically
from gibbsweep.train.precision import Precision
from gibbsweep_models.types import Phase

FORMAT = 1
REMOVED = "removed.json"


@dataclass
class Progress:
    """What a resumed run must know besides tensors."""

    step: int = 0
    seed: int = 0
    precision: Precision | None = None
    device_seconds: float = 0.0
    nfe: int | None = None
    metrics: dict[str, float] = field(default_factory=dict)
    config: dict[str, Any] = field(default_factory=dict)
    elsewhere: int = 0
    """Of ``step``, the updates that another run did, whose checkpoint was taken over, beyond those that it replaced."""


def save_checkpoint(
    folder: Path,
    system: nn.Module,
    phases: list[Phase],
    optimizers: list[torch.optim.Optimizer],
    ema: EMA,
    progress: Progress,
) -> None:
    """Write the whole training state to ``folder``; the previous tensor file is removed once the new one counts."""
    tensors, aliases, scalars = _collect(system, phases, optimizers, ema)
    content = save({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()})
    tensor_file = folder / f"step-{progress.step:08d}.safetensors"
    there = tensor_file.exists()
    write_atomically(tensor_file, content)
    state = {
        "format": FORMAT,
        "tensors": tensor_file.name,
        "sha256": hashlib.sha256(content).hexdigest(),
        "aliases": aliases,
        "optimizers": scalars,
        **vars(progress),
    }
    try:
        write_atomically(folder / "state.json", json.dumps(state, indent=1).encode())
    except OSError:
        if not there:
            tensor_file.unlink()  # on a full disk it would stand in the way of what frees it
        raise
    for old in (*folder.glob("step-*.safetensors"), *folder.glob(".*.tmp")):  # what a kill left unfinished, too
        if old != tensor_file:
            old.unlink()


def has_checkpoint(folder: Path) -> bool:
    return (folder / "state.json").exists()


def remove_checkpoint(folder: Path, why: str) -> None:
    """Delete a checkpoint that nothing will continue; a small ``removed.json`` stays and says ``why``. Killed at any moment, it leaves
    a whole checkpoint, or none and the reason."""
    write_atomically(folder / REMOVED, json.dumps({"removed": why}).encode())
    (folder / "state.json").unlink(missing_ok=True)
    for file in folder.iterdir():
        if file.name != REMOVED:
            file.unlink()


def refuse_removed(folder: Path) -> None:
    """Raise UserError if the checkpoint that was in ``folder`` has been removed on purpose."""
    note = folder / REMOVED
    if note.exists() and not has_checkpoint(folder):
        raise UserError(
            f"the checkpoint in {folder} is gone ({json.loads(note.read_text())['removed']}): the run's configuration, metrics and "
            "pictures are kept; train it again in another run folder to have its weights."
        )


def load_checkpoint(
    folder: Path,
    system: nn.Module,
    phases: list[Phase],
    optimizers: list[torch.optim.Optimizer],
    ema: EMA,
    *,
    own_settings: bool = False,
) -> Progress:
    """Restore everything :func:`save_checkpoint` wrote. A file that is cut short, altered or of another system is a UserError.
    ``own_settings``: the optimisers keep their own settings, and get the state of each parameter alone."""
    state, tensors = read_checkpoint(folder)
    try:
        system.load_state_dict(_under("model/", tensors))
        ema.load(_under("ema/", tensors))
        for phase, optimizer, scalars in zip(phases, optimizers, state["optimizers"], strict=True):
            if isinstance(phase.objective, nn.Module):
                phase.objective.load_state_dict(_under(f"objective/{phase.name}/", tensors))
            groups = optimizer.state_dict()["param_groups"] if own_settings else scalars["param_groups"]
            _restore_optimizer(
                optimizer, {**scalars, "param_groups": groups}, _under(f"optimizer/{phase.name}/", tensors)
            )
    except (KeyError, ValueError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(
            f"the checkpoint in {folder} belongs to another system or configuration ({reason}): "
            "resume with the configuration that wrote it, or choose another run folder."
        ) from error
    return _progress(state)


def read_checkpoint(folder: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """The verified state and tensors of a checkpoint folder."""
    refuse_removed(folder)
    advice = "restore the file from a copy, or delete the folder to train from the start."
    try:
        state = json.loads((folder / "state.json").read_text())
        content = (folder / state["tensors"]).read_bytes()
        expected = state["sha256"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"the checkpoint in {folder} cannot be read ({error}): {advice}") from error
    actual = hashlib.sha256(content).hexdigest()
    if actual != expected:
        raise UserError(
            f"the checkpoint {folder / state['tensors']} was cut short or altered "
            f"(SHA-256 {actual[:12]}…, expected {str(expected)[:12]}…): {advice}"
        )
    if state.get("format") != FORMAT:
        raise UserError(f"the checkpoint in {folder} has format {state.get('format')}, expected {FORMAT}: {advice}")
    try:
        tensors = load(content)
        return state, tensors | {alias: tensors[name] for alias, name in state.get("aliases", {}).items()}
    except (SafetensorError, KeyError) as error:
        raise UserError(f"the checkpoint in {folder} is not a safetensors file ({error}): {advice}") from error


def read_progress(folder: Path) -> Progress:
    """How far the checkpoint in ``folder`` is; the start of a run where there is none."""
    return _progress(json.loads((folder / "state.json").read_text())) if has_checkpoint(folder) else Progress()


def load_weights(folder: Path, system: nn.Module) -> int:
    """Load the weights to evaluate (the average where there is one) into ``system``; returns their step."""
    state, tensors = read_checkpoint(folder)
    system.load_state_dict(_under("model/", tensors) | _under("ema/", tensors))
    return int(state["step"])


def form_of(system: nn.Module, phases: list[Phase], ema_decay: float) -> dict[str, tuple[str, str]]:
    """What must be equal for a checkpoint of one configuration to continue under another: every tensor's form and a digest of its
    numbers, and the optimisers. Loading a checkpoint replaces the numbers, also those that a configuration has put there."""
    optimizers = [phase.optimizer.build(phase.parameters) for phase in phases]
    tensors, aliases, _ = _collect(system, phases, optimizers, EMA(system, ema_decay))
    found = {
        name: (
            f"{tuple(tensor.shape)} {tensor.dtype}",
            hashlib.sha256(save({"": tensor.detach().contiguous()})).hexdigest(),
        )
        for name, tensor in tensors.items()
    } | {alias: (name, "") for alias, name in aliases.items()}
    for phase, optimizer in zip(phases, optimizers, strict=True):
        groups = ", ".join(str(len(group["params"])) for group in optimizer.param_groups)
        found[f"optimizer/{phase.name}"] = f"{type(optimizer).__name__} of {groups} parameters", ""
    return found


def _collect(
    system: nn.Module, phases: list[Phase], optimizers: list[torch.optim.Optimizer], ema: EMA
) -> tuple[dict[str, Tensor], dict[str, str], list[dict[str, Any]]]:
    """Every tensor once, further names of the same memory (a replay buffer that system and objective share), and the
    optimisers' numbers."""
    tensors: dict[str, Tensor] = {f"model/{name}": t for name, t in system.state_dict().items()}
    tensors |= {f"ema/{name}": t for name, t in ema.shadow.items()}
    scalars: list[dict[str, Any]] = []
    for phase, optimizer in zip(phases, optimizers, strict=True):
        if isinstance(phase.objective, nn.Module):
            tensors |= {f"objective/{phase.name}/{name}": t for name, t in phase.objective.state_dict().items()}
        state = optimizer.state_dict()
        plain: dict[str, dict[str, Any]] = {}
        for index, entries in state["state"].items():
            plain[str(index)] = {k: v for k, v in entries.items() if not isinstance(v, Tensor)}
            for key, value in entries.items():
                if isinstance(value, Tensor):
                    tensors[f"optimizer/{phase.name}/{index}/{key}"] = value
        scalars.append({"state": plain, "param_groups": state["param_groups"]})
    names: dict[tuple[Any, ...], str] = {}
    aliases: dict[str, str] = {}
    for name, tensor in tensors.items():
        memory = (tensor.device, tensor.data_ptr(), tensor.dtype, tensor.shape, tensor.stride())
        first = names.setdefault(memory, name) if tensor.numel() else name
        if first != name:
            aliases[name] = first
    return {name: t for name, t in tensors.items() if name not in aliases}, aliases, scalars


def _restore_optimizer(optimizer: torch.optim.Optimizer, scalars: dict[str, Any], tensors: dict[str, Tensor]) -> None:
    state: dict[int, dict[str, Any]] = {int(i): dict(entries) for i, entries in scalars["state"].items()}
    for name, tensor in tensors.items():
        index, key = name.split("/", 1)
        state.setdefault(int(index), {})[key] = tensor
    optimizer.load_state_dict({"state": state, "param_groups": scalars["param_groups"]})


def _progress(state: dict[str, Any]) -> Progress:
    # Checkpoints from before network evaluations were counted do not say how many there were, nor does one from before checkpoints
    # were taken over.
    known = {"nfe": None, "elsewhere": 0, **state}
    return Progress(**{name: known[name] for name in vars(Progress())})


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): t for name, t in tensors.items() if name.startswith(prefix)}
