"""Checkpoints: one safetensors file with every tensor and one JSON file that vouches for it. Never a pickle.

``checkpoint/state.json`` is replaced last and atomically, and names the tensor file with its SHA-256: a crash at any
moment leaves the previous checkpoint whole.
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
from gibbsweep.folder.layout import REMOVED, STATE
from gibbsweep.folder.whole import write_atomically, write_json
from gibbsweep.precisions import Precision
from gibbsweep.train.ema import EMA
from gibbsweep_models.types import Phase

FORMAT = 1


@dataclass
class Progress:
    """What a resumed run must know besides tensors; without arguments, that of a run that has not begun."""

    step: int = 0
    """Updates done."""
    seed: int = 0
    """The run's seed."""
    precision: Precision | None = None
    """The arithmetic of its updates; None until it is chosen."""
    device_seconds: float = 0.0
    """Seconds in updates, summed over workers."""
    nfe: int | None = None
    """Network evaluations per chain of the samplers of training; None where no objective states them."""
    metrics: dict[str, float] = field(default_factory=dict)
    """Those of the last report."""
    config: dict[str, Any] = field(default_factory=dict)
    """The configuration that it was trained with."""
    elsewhere: int = 0
    """Those of ``step`` that another run did, whose checkpoint was copied, beyond those that the copy replaced."""


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
    rewritten = tensor_file.exists()
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
        write_json(folder / STATE, state)
    except OSError:
        if not rewritten:
            tensor_file.unlink()  # on a full disk it would stand in the way of what frees it
        raise
    remove_older(tensor_file)


def remove_older(tensor_file: Path) -> None:
    """Remove all tensor files beside ``tensor_file``, which counts now, and what a kill left unfinished."""
    folder = tensor_file.parent
    for old in (*folder.glob("step-*.safetensors"), *folder.glob(".*.tmp")):
        if old != tensor_file:
            old.unlink()


def has_checkpoint(folder: Path) -> bool:
    """Whether ``folder`` holds a checkpoint."""
    return (folder / STATE).exists()


def goes_on(folder: Path) -> bool:
    """Whether ``folder`` holds a checkpoint that training goes on from: that of a fitted system has no optimisers."""
    return has_checkpoint(folder) and bool(json.loads((folder / STATE).read_text())["optimizers"])


def remove_checkpoint(folder: Path, why: str) -> None:
    """Delete a checkpoint that nothing will continue; a small ``removed.json`` stays and says ``why``.

    A kill at any moment leaves a whole checkpoint, or none and the reason.
    """
    write_atomically(folder / REMOVED, json.dumps({"removed": why}).encode())
    (folder / STATE).unlink(missing_ok=True)
    for file in folder.iterdir():
        if file.name != REMOVED:
            file.unlink()


def refuse_removed(folder: Path) -> None:
    """Raise UserError if the checkpoint that was in ``folder`` has been removed on purpose."""
    note = folder / REMOVED
    if note.exists() and not has_checkpoint(folder):
        raise UserError(
            f"the checkpoint in {folder} is gone ({json.loads(note.read_text())['removed']}): the run's configuration, "
            "metrics and pictures are kept; train it again in another run folder to have its weights."
        )


def load_checkpoint(
    folder: Path,
    system: nn.Module,
    phases: list[Phase],
    optimizers: list[torch.optim.Optimizer],
    ema: EMA,
    *,
    keep_settings: bool = False,
) -> Progress:
    """Restore everything that :func:`save_checkpoint` wrote.

    ``keep_settings``: the optimisers keep their own settings, and get the state of each parameter alone. Raises
    UserError for a file that is cut short, altered or of another system.
    """
    state, tensors = read_checkpoint(folder)
    try:
        system.load_state_dict(_under("model/", tensors))
        ema.load(_under("ema/", tensors))
        for phase, optimizer, scalars in zip(phases, optimizers, state["optimizers"], strict=True):
            if isinstance(phase.objective, nn.Module):
                phase.objective.load_state_dict(_under(f"objective/{phase.name}/", tensors))
            groups = optimizer.state_dict()["param_groups"] if keep_settings else scalars["param_groups"]
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
    """The verified state and tensors of a checkpoint. Raises UserError for a file that is cut short or altered."""
    refuse_removed(folder)
    advice = "restore the file from a copy, or delete the folder to train from the start."
    try:
        state = json.loads((folder / STATE).read_text())
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
        return state, tensors | {alias: tensors[name] for alias, name in state["aliases"].items()}
    except (SafetensorError, KeyError) as error:
        raise UserError(f"the checkpoint in {folder} is not a safetensors file ({error}): {advice}") from error


def read_progress(folder: Path) -> Progress:
    """How far the checkpoint in ``folder`` is; the start of a run where there is none."""
    return _progress(json.loads((folder / STATE).read_text())) if has_checkpoint(folder) else Progress()


def load_weights(folder: Path, system: nn.Module) -> int:
    """Load the weights to evaluate (the average where there is one) into ``system``; returns their step."""
    state, tensors = read_checkpoint(folder)
    system.load_state_dict(_under("model/", tensors) | _under("ema/", tensors))
    return int(state["step"])


def form_of(system: nn.Module, phases: list[Phase], ema_decay: float) -> dict[str, tuple[str, str]]:
    """What must be equal for a checkpoint of one configuration to continue under another, as pairs of texts by name.

    For each tensor its shape and type, and a digest of its numbers: loading a checkpoint replaces the numbers, also
    those that a configuration has put there. For each optimiser its class and its groups of parameters.
    """
    optimizers = [phase.build_optimizer() for phase in phases]
    tensors, aliases, _ = _collect(system, phases, optimizers, EMA(system, ema_decay))
    form = {
        name: (
            f"{tuple(tensor.shape)} {tensor.dtype}",
            hashlib.sha256(save({"": tensor.detach().contiguous()})).hexdigest(),
        )
        for name, tensor in tensors.items()
    } | {alias: (name, "") for alias, name in aliases.items()}
    for phase, optimizer in zip(phases, optimizers, strict=True):
        groups = ", ".join(str(len(group["params"])) for group in optimizer.param_groups)
        form[f"optimizer/{phase.name}"] = f"{type(optimizer).__name__} of {groups} parameters", ""
    return form


def _collect(
    system: nn.Module, phases: list[Phase], optimizers: list[torch.optim.Optimizer], ema: EMA
) -> tuple[dict[str, Tensor], dict[str, str], list[dict[str, Any]]]:
    """Every tensor once, by name; further names of the same memory (a replay buffer that system and objective share)
    with the first name of it; and the optimisers' numbers."""
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
    return Progress(**{name: state[name] for name in vars(Progress())})


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): t for name, t in tensors.items() if name.startswith(prefix)}
