"""What MLflow calls what stands in the folders: a sweep's record, a trial's configuration and outcome as tags,
parameters, metrics and data sets."""

from __future__ import annotations

import getpass
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gibbsweep.errors import UserError
from gibbsweep.folder import CheckpointCopy, Outcome, RunFolder, read_copies
from gibbsweep.folder.whole import read_json_object
from gibbsweep.track.mirror.tracked import stamp

if TYPE_CHECKING:
    from mlflow.entities import DatasetInput

# MLflow's limits (mlflow.utils.validation)
MAX_KEY = 250
MAX_PARAM = 6000
MAX_TAG = 8000
MAX_DIGEST = 36

BESIDE_PARAMS = ("contender", "seed")
"""Entries of ``config.json`` that are parameters of the run, beside those of ``params``."""


def may_lose_checkpoint(folder: Path) -> bool:
    """Whether the checkpoint in ``folder`` may be removed: that of a search trial of a sweep with a quota."""
    run = RunFolder(folder)
    return run.sweep.quota.exists() and read_json_object(run.config).get("kind") == "search"


def sweep_tags(sweep: Mapping[str, Any], name: str) -> dict[str, str]:
    """The tags of a sweep's own run, from its record ``sweep``. Its question is also the description that MLflow
    shows."""
    tags = {"gibbsweep.sweep": name, "gibbsweep.run_key": name, "gibbsweep.kind": "sweep", **_user()}
    for key in ("study", "question", "data", "budget", "goals", "fingerprint", "created"):
        if sweep.get(key) is not None:
            tags[f"gibbsweep.{key}"] = _tag(sweep[key])
    if sweep.get("question"):
        tags["mlflow.note.content"] = _tag(sweep["question"])
    return tags | words(sweep) | _commit(sweep)


def words(sweep: Mapping[str, Any]) -> dict[str, str]:
    """The tags by which a person filters the runs of all sweeps: ``tags.study = 'cd_k' and tags.budget = 'long'``."""
    return {key: sweep[key] for key in ("study", "data", "budget") if isinstance(sweep.get(key), str)}


def sweep_parameters(sweep: Mapping[str, Any]) -> dict[str, str]:
    """The parameters of a sweep's own run: the options that decide its numbers, as far as they say something."""
    options = sweep.get("options")
    options = options if isinstance(options, Mapping) else {}
    told = {key: value for key, value in options.items() if value not in (None, False)}
    return {
        valid_name(key): _param(" ".join(map(str, value)) if isinstance(value, list) else value)
        for key, value in told.items()
    }


def trial_tags(
    config: Mapping[str, Any], sweep: str, trial: str, parent_id: str, of_sweep: Mapping[str, str] | None = None
) -> dict[str, str]:
    """The tags of a trial's run. By ``gibbsweep.run_key`` it is found again; ``of_sweep`` are the :func:`words` of its
    sweep.

    Budget, data and provenance are tags and no parameters: MLflow writes all parameters above each picture, and so many
    would push the picture out of sight.
    """
    provenance = {
        key: value
        for key, value in config.items()
        if key not in ("params", "classes", "spec", "git_commit", *BESIDE_PARAMS)
    }
    return {
        **(of_sweep or {}),
        **{valid_name(f"gibbsweep.{name}"): _tag(value) for name, value in _flatten(provenance, "")},
        "mlflow.parentRunId": parent_id,
        "gibbsweep.run_key": run_key(sweep, trial),
        "gibbsweep.sweep": sweep,
        "gibbsweep.contender": _tag(config.get("contender", "")),
        **_user(),
        **_commit(config),
    }


def run_key(sweep: str, trial: str) -> str:
    """The text by which the store is searched for a trial's run: SWEEP/TRIAL."""
    return f"{sweep}/{trial}"


def parameters(config: Mapping[str, Any]) -> dict[str, str]:
    """The parameters of a trial's run: the entries of ``config["params"]``, flattened with dots, contender and seed."""
    flat = dict(_flatten(config.get("params") or {}, ""))
    for name, value in _flatten({key: config[key] for key in BESIDE_PARAMS if key in config}, ""):
        flat[name if name not in flat else f"config.{name}"] = value
    return {valid_name(name): _param(value) for name, value in flat.items()}


def copied_from(copies: Sequence[CheckpointCopy]) -> str:
    """A line for each checkpoint that a member of a population went on from: whose it was, and which values changed."""
    return "\n".join(
        f"{copy.donor} after {copy.step} updates: "
        + ", ".join(f"{name} {json.dumps(old)} -> {json.dumps(new)}" for name, (old, new) in copy.changed.items())
        for copy in copies
    )


def dataset_input(config: Mapping[str, Any]) -> DatasetInput | None:
    """The data set that a trial trains on, with its name, fingerprint and origin; None if ``config`` names none."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    data = config.get("data") or {}
    if not data.get("name"):
        return None
    origin = str(data.get("source") or data.get("path") or data["name"])
    remote = origin.startswith(("http://", "https://"))
    dataset = Dataset(
        name=str(data["name"]),
        digest=str(data.get("fingerprint", ""))[:MAX_DIGEST],
        source_type="http" if remote else "local",
        source=json.dumps({"url" if remote else "uri": origin}),
        profile=json.dumps({"num_rows": data["rows"]}) if "rows" in data else None,
    )
    return DatasetInput(dataset, [InputTag("mlflow.data.context", "training")])


@dataclass(frozen=True)
class Final:
    """The end of a trial, for its run."""

    outcome: str
    """The kind of its outcome; "" if the file cannot be used."""
    step: int
    """Updates done."""
    metrics: dict[str, float]
    """The metrics that it ended with."""
    tags: dict[str, str]
    """The tags that describe the end."""
    time: float
    """Unix seconds of the file."""
    stamp: str
    """The :func:`~gibbsweep.track.mirror.tracked.stamp` of the file."""
    error: UserError | None = None
    """Why the file cannot be used; None if it can."""


def read_final(folder: Path) -> Final:
    """The end of the trial in ``folder``, which has an outcome."""
    path = RunFolder(folder).outcome
    file_stamp, time = stamp(path), path.stat().st_mtime
    try:
        outcome = Outcome.read(folder)
        if outcome is None:
            raise UserError(f"{path} is gone: the trial trains on")
        return Final(outcome.kind, outcome.step, outcome.metrics, outcome_tags(outcome, folder), time, file_stamp)
    except UserError as error:
        return Final("", 0, {}, {}, time, file_stamp, error)


def outcome_tags(outcome: Outcome, folder: Path) -> dict[str, str]:
    """The tags of an outcome: its kind and message, how often and why the trial in ``folder`` was restarted, how
    often it ran out of memory, and whose checkpoints it went on from."""
    tags = {"gibbsweep.outcome": str(outcome.kind)}
    if outcome.restarts:
        tags["gibbsweep.restarts"] = str(len(outcome.restarts))
        tags["gibbsweep.restarted_after"] = "\n".join(restart.message for restart in outcome.restarts)
    if outcome.memory_retries:
        tags["gibbsweep.ran_out_of_memory"] = str(len(outcome.memory_retries))
    if copied := copied_from(read_copies(folder)):
        tags["gibbsweep.copied_from"] = copied
    if outcome.message:
        tags["gibbsweep.message"] = outcome.message
    return {name: text[:MAX_TAG] for name, text in tags.items()}


def valid_name(name: str) -> str:
    """``name`` as MLflow accepts it for a metric or parameter: a plain relative path, with "_" for other characters."""
    parts = [part for part in re.sub(r"[^/\w.\- :]", "_", name).split("/") if part not in ("", ".", "..")]
    valid = "/".join(parts) or "_"
    return valid if len(valid) <= MAX_KEY else f"{valid[: MAX_KEY - 9]}~{sha256(name.encode()).hexdigest()[:8]}"


def _flatten(value: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    """The entries of nested mappings with their paths, the keys joined by dots."""
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from _flatten(inner, f"{prefix}.{key}" if prefix else str(key))
    elif prefix:
        yield prefix, value


def _param(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return _cut(text, MAX_PARAM) or '""'


def _tag(value: Any) -> str:
    return _cut(value if isinstance(value, str) else json.dumps(value), MAX_TAG)


def _cut(text: str, limit: int) -> str:
    """``text`` in at most ``limit`` characters; one that is cut says so at its end."""
    if len(text) <= limit:
        return text
    note = f" ... (cut: {len(text)} characters)"
    return text[: limit - len(note)] + note


def _commit(config: Mapping[str, Any]) -> dict[str, str]:
    commit = config.get("git_commit")
    return {"mlflow.source.git.commit": str(commit)} if commit else {}


def _user() -> dict[str, str]:
    try:
        return {"mlflow.user": getpass.getuser()}
    except (OSError, KeyError):  # a container's user may have no name
        return {}
